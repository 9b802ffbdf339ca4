package config

import (
	"fmt"
	"slices"
	"strings"
)

// unavailable lists the keys, and the forms of values, that are understood
// but have nothing behind them yet. When a feature arrives, its rows go, and
// with them the refusal; its keys then show up in the help by themselves.
var unavailable = []absence{
	{key: "curator.report", off: "false"},
	{key: "files.resolv_conf_mode", off: string(ResolvConfOff)},
	{key: "upstream.servers", forms: []string{"tcp://", "tls://", "https://"}},
	{key: "upstream.trust_ad", off: "false"},
	{key: "upstream.randomize_case", off: "false"},
	{key: "upstream.rebind_protection", off: "false"},
	{key: "upstream.route", off: "[]"},
	{key: "cache.size", off: "0"},
	{key: "cache.serve_stale", off: "0s"},
	{key: "varlink.socket", off: ""},
}

// absence is one thing that a later version may do.
type absence struct {
	key   string
	off   string   // the value that asks for nothing, and is therefore accepted
	forms []string // beginnings of the refused values; none: all but off
}

// refusal is the text for whoever asks for such a thing.
const refusal = "not available in this version of nodedns; remove it"

// available reports whether the key does anything at all in this version.
func (k key) available() bool {
	return !slices.ContainsFunc(unavailable, func(a absence) bool {
		return a.key == k.name && a.forms == nil
	})
}

// withheld says what a value of the key asks for in vain.
func (k key) withheld(raw any) []fault {
	var faults []fault
	for _, a := range unavailable {
		switch {
		case a.key != k.name:
		case a.forms != nil:
			faults = append(faults, a.withheldForms(raw)...)
		case fmt.Sprint(raw) != a.off:
			faults = append(faults, fault{whole, refusal})
		}
	}
	return faults
}

// withheldForms finds the items of a list that are of a refused form.
func (a absence) withheldForms(raw any) []fault {
	items, _ := raw.([]any)
	var faults []fault
	for i, item := range items {
		s, _ := item.(string)
		for _, form := range a.forms {
			if strings.HasPrefix(strings.ToLower(s), form) {
				faults = append(faults, fault{i, fmt.Sprintf("%q is %s", s, refusal)})
			}
		}
	}
	return faults
}
