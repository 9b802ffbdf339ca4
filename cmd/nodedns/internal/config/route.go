package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/upstream"
)

func equalRoutes(a, b resolver.Route) bool {
	return slices.Equal(a.Domains, b.Domains) && slices.Equal(a.Servers, b.Servers)
}

// routesKey makes a key that is a list of tables, each a route. No argument of a
// flag can spell that, so it has none, nor a help for it.
func routesKey(name string, field func(*Config) *[]resolver.Route) key {
	return key{
		name: name, defaultValue: []any{},
		set: func(c *Config, raw any) []valueError {
			all, faults := parseRoutes(name, raw)
			if faults == nil {
				*field(c) = all
			}
			return faults
		},
		copy: func(to, from *Config) { *field(to) = *field(from) },
		same: func(a, b *Config) bool { return slices.EqualFunc(*field(a), *field(b), equalRoutes) },
	}
}

func parseRoutes(name string, raw any) (all []resolver.Route, faults []valueError) {
	tables, ok := raw.([]any)
	if !ok {
		return nil, []valueError{unexpected(allOfIt, raw, expected("tables [[%s]]", name))}
	}
	for i, raw := range tables {
		r, wrong := parseRoute(name, raw)
		for _, f := range wrong {
			f.text = fmt.Sprintf("route %d: %s", i+1, f.text)
			faults = append(faults, valueError{allOfIt, f.text})
		}
		all = append(all, r)
	}
	return all, append(faults, sharedDomains(all)...)
}

func parseRoute(name string, raw any) (r resolver.Route, faults []valueError) {
	table, ok := raw.(map[string]any)
	if !ok {
		return r, []valueError{unexpected(allOfIt, raw, expected("a table [[%s]]", name))}
	}
	for key := range table {
		if key != "domains" && key != "servers" {
			faults = append(faults, valueError{allOfIt, fmt.Sprintf("unknown key %.80q, expected domains and servers", key)})
		}
	}
	var wrong []valueError
	r.Domains, wrong = routeList(table, "domains", routeDomain)
	faults = append(faults, wrong...)
	if wrong == nil && len(r.Domains) == 0 {
		faults = append(faults, valueError{allOfIt, "domains is empty, expected at least one"})
	}
	r.Servers, wrong = routeList(table, "servers", routeServer)
	return r, append(faults, wrong...)
}

// routeList parses a list in a route. An empty one means something, so a
// missing one must not.
func routeList[T comparable](table map[string]any, name string, parse func(string) (T, error)) ([]T, []valueError) {
	raw, there := table[name]
	if !there {
		return nil, []valueError{{allOfIt, name + " is missing, expected a list"}}
	}
	items, faults := parseList(raw, parse)
	for i := range faults {
		faults[i].text = name + ": " + faults[i].text
	}
	return items, faults
}

// sharedDomains finds what is in two routes: one of them would never be used.
func sharedDomains(all []resolver.Route) (faults []valueError) {
	first := map[string]int{}
	for i, r := range all {
		for _, domain := range r.Domains {
			if at, taken := first[domain]; taken {
				faults = append(faults, valueError{allOfIt, fmt.Sprintf("route %d: %q is in route %d as well; remove one of the two", i+1, domain, at)})
				continue
			}
			first[domain] = i + 1
		}
	}
	return faults
}

// routeDomain parses a domain that others may answer for, or all names.
func routeDomain(s string) (string, error) {
	if s == "." {
		return s, nil
	}
	name, err := siteDomain(s)
	if err != nil {
		return "", expected(`a domain such as corp.example, or "." for all names`)
	}
	return name, nil
}

// siteDomain parses a domain that others answer for, a reserved one included:
// its names may be known in a private network.
func siteDomain(s string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(s, "."))
	if !hostName(name) {
		return "", expected("a domain such as corp.example")
	}
	return name, nil
}

func routeServer(s string) (upstream.Server, error) {
	r, err := server(s)
	if err == nil && r == upstream.Auto {
		err = expected("a server; auto is for upstream.servers")
	}
	return r, err
}
