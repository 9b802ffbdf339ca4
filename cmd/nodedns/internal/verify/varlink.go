package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// checkVarlink resolves the sample on the varlink socket, as nss-resolve does.
func (v *verification) checkVarlink(ctx context.Context) (Check, error) {
	const name = "varlink"
	if v.Varlink == "" {
		return off(name, "varlink.socket is empty"), nil
	}
	c := varlink.NewClient(v.Varlink)
	check, err := v.compare(ctx, name, func(ctx context.Context, n control.Node) ([]Difference, error) { return askVarlink(ctx, c, n) })
	return check, errors.Join(err, c.Close())
}

// askVarlink resolves the name of a node, whatever the family.
func askVarlink(ctx context.Context, c *varlink.Client, n control.Node) ([]Difference, error) {
	found, err := c.ResolveHostname(ctx, varlink.HostnameQuestion{Name: n.ID, V4: true, V6: true})
	got := sorted(texts(found.All))
	switch failed := (*varlink.Error)(nil); {
	case errors.Is(err, varlink.ErrNoSuchResourceRecord): // it has no address
	case errors.As(err, &failed):
		got = failed.ID
	case err != nil:
		return nil, fmt.Errorf("ask for %s via varlink: %w", n.ID, err)
	}
	if want := sorted(texts(n.Addresses)); got != want {
		return []Difference{{n.ID + " via varlink", want, got}}, nil
	}
	return nil, nil
}
