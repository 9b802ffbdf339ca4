package routes_test

import (
	"fmt"

	"github.com/nodedns/nodedns/resolver/internal/routes"
)

func Example() {
	table, err := routes.New([]routes.Route[string]{
		{Domains: []string{"corp.example"}, Target: "the office's servers"},
		{Domains: []string{"lab.corp.example"}, Target: "the laboratory's server"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	target, labels, _ := table.Lookup([]byte("\x03www\x03lab\x04corp\x07example\x00"))
	fmt.Println(target, "by", labels, "labels")
	// Output: the laboratory's server by 3 labels
}
