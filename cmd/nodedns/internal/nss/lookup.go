package nss

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Answer is the daemon's answer to one query over DNS.
type Answer struct {
	// Rcode is the mnemonic of the response code, such as NXDOMAIN.
	Rcode string
	// Data of the records of the type that was queried.
	Data []string
	// From is the source of the answer, Step the step of the decision that
	// settled it, and Reason why.
	From, Step, Reason string
	// Unasked means that it is unknown, because it would take an upstream.
	Unasked bool
}

// Lookup queries the services of a machine.
type Lookup struct {
	*Config
	// Ask queries the daemon for a name, without search list, and a type: A,
	// AAAA or PTR. An error ends the lookup.
	Ask func(ctx context.Context, name, typ string) (Answer, error)
	// Search has the daemon look for a name as for nss-resolve: for the type A
	// or AAAA, or for both where that is empty. It is nil if another program
	// serves nss-resolve.
	Search func(ctx context.Context, name, typ string) (Searched, error)
	// Listeners are the daemon's addresses.
	Listeners []netip.AddrPort
	// Dry has no server queried but the daemon.
	Dry bool
}

// Unknown is the status of a service whose result cannot be determined.
const Unknown = "unknown"

// Result is what a service returns for a name.
type Result struct {
	Service string `json:"service"`
	// Status is success, notfound, unavail, tryagain or unknown.
	Status string `json:"status"`
	// Action is what follows: return or continue; empty if that is not known.
	Action string `json:"action,omitempty"`
	// Found are addresses or, for an address, names.
	Found  []string `json:"found,omitempty"`
	Reason string   `json:"reason"`
	// Names are those that a search list makes of the name, in the order in
	// which the daemon is queried for them, and Tried the queries that it gets.
	// Where the daemon is not queried, or the queries of others are unknown,
	// there are none.
	Names []string `json:"names,omitempty"`
	Tried []Tried  `json:"tried,omitempty"`
	// As is the one of the names that was found.
	As string `json:"as,omitempty"`
	// Search is the search list, where it is not the one that glibc applies.
	Search *SearchList `json:"search,omitempty"`
}

// SearchList is what makes several names of one.
type SearchList struct {
	Domains []string `json:"domains"`
	Dots    int      `json:"dots"`
}

