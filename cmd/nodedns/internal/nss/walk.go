package nss

import (
	"context"
	"net/netip"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
)

// Walk is how the services are gone through, one by one.
type Walk struct {
	// Results of the services that are queried, in their order.
	Results []Result
	// Rest are the services that are not queried.
	Rest []string
	// Found is what the search ends with, and Service where it was found; both
	// are empty if it was not.
	Found   []string
	Service string
	// As is the name that the daemon was queried for when it was found, or "".
	As string
	// Unknown is why it is not known how the search ends, or "".
	Unknown string
}

// walk queries the services of nsswitch.conf until one ends the search.
func (l *Lookup) walk(ctx context.Context, s subject) (w Walk, err error) {
	if l.SwitchError != nil {
		return Walk{}, nil // glibc queries none
	}
	services := l.Switch.Services
	for i, service := range services {
		r, err := l.ask(ctx, service.Name, s)
		if err != nil {
			return w, err
		}
		if r.Status != Unknown {
			r.Action = service.Then(r.Status)
		}
		w.Results = append(w.Results, r)
		switch {
		case r.Status == Unknown:
			w.Unknown = service.Name + ": " + r.Reason
		case r.Action == nsswitch.Continue && r.Status == nsswitch.Success:
			w.Unknown = service.Name + " has it, and the search goes on"
		case r.Action == nsswitch.Continue:
			continue
		case r.Action == nsswitch.Return && r.Status == nsswitch.Success:
			w.Found, w.Service, w.As = r.Found, service.Name, r.As
		}
		for _, rest := range services[i+1:] {
			w.Rest = append(w.Rest, rest.Name)
		}
		break
	}
	return w, nil
}

// ask queries one service, and once more for IPv4 if that may be mapped.
func (l *Lookup) ask(ctx context.Context, service string, s subject) (Result, error) {
	r, err := l.service(ctx, service, s)
	if err != nil || !s.mapped || r.Status == nsswitch.Success || r.Status == Unknown {
		return r, err
	}
	s.want = familySet{four: true}
	four, err := l.service(ctx, service, s)
	four.Tried = append(r.Tried, four.Tried...)
	for i, addr := range four.Found {
		four.Found[i] = "::ffff:" + addr
	}
	return four, err
}

// Prediction is what a command would print on this machine.
type Prediction struct {
	Command string `json:"command"`
	// Found are the addresses, or the names of an address, without an order. If
	// nothing is found, the command exits with status 2.
	Found   []string `json:"found"`
	Service string   `json:"service,omitempty"` // that has it
	// As is the name that the daemon was queried for when it was found: another
	// one than was given by a search list. It is absent where it was found
	// without it.
	As string `json:"as,omitempty"`
	// Unknown is why this is not known, or empty.
	Unknown string `json:"unknown,omitempty"`
}

func (w *Walk) predict(command, name string) Prediction {
	found := append([]string{}, w.Found...) // never nil: it becomes JSON
	return Prediction{Command: "getent " + command + " " + name, Found: found, Service: w.Service, As: w.As, Unknown: w.Unknown}
}

// Name looks up the addresses of a name as getaddrinfo does, and predicts what
// getent would print.
func (l *Lookup) Name(ctx context.Context, name string) (Walk, []Prediction, error) {
	walk, err := l.addresses(ctx, name)
	if err != nil {
		return walk, nil, err
	}
	legacy, err := l.walk(ctx, subject{name: name, want: familySet{six: true}})
	if err == nil && len(legacy.Found) == 0 && legacy.Unknown == "" {
		legacy, err = l.walk(ctx, subject{name: name, want: familySet{four: true}})
	}
	return walk, []Prediction{walk.predict("ahosts", name), legacy.predict("hosts", name)}, err
}

// addresses is getaddrinfo for both families. It leaves out the one that the
// machine has no address of; or maps IPv4 to IPv6, if that is IPv4.
func (l *Lookup) addresses(ctx context.Context, name string) (Walk, error) {
	both := l.v4 == l.v6
	return l.walk(ctx, subject{
		name: name, want: familySet{four: both || l.v4, six: both || l.v6}, mapped: !both && l.v6,
	})
}

// Address looks up the name of an address as getnameinfo does, and predicts
// what getent would print. Reverse is its name in the DNS.
func (l *Lookup) Address(ctx context.Context, addr netip.Addr, reverse string) (Walk, []Prediction, error) {
	walk, err := l.walk(ctx, subject{name: reverse, addr: addr})
	for i, name := range walk.Found {
		walk.Found[i] = strings.TrimSuffix(name, ".")
	}
	return walk, []Prediction{walk.predict("hosts", addr.String())}, err
}
