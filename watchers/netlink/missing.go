package netlink

import (
	"context"
	"slices"
)

// Absence is why a machine has no address of its own.
type Absence string

// The reasons, in the order in which they are checked. Each concerns some
// interfaces, which are named beside it.
const (
	// NoMatch: no interface has a name that a pattern matches; concerns all
	// interfaces.
	NoMatch Absence = "no interface matches"
	// NoneUp: no suitable interface is up; concerns those that are down.
	NoneUp Absence = "no interface is up"
	// LeftOut: all addresses are on interfaces that are left out, as tunnels, or
	// bridges for containers that no default route leads through.
	LeftOut Absence = "addresses on interfaces that are left out"
	// NoneUsable: the suitable interfaces have no address that could be
	// published: none, or link-local, tentative and deprecated ones only.
	NoneUsable Absence = "no usable address"
)

// Missing returns why a Watcher with these patterns would publish no address
// now, and the names of the interfaces concerned; "" where it would. The error is
// that of the kernel's lists.
func Missing(ctx context.Context, patterns []string) (Absence, []string, error) {
	tables, err := openTables(nil)
	if err != nil {
		return "", nil, err
	}
	defer tables.close()
	k, err := tables.read(ctx)
	if err != nil {
		return "", nil, err
	}
	absence, concerned := missing(k, patterns)
	return absence, concerned, nil
}

// missing is why choose returns nothing for the same lists.
func missing(k kernel, globs []string) (Absence, []string) {
	if len(choose(k, globs, nil)) > 0 {
		return "", nil
	}
	outer := choiceOf(k.links, func(l link) bool { return !l.loopback })
	if len(globs) > 0 {
		matching := choiceOf(k.links, func(l link) bool { return matches(l, globs) })
		if len(matching) == 0 {
			return NoMatch, firstNames(outer)
		}
		return absenceOn(matching)
	}
	// Loopback is left out as well, but is not worth reporting.
	leftOut := choiceOf(outer, func(l link) bool {
		return l.up && slices.ContainsFunc(k.addrs, func(a address) bool { return a.link == l.index && a.global && a.usable() })
	})
	if len(leftOut) > 0 {
		return LeftOut, firstNames(leftOut)
	}
	suitable := choiceOf(outer, func(l link) bool {
		led := slices.ContainsFunc(k.routes, func(r route) bool { return r.link == l.index })
		return leadsOut(l, k.links) || led && !l.tunnel()
	})
	return absenceOn(suitable)
}

// absenceOn is why suitable links have no address.
func absenceOn(suitable []link) (Absence, []string) {
	if up := choiceOf(suitable, func(l link) bool { return l.up }); len(up) > 0 {
		return NoneUsable, firstNames(up)
	}
	return NoneUp, firstNames(suitable)
}

func choiceOf(links []link, suits func(link) bool) []link {
	return slices.DeleteFunc(slices.Clone(links), func(l link) bool { return !suits(l) })
}

// firstNames are the names of links without their alternative ones, sorted.
func firstNames(links []link) []string {
	names := make([]string, 0, len(links))
	for _, l := range links {
		names = append(names, l.names[0])
	}
	slices.Sort(names)
	return names
}