// Tried is one query to the daemon.
type Tried struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Rcode string `json:"rcode,omitempty"` // empty if it was not sent
	Count int    `json:"count"`           // of the records
	// From is the source of the answer, Step the step of the decision that
	// settled it, and Reason why.
	From   string `json:"from,omitempty"`
	Step   string `json:"step,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (a *Answer) tried(name, typ string) Tried {
	return Tried{name, typ, a.Rcode, len(a.Data), a.From, a.Step, a.Reason}
}

func (r Result) because(status, format string, values ...any) Result {
	r.Status, r.Reason = status, fmt.Sprintf(format, values...)
	return r
}

// subject is what is looked up: a name, or an address.
type subject struct {
	name string
	addr netip.Addr // valid: its name is wanted
	want familySet
	// mapped allows IPv4-mapped IPv6 addresses if there is no IPv6.
	mapped bool
}

// types are those of the records that are queried.
func (s subject) types() (types []string) {
	switch {
	case s.addr.IsValid():
		return []string{"PTR"}
	case s.want.four && s.want.six:
		return []string{"A", "AAAA"}
	case s.want.six:
		return []string{"AAAA"}
	}
	return []string{"A"}
}

// service queries one service.
func (l *Lookup) service(ctx context.Context, name string, s subject) (Result, error) {
	r := Result{Service: name}
	switch {
	case !l.machine.HasModuleHere(name):
		return r.because(nsswitch.Unavailable, "libnss_%s.so.2 is not installed", name), nil
	case name == nsswitch.Files:
		return l.files(r, s), nil
	case name == nsswitch.DNS:
		return l.dns(ctx, r, s)
	case name == nsswitch.Resolve:
		return l.resolve(ctx, r, s)
	case name == "myhostname" && !s.addr.IsValid() && !l.isMyName(s.name):
		return r.because(nsswitch.NotFound, "it is for the names of this machine only"), nil
	case strings.HasPrefix(name, "mdns") && strings.HasSuffix(name, "_minimal") && !s.addr.IsValid() && !isBelowLocal(s.name):
		return r.because(nsswitch.Unavailable, "it is for names below local only"), nil
	}
	return r.because(Unknown, "what this service answers is not known here"), nil
}

// isMyName reports whether nss-myhostname answers for a name.
func (l *Lookup) isMyName(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	last := name[strings.LastIndexByte(name, '.')+1:]
	return name == strings.ToLower(l.hostname) || name == "_gateway" || name == "_outbound" ||
		last == "localhost" || last == "localdomain"
}

func isBelowLocal(name string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimSuffix(name, ".")), ".local")
}

// files is the hosts file.
func (l *Lookup) files(r Result, s subject) Result {
	if s.addr.IsValid() {
		name, number, ok := l.namedInHosts(s.addr)
		if !ok {
			return r.because(nsswitch.NotFound, "no line of %s has it", machine.Hosts)
		}
		r.Found = []string{name}
		return r.because(nsswitch.Success, "%s:%d", machine.Hosts, number)
	}
	addrs, numbers := l.inHosts(s.name, s.want)
	if len(addrs) == 0 {
		return r.because(nsswitch.NotFound, "no line of %s has it", machine.Hosts)
	}
	for _, addr := range addrs {
		r.Found = append(r.Found, addr.String())
	}
	return r.because(nsswitch.Success, "%s:%d", machine.Hosts, numbers[0])
}

// dns is glibc's own resolver, with the search list of resolv.conf.
func (l *Lookup) dns(ctx context.Context, r Result, s subject) (Result, error) {
	if other := l.elsewhere(); other != "" {
		return r.because(Unknown, "%s names %s, which is not this daemon", machine.ResolvConf, other), nil
	}
	names := []string{s.name}
	if !s.addr.IsValid() {
		names = l.Names(s.name)
	}
	r.Names = names
	failed := ""
	for i, name := range names {
		if failed != "" && failed != "SERVFAIL" && i < len(names)-1 {
			continue // glibc leaves the rest of the search list out
		}
		for _, typ := range s.types() {
			a, err := l.Ask(ctx, name, typ)
			if err != nil {
				return r, err
			}
			r.Tried = append(r.Tried, a.tried(name, typ))
			switch {
			case a.Unasked:
				return r.because(Unknown, "an upstream would be asked for %s", name), nil
			case a.Rcode != "NOERROR" && a.Rcode != "NXDOMAIN":
				failed = a.Rcode
			}
			r.Found = append(r.Found, a.Data...)
		}
		if len(r.Found) > 0 {
			r.As = name
			return r.because(nsswitch.Success, "the daemon has %s", name), nil
		}
	}
	return l.notInDNS(r, s, failed), nil
}

// notInDNS is the result without any record. After a failure glibc queries the
// next server.
func (l *Lookup) notInDNS(r Result, s subject, failed string) Result {
	if failed == "" {
		return r.because(nsswitch.NotFound, "no %s record at %s", strings.Join(s.types(), " or "), strings.Join(r.Names, ", "))
	}
	for _, server := range l.Servers {
		if !l.isDaemon(server) {
			return r.because(Unknown, "the daemon answers %s, so %v is asked too", failed, server.Addr())
		}
	}
	return r.because(nsswitch.Unavailable, "the daemon answers %s", failed)
}

// elsewhere is the server other than the daemon that glibc may query first, or
// "".
func (l *Lookup) elsewhere() string {
	first := l.Servers[:1]
	if l.rotate {
		first = l.Servers
	}
	i := slices.IndexFunc(first, func(server netip.AddrPort) bool { return !l.isDaemon(server) })
	if i < 0 {
		return ""
	}
	return first[i].Addr().String()
}

func (l *Lookup) isDaemon(server netip.AddrPort) bool {
	return upstream.IsOwn(l.Listeners, upstream.Normalize(server), netip.Addr{})
}
