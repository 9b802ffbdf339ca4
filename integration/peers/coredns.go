package main

import (
	"fmt"
	"os/exec"
)

// corednsProgram has of the plugins only those that are used: with all of them
// the program takes more memory, and answers no faster.
var corednsProgram = scratch{
	module: "github.com/coredns/coredns@v1.15.0",
	program: `package main

import (
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/hosts"
)

func main() { coremain.Run() }
`,
}

// coredns checks every tenth of a second whether its file changed.
var coredns = &peer{
	name:    "coredns",
	what:    "CoreDNS",
	obtain:  func(s *shelf) error { return corednsProgram.build(s, "coredns") },
	version: func(*shelf) string { return corednsProgram.module },
	caches:  true,
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		plugins := fmt.Sprintf("forward . 127.0.0.1:%d\n  cache 3600", s.upstream)
		if s.nodes > 0 {
			if err := s.place(sh, hostsFormat); err != nil {
				return nil, err
			}
			plugins = fmt.Sprintf("hosts %s {\n    ttl 10\n    reload 100ms\n  }", s.file(hostsFormat.name))
		}
		err := s.write("Corefile", fmt.Sprintf(".:%d {\n  bind 127.0.0.1\n  %s\n}\n", s.port, plugins))
		return exec.Command(sh.bin("coredns"), "-quiet", "-conf", s.file("Corefile")), err
	},
	prepares: rewrites(hostsFormat),
	changes:  renames(hostsFormat, 0),
}
