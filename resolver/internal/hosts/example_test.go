package hosts_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/nodedns/nodedns/resolver/internal/hosts"
)

func Example() {
	dir, err := os.MkdirTemp("", "hosts-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "hosts")
	if err := os.WriteFile(path, []byte("192.0.2.7 printer\nnonsense\n"), 0o644); err != nil {
		fmt.Println(err)
		return
	}

	file := hosts.New(hosts.Config{Path: path})
	file.Look() // a daemon calls Run as well, which follows the file
	addrs, _ := file.Table().Lookup([]byte("\x07printer\x00"))
	for addr := range addrs.All() {
		fmt.Println(addr)
	}
	for _, report := range file.Reports() {
		fmt.Println(report)
	}
	// Output:
	// 192.0.2.7
	// line 2: "nonsense" is not an address; the line does not count
}
