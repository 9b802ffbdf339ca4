package main

import (
	"context"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nss"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/watchers/netlink"
)

func newExplain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain NAME [TYPE]",
		Short: "Explain why a name resolves as it does",
		Long: `Explain shows what becomes of a name on this machine, step by step:

- the C library: the services that /etc/nsswitch.conf names, what each of them
  returns, and which has the last word;
- the names that the search list makes of it, for DNS and for nss-resolve, and
  what each gets, by which step;
- the daemon: which steps of its decision pass, which settles it, and why;
- the servers that may be asked, the first ones in front, and what they replied;
- what "getent ahosts" and "getent hosts" print, and so most programs find.

Nothing of this is guessed: the daemon decides as for a query over DNS, and
reports how it did. What cannot be known here, as what an NSS module returns that
is not nodedns's, is shown as unknown. The files are those that the command
itself sees: run it in a container's namespaces to explain what the container
gets.

NAME may be a beginning of a node's ID, and TYPE is, as for "nodedns query". For
others than A and AAAA there is no C library, since programs ask for those over
DNS alone.

With --json it is one object, whose keys docs/resolution.md lists.`,
		Example: `  nodedns explain metropolis-0123456789abcdef0123456789abcdef
  nodedns explain web-2
  nodedns explain printer
  nodedns explain 10.1.2.3
  nodedns explain --dry-run --json www.example.com AAAA`,
		Args: cobra.RangeArgs(1, 2),
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	cmd.ValidArgsFunction = settings.completeNames(commonTypes)
	dry := cmd.Flags().Bool("dry-run", false, "ask no upstream: explain which would be asked")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := settings.client()
		if err != nil {
			return err
		}
		w := &daemonClient{client: client, dry: *dry, known: map[question]inspect.Explanation{}}
		e, err := explain(cmd.Context(), w, args)
		if err == nil && e.isUnknown() {
			e, err = explainAbbreviated(cmd, w, args, e)
		}
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), e)
		}
		return e.print(cmd.OutOrStdout(), time.Now())
	}
	return cmd
}

// explained is what becomes of a name, in a form fit for JSON.
type explained struct {
	Name string `json:"name"` // as it was given
	// Library is what the C library does; absent for types that it has no
	// services for.
	Library *libraryReport `json:"library,omitempty"`
	// Explanations are the daemon's, of the name as it was given: one for each
	// type. Behind them are those of the name that a search list made of it, if
	// that is the one that is found.
	Explanations []inspect.Explanation `json:"explanations"`
	// Candidates are the addresses that those of this node are chosen from; absent
	// for other names.
	Candidates []netlink.Candidate `json:"address_candidates,omitempty"`
	// Predictions are what commands would print; none without a library.
	Predictions []nss.Prediction `json:"predictions,omitempty"`
}

// libraryReport is the configuration of the C library, and what it does.
type libraryReport struct {
	// Line is the effective hosts line of nsswitch.conf, and Number where it
	// is; 0 if it is the default. Error is why there is none.
	Line   string `json:"line"`
	Number int    `json:"number"`
	Error  string `json:"error,omitempty"`
	// Services that are queried, in their order, and NotAsked those after them.
	Services []nss.Result `json:"services"`
	NotAsked []string     `json:"not_asked,omitempty"`
	// Servers, Search and Dots are those of resolv.conf: names with fewer dots
	// are tried below the domains of the search list first.
	Servers []netip.AddrPort `json:"servers"`
	Search  []string         `json:"search"`
	Dots    int              `json:"dots"`
}

// explain finds out what becomes of the name of the command line.
func explain(ctx context.Context, w *daemonClient, args []string) (*explained, error) {
	e := &explained{Name: args[0]}
	name, types := questionOf(args)
	var err error
	if e.Explanations, err = w.explain(ctx, name, types); err != nil {
		return nil, err
	}
	addr, isAddress := netip.ParseAddr(args[0])
	ofHost := !slices.ContainsFunc(types, func(t string) bool { return t != "A" && t != "AAAA" })
	if !ofHost && (isAddress != nil || len(args) > 1) {
		return e, nil
	}
	lookup, status, err := w.lookup(ctx)
	if err != nil {
		return nil, err
	}
	if e.isAbout(status.NodeID) {
		e.Candidates = status.AddressCandidates
	}
	var walk nss.Walk
	if ofHost {
		walk, e.Predictions, err = lookup.Name(ctx, args[0])
	} else {
		walk, e.Predictions, err = lookup.Address(ctx, addr.Unmap(), name)
	}
	e.Library = reportLibrary(lookup.Config, walk)
	if err != nil {
		return e, err
	}
	if p := e.found(); p != nil && p.As != "" && !isName(p.As, name) {
		more, err := w.explain(ctx, p.As, types)
		e.Explanations = append(e.Explanations, more...)
		return e, err
	}
	return e, nil
}

// explainAbbreviated explains the node that the name of the command line is the
// beginning of. If it is none, the explanation of the name as it stands is it.
func explainAbbreviated(cmd *cobra.Command, w *daemonClient, args []string, asItStands *explained) (*explained, error) {
	id, err := abbreviated(cmd.Context(), w.client, args[0], cmd.ErrOrStderr())
	if err != nil || id == "" {
		return asItStands, err
	}
	return explain(cmd.Context(), w, append([]string{id}, args[1:]...))
}

