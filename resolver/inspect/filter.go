package inspect

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/internal/wire"
)

// rcodes is the number of response codes that can be selected: BADCOOKIE, 23, is
// the last in use.
const rcodes = 24

// QueryFilter selects events: those that match all fields that are set. Of a
// list an event has to match one item.
type QueryFilter struct {
	// Name is a part of the name asked for or, with * or ? or [ in it, a
	// pattern as of [path.Match] of the whole name. Letter case and the final
	// dot do not matter.
	Name    string
	Types   []string // mnemonics such as AAAA, or TYPE65
	Rcodes  []string // such as NXDOMAIN
	Sources []string // as in Answer
	Clients []string // addresses or prefixes
}

// Filter returns a function that reports whether an event matches. It is for
// one goroutine only. The error is what is wrong with the filter.
func (c QueryFilter) Filter() (func(*querylog.Entry) bool, error) {
	name, err := NameFilter(c.Name)
	if err != nil {
		return nil, err
	}
	types, err := parseAll(c.Types, "type: want a mnemonic such as AAAA, or TYPE and a number", wire.ParseType)
	if err != nil {
		return nil, err
	}
	rcodes, err := parseAll(c.Rcodes, "response code: want a mnemonic such as NXDOMAIN", parseRcode)
	if err != nil {
		return nil, err
	}
	sources, err := parseAll(c.Sources, "source: want zone, hosts, special, cache, upstream or request", parseSource)
	if err != nil {
		return nil, err
	}
	clients, err := parseAll(c.Clients, "client: want an address or a network", parseClient)
	if err != nil {
		return nil, err
	}
	asked := c.Name != "" || len(types) > 0
	return func(e *querylog.Entry) bool {
		if !chosen(rcodes, e.Rcode) || !chosen(sources, e.Source) || !fromAny(clients, e.Client.Addr().Unmap().WithZone("")) {
			return false
		}
		if !asked {
			return true
		}
		question, qtype, ok := e.Question()
		return ok && chosen(types, qtype) && name(question)
	}, nil
}

// NameFilter returns a function that reports whether a name matches, as by
// QueryFilter.Name.
func NameFilter(text string) (func(name string) bool, error) {
	text = lowerName(text)
	if !strings.ContainsAny(text, "*?[") {
		return func(name string) bool { return strings.Contains(lowerName(name), text) }, nil
	}
	if _, err := path.Match(text, ""); err != nil {
		return nil, fmt.Errorf("name %q: %w", text, err)
	}
	return func(name string) bool {
		fits, _ := path.Match(text, lowerName(name))
		return fits
	}, nil
}

func lowerName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// chosen reports whether an item is in a list, where an empty list contains
// everything.
func chosen[T comparable](list []T, item T) bool {
	return len(list) == 0 || slices.Contains(list, item)
}

func fromAny(clients []netip.Prefix, addr netip.Addr) bool {
	return len(clients) == 0 || slices.ContainsFunc(clients, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func parseAll[T any](texts []string, what string, parse func(string) (T, bool)) (all []T, err error) {
	for _, text := range texts {
		one, ok := parse(text)
		if !ok {
			return nil, fmt.Errorf("%q is no %s", text, what)
		}
		all = append(all, one)
	}
	return all, nil
}

func parseRcode(text string) (int, bool) {
	for rcode := range rcodes {
		if strings.EqualFold(text, wire.RcodeName(rcode)) {
			return rcode, true
		}
	}
	return 0, false
}

func parseSource(text string) (decision.Source, bool) {
	for source := range decision.Sources {
		if strings.EqualFold(text, source.String()) {
			return source, true
		}
	}
	return 0, false
}

func parseClient(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix.Masked(), err == nil
}
