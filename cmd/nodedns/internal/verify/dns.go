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
	"github.com/nodedns/nodedns/resolver"
)

// asking is one listener, asked by one transport.
type asking struct {
	v      *verification
	client *resolver.Client
	pace   pace
}

// checkListeners asks each listener of this machine's programs, by UDP and by TCP.
func (v *verification) checkListeners(ctx context.Context) ([]Check, error) {
	if len(v.status.Listeners) == 0 {
		return []Check{failed("dns", errors.New("the daemon listens on no address"))}, nil
	}
	var checks []Check
	var all []netip.AddrPort
	for _, text := range v.status.Listeners {
		listener, err := netip.ParseAddrPort(text)
		if err != nil {
			checks = append(checks, failed("dns "+text, err))
			continue
		}
		all = append(all, listener)
	}
	for _, server := range resolver.OwnListeners(all) {
		for _, network := range []string{"udp", "tcp"} {
			name := fmt.Sprintf("dns %s %s", server, network)
			a := asking{v: v, client: resolver.NewClient(network, server), pace: pace{begun: time.Now()}}
			check, err := v.compare(ctx, name, a.ask)
			if err = cmp.Or(err, a.client.Close()); err != nil {
				return nil, err
			}
			checks = append(checks, check)
		}
	}
	return checks, nil
}

// ask puts all questions about a node.
func (a *asking) ask(ctx context.Context, n node) ([]Difference, error) {
	var differences []Difference
	for _, family := range []struct {
		typ string
		is  func(netip.Addr) bool
	}{{"A", netip.Addr.Is4}, {"AAAA", netip.Addr.Is6}} {
		if err := a.next(ctx); err != nil {
			return nil, err
		}
		reply, err := a.client.Ask(ctx, string(n.ID), family.typ)
		if err != nil {
			return nil, err
		}
		want := slices.DeleteFunc(slices.Clone(n.Addrs), func(addr netip.Addr) bool { return !family.is(addr) })
		differences = appendUnequal(differences, string(n.ID)+" "+family.typ, texts(want), reply)
	}
	for _, addr := range n.Addrs {
		found, err := a.askReverse(ctx, n, addr)
		if err != nil {
			return nil, err
		}
		differences = append(differences, found...)
	}
	return differences, nil
}

// askReverse asks whose an address is. If it is another's, the zone is asked who
// claims it.
func (a *asking) askReverse(ctx context.Context, n node, addr netip.Addr) ([]Difference, error) {
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
	if len(appendUnequal(nil, "", []string{string(n.ID)}, reply)) == 0 {
		return nil, nil
	}
	owner, err := a.v.owner(ctx, addr)
	if err != nil {
		return nil, err
	}
	return appendUnequal(nil, addr.String()+" PTR", []string{owner}, reply), nil
}

// owner is the node that an address belongs to: this machine before any other, a
// live node before a departed one, then the smallest ID.
func (v *verification) owner(ctx context.Context, addr netip.Addr) (string, error) {
	var best *control.Node
	rank := func(n *control.Node) int {
		switch {
		case n.Local:
			return 0
		case !n.Departed:
			return 1
		default:
			return 2
		}
	}
	err := v.Daemon.Nodes(ctx, control.Filter{Text: addr.String()}, func(n control.Node) error {
		if slices.Contains(n.Addresses, addr.String()) &&
			(best == nil || cmp.Or(cmp.Compare(rank(&n), rank(best)), cmp.Compare(n.ID, best.ID)) < 0) {
			best = &n
		}
		return nil
	})
	if best == nil || err != nil {
		return "", err
	}
	return best.ID, nil
}

// next keeps the pace.
func (a *asking) next(ctx context.Context) error {
	if ahead := a.pace.next(time.Now()); ahead > 0 {
		return sleep(ctx, ahead)
	}
	return nil
}

// appendUnequal appends how a reply differs from the records wanted, in any
// order and letter case, if it does.
func appendUnequal(differences []Difference, name string, want []string, reply resolver.Reply) []Difference {
	is, should := inOrder(reply.Records), inOrder(want)
	if reply.Rcode != "NOERROR" {
		is = strings.TrimSpace(reply.Rcode + " " + is)
	}
	if is == should {
		return differences
	}
	return append(differences, Difference{name, should, is})
}

func inOrder(records []string) string {
	return strings.ToLower(strings.Join(slices.Sorted(slices.Values(records)), " "))
}

func texts(addrs []netip.Addr) []string {
	spelled := make([]string, len(addrs))
	for i, addr := range addrs {
		spelled[i] = addr.String()
	}
	return spelled
}