// isUnknown reports whether neither the C library finds the name, as far as that
// is known, nor the daemon has a rule for it.
func (e *explained) isUnknown() bool {
	answers := make([]inspect.Answer, 0, len(e.Explanations))
	for _, x := range e.Explanations {
		if x.Answer != nil {
			answers = append(answers, *x.Answer)
			continue
		}
		step, _ := forwarding(x)
		answers = append(answers, inspect.Answer{Provenance: inspect.Provenance{Step: step}})
	}
	return e.found() == nil && isUnknown(answers)
}

// forwarding is the step that leaves a question to other servers, and why.
func forwarding(x inspect.Explanation) (step, reason string) {
	for _, s := range x.Steps {
		if s.Outcome == inspect.Forwarded {
			return s.Step, s.Reason
		}
	}
	return "", ""
}

// isAbout reports whether the daemon's answers are a node's.
func (e *explained) isAbout(node string) bool {
	return slices.ContainsFunc(e.Explanations, func(x inspect.Explanation) bool {
		return x.Answer != nil && x.Answer.Node != nil && x.Answer.Node.ID == node
	})
}

// found is the first prediction that something is found, or nil.
func (e *explained) found() *nss.Prediction {
	i := slices.IndexFunc(e.Predictions, func(p nss.Prediction) bool { return len(p.Found) > 0 })
	if i < 0 {
		return nil
	}
	return &e.Predictions[i]
}

// isName reports whether two names are the same, with their final dots or
// without.
func isName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

func reportLibrary(m *nss.Config, walk nss.Walk) *libraryReport {
	r := &libraryReport{
		Line: m.Switch.String(), Number: m.Switch.Number,
		// Not null, where there are none.
		Services: append([]nss.Result{}, walk.Results...), NotAsked: walk.Rest,
		Servers: m.Servers, Search: append([]string{}, m.Search...), Dots: m.Dots,
	}
	if m.SwitchError != nil {
		r.Error = m.SwitchError.Error()
	}
	return r
}

// question is a query to the daemon.
type question struct{ name, typ string }

// daemonClient sends each query to the daemon once: several services, or
// families, often need the same one.
type daemonClient struct {
	client *control.Client
	dry    bool
	known  map[question]inspect.Explanation
}

// explain gets the explanations of queries for one name, concurrently.
func (w *daemonClient) explain(ctx context.Context, name string, types []string) ([]inspect.Explanation, error) {
	all := make([]inspect.Explanation, len(types))
	group, ctx := errgroup.WithContext(ctx)
	for i, typ := range types {
		if explained, known := w.known[question{name, typ}]; known {
			all[i] = explained
			continue
		}
		group.Go(func() (err error) {
			all[i], err = w.client.Explain(ctx, name, typ, w.dry)
			return err
		})
	}
	err := group.Wait()
	if err != nil {
		return all, err
	}
	for i, typ := range types {
		w.known[question{name, typ}] = all[i]
	}
	return all, nil
}

// lookup is one on this machine, with the daemon's status.
func (w *daemonClient) lookup(ctx context.Context) (*nss.Lookup, *nodedns.Status, error) {
	config, err := nss.Read(machine.Machine{})
	if err != nil {
		return nil, nil, err
	}
	status, err := w.client.Status(ctx)
	if err != nil {
		return nil, nil, err
	}
	lookup := &nss.Lookup{Config: config, Ask: w.answer, Dry: w.dry, Listeners: status.Listeners}
	if v := status.Varlink; v != nil && v.Error == "" && filepath.Clean(v.Socket) == nss.Socket {
		lookup.Search = w.search
	}
	return lookup, &status, nil
}

// answer is what the daemon answers to a question.
func (w *daemonClient) answer(ctx context.Context, name, typ string) (nss.Answer, error) {
	all, err := w.explain(ctx, name, []string{typ})
	if err != nil {
		return nss.Answer{}, err
	}
	explained := all[0]
	if explained.Answer == nil {
		a := nss.Answer{Unasked: true}
		a.Step, a.Reason = forwarding(explained)
		return a, nil
	}
	a := nss.Answer{Rcode: explained.Answer.Rcode, From: explained.Answer.Source, Step: explained.Answer.Step, Reason: explained.Answer.Reason}
	for _, r := range explained.Answer.Records {
		if r.Type == typ {
			a.Data = append(a.Data, r.Data)
		}
	}
	return a, nil
}

// search is how the daemon answers nss-resolve.
func (w *daemonClient) search(ctx context.Context, name, typ string) (nss.Searched, error) {
	e, err := w.client.ExplainHostname(ctx, name, typ, w.dry)
	if err != nil {
		return nss.Searched{}, err
	}
	s := nss.Searched{
		List: nss.SearchList{Domains: e.Search, Dots: e.Ndots}, Names: e.Names,
		Found: e.Addresses, As: e.Found, Error: e.Error,
	}
	for _, q := range e.Questions {
		s.Tried = append(s.Tried, nss.Tried{
			Name: q.Name, Type: q.Type, Rcode: q.Rcode, Count: q.Count, From: q.Source, Step: q.Step, Reason: q.Reason,
		})
	}
	return s, nil
}
