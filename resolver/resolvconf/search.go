package resolvconf

import (
	"slices"
	"strconv"
	"strings"
)

// maxNdots is the maximum of the option (resolv.conf(5)).
const maxNdots = 15

// Ndots returns the number of dots from which on a name is first looked up as
// it is, by the options of a resolv.conf.
func Ndots(options []string) int {
	ndots := 1
	for _, option := range options {
		if text, ok := strings.CutPrefix(option, "ndots:"); ok {
			if n, err := strconv.Atoi(text); err == nil && n >= 0 {
				ndots = min(n, maxNdots)
			}
		}
	}
	return ndots
}

// Spellings returns the names that a name looked up by a program may stand for,
// in the order in which the C library tries them: those with the domains of a
// search list, and the name as it is (resolv.conf(5)). A name with a final dot
// stands for itself only. None of them is checked.
func Spellings(name string, search []string, ndots int) []string {
	if whole, complete := strings.CutSuffix(name, "."); complete {
		return []string{whole}
	}
	var all []string
	if strings.Count(name, ".") >= ndots {
		all = append(all, name)
	}
	for _, domain := range search {
		spelling := name
		if domain = strings.Trim(domain, "."); domain != "" {
			spelling += "." + domain
		}
		if !slices.Contains(all, spelling) {
			all = append(all, spelling)
		}
	}
	if !slices.Contains(all, name) {
		all = append(all, name)
	}
	return all
}
