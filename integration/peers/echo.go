package main

import (
	"os/exec"
	"strconv"
)

// addressSize is what the answer to a query for an IPv4 address has more than
// the query: a pointer to the name, type, class, TTL, length and the address.
const addressSize = 16

// echo is the bound: no DNS, just the system calls.
var echo = &peer{
	name:   "echo",
	what:   "bare echo in C",
	obtain: func(s *shelf) error { return buildC(s, "echo") },
	caches: true,
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		return exec.Command(sh.bin("echo"), strconv.Itoa(s.port), strconv.Itoa(addressSize)), nil
	},
}
