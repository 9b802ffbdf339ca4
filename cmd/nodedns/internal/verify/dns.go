package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver/dnsclient"
)

// asking is one listener, queried over one transport.
type asking struct {
	v      *verification
	client *dnsclient.Client
	pace   limiter
}

// checkListeners queries each listener of this machine's programs, over UDP and
// TCP.
func (v *verification) checkListeners(ctx context.Context) ([]Check, error) {
	if len(v.status.Listeners) == 0 {
		return []Check{failed("dns", errors.New("the daemon listens on no address"))}, nil
	}
	var checks []Check
	for _, server := range dnsclient.OwnListeners(v.status.Listeners) {
		for _, network := range []string{"udp", "tcp"} {
			name := fmt.Sprintf("dns %s %s", server, network)
			a := asking{v: v, client: dnsclient.New(network, server), pace: limiter{begun: time.Now()}}
			check, err := v.compare(ctx, name, a.ask)
			if err = cmp.Or(err, a.client.Close()); err != nil {
				return nil, err
			}
			checks = append(checks, check)
		}
	}
	return checks, nil
}

// ask sends all queries about a node.
func (a *asking) ask(ctx context.Context, n control.Node) ([]Difference, error) {
	var differences []Difference
	for _, family := range []struct {
		typ string
		is  func(netip.Addr) bool
	}{{"A", netip.Addr.Is4}, {"AAAA", netip.Addr.Is6}} {
		if err := a.next(ctx); err != nil {
			return nil, err
		}
		reply, err := a.client.Ask(ctx, n.ID, family.typ)
		if err != nil {
			return nil, err
		}
		want := slices.DeleteFunc(slices.Clone(n.Addresses), func(addr netip.Addr) bool { return !family.is(addr) })
		differences = appendUnequal(differences, n.ID+" "+family.typ, texts(want), reply)
	}
	for _, addr := range n.Addresses {
		found, err := a.askReverse(ctx, n, addr)
		if err != nil {
			return nil, err
		}
		differences = append(differences, found...)
	}
	return differences, nil
}

// askReverse queries the name of an address. If it is not the node's, it asks
// the daemon for the expected names.
func (a *asking) askReverse(ctx context.Context, n control.Node, addr netip.Addr) ([]Difference, error) {
	if err := a.next(ctx); err != nil {
		return nil, err
	}
	reply, err := a.client.AskReverse(ctx, addr)
	if err != nil {
		return nil, err
	}
	for i, name := range reply.Records {
		reply.Records[i] = strings.TrimSuffix(name, ".")
	}
	if len(appendUnequal(nil, "", []string{n.ID}, reply)) == 0 {
		return nil, nil
	}
	want, known, err := a.v.namesOf(ctx, addr)
	if err != nil || !known {
		return nil, err
	}
	return appendUnequal(nil, addr.String()+" PTR", want, reply), nil
}

// namesOf are the names that an address should have, as the daemon reports
// them, not over DNS: that of another node which has it too, or of a line of
// the hosts file. Known is false where it has none of its own: then other
// servers may have one.
func (v *verification) namesOf(ctx context.Context, addr netip.Addr) (names []string, known bool, err error) {
	name, err := dnsclient.ReverseName(addr)
	if err != nil {
		return nil, false, err
	}
	answer, err := v.Daemon.Query(ctx, name, "PTR")
	if err != nil {
		return nil, false, err
	}
	for _, r := range answer.Records {
		names = append(names, strings.TrimSuffix(r.Data, "."))
	}
	return names, answer.Authoritative && len(names) > 0, nil
}

// next keeps to the rate limit.
func (a *asking) next(ctx context.Context) error {
	if ahead := a.pace.next(time.Now()); ahead > 0 {
		retry.Sleep(ctx, ahead)
	}
	return ctx.Err()
}

// appendUnequal appends how a reply differs from the expected records, in any
// order and letter case, if it does.
func appendUnequal(differences []Difference, name string, want []string, reply dnsclient.Reply) []Difference {
	is, should := sorted(reply.Records), sorted(want)
	if reply.Rcode != "NOERROR" {
		is = strings.TrimSpace(reply.Rcode + " " + is)
	}
	if is == should {
		return differences
	}
	return append(differences, Difference{name, should, is})
}

func sorted(records []string) string {
	return strings.ToLower(strings.Join(slices.Sorted(slices.Values(records)), " "))
}

func texts(addrs []netip.Addr) []string {
	spelled := make([]string, len(addrs))
	for i, addr := range addrs {
		spelled[i] = addr.String()
	}
	return spelled
}
