// Prints the addresses that Go finds for a name by the C library, one a line.
package main

import "C" // without which there is no C library
import (
	"fmt"
	"net"
	"os"
)

func main() {
	addrs, err := net.LookupHost(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, addr := range addrs {
		fmt.Println(addr)
	}
}
