package config

import (
	"fmt"
	"slices"
)

// unavailable lists the keys that are understood but have nothing behind them
// yet. When a feature arrives, its rows go, and with them the refusal; its keys
// then show up in the help by themselves.
var unavailable = []absence{
	{key: "varlink.socket", off: ""},
}

// absence is one thing that a later version may do.
type absence struct {
	key string
	off string // the value that asks for nothing, and is therefore accepted
}

// refusal is the text for whoever asks for such a thing.
const refusal = "not available in this version of nodedns; remove it"

// available reports whether the key does anything at all in this version.
func (k key) available() bool {
	return !slices.ContainsFunc(unavailable, func(a absence) bool {
		return a.key == k.name
	})
}

// Available reports whether a key of that name does anything in this version.
func Available(name string) bool {
	k, ok := lookup(name)
	return ok && k.available()
}

// withheld says what a value of the key asks for in vain.
func (k key) withheld(raw any) []fault {
	for _, a := range unavailable {
		if a.key == k.name && fmt.Sprint(raw) != a.off {
			return []fault{{whole, refusal}}
		}
	}
	return nil
}
