package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

// compare queries each node of the sample, and again those that were not
// answered as expected. A difference is reported if the node was the same
// before and after. The error means that the zone cannot be read any more, or
// that ctx has ended; failed queries are the check's.
func (v *verification) compare(ctx context.Context, name string, ask func(context.Context, control.Node) ([]Difference, error)) (Check, error) {
	var differences []Difference
	pending := v.sample
	for round := 0; round < rounds && len(pending) > 0; round++ {
		wrong := map[string][]Difference{}
		for _, n := range pending {
			found, err := ask(ctx, n)
			switch {
			case ctx.Err() != nil:
				return Check{}, ctx.Err()
			case err != nil:
				return failed(name, err), nil
			case len(found) > 0:
				wrong[n.ID] = found
			}
		}
		stayed, moved, err := v.recheck(ctx, pending, wrong)
		if err != nil {
			return Check{}, err
		}
		for _, n := range stayed {
			differences = append(differences, wrong[n.ID]...)
		}
		pending = moved
	}
	detail := number(len(v.sample), "node") + " asked for"
	if len(pending) > 0 {
		detail += fmt.Sprintf(", of which %d changed faster than they could be compared", len(pending))
	}
	return newCheck(name, detail, differences), nil
}

// recheck reads the nodes with differences again, and separates those that are
// unchanged from those that are not. One that is gone is neither.
func (v *verification) recheck(ctx context.Context, before []control.Node, wrong map[string][]Difference) (stayed, moved []control.Node, err error) {
	if len(wrong) == 0 {
		return nil, nil, nil
	}
	was := map[string]control.Node{}
	for _, n := range before {
		was[n.ID] = n
	}
	now, _, err := v.read(ctx, func(_ int, n control.Node) bool { return wrong[n.ID] != nil })
	stayed = slices.DeleteFunc(slices.Clone(now), func(n control.Node) bool { return !same(was[n.ID], n) })
	moved = slices.DeleteFunc(now, func(n control.Node) bool { return same(was[n.ID], n) })
	return stayed, moved, err
}
