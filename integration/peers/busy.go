package main

import "fmt"

// The runs of the row busy. Each is a row of its own among the samples.
const (
	runCalm    = "calm"        // queries at saturation
	runCalmGap = "calm-single" // one query in flight
	runChanges = "changes"     // changes alone
	runBusy    = rowBusy       // queries at saturation, and changes
	runBusyGap = "busy-single" // one query in flight, and changes
)

// measureBusy finds out what queries cost while nodes change all the time. What
// the changes themselves cost is measured without queries.
func (b *bench) measureBusy() {
	nodes := b.changeSize()
	for _, name := range b.settings.peers {
		p := peerOf(name)
		if !p.churns {
			continue
		}
		progress("%s, %d nodes, %s", rowBusy, nodes, name)
		if err := b.keepBusy(p, nodes); err != nil {
			b.results.add(sample{Row: rowBusy, Peer: name, Nodes: nodes, Failed: err.Error()})
		}
	}
}

// keepBusy measures one server in all rounds.
func (b *bench) keepBusy(p *peer, nodes int) error {
	file, err := b.shelf.queries(randomNames(byID), nodes)
	if err != nil {
		return err
	}
	s, err := b.launch(p, site{nodes: nodes, cores: 1, live: true})
	if err != nil {
		return err
	}
	defer s.stop()
	if err := p.prepares(s, change{}); err != nil {
		return err
	}
	for round := range b.settings.rounds {
		if err := b.busyRound(s, file, round); err != nil {
			return err
		}
	}
	return nil
}

// busyRound runs the queries alone, the changes alone, and both.
func (b *bench) busyRound(s *server, file string, round int) error {
	full := saturating
	full.file = file
	single := ask{mode: "single", file: file}
	measure := func(name string, a ask) (sample, error) {
		taken := sample{Row: name, Peer: s.peer.name, Nodes: s.site.nodes, Round: round}
		err := b.measureOnce(s, row{name, randomNames(byID), s.site.nodes, a}, round, &taken)
		return taken, err
	}
	calm, err := measure(runCalm, full)
	if err != nil {
		return err
	}
	calmGap, err := measure(runCalmGap, single)
	if err != nil {
		return err
	}
	alone, err := b.changesAlone(s, round)
	if err != nil {
		return err
	}
	// For longer than both runs take with their warming up.
	achieved, err := s.curator.churn(b.settings.churn, 1+3*b.settings.seconds)
	if err != nil {
		return err
	}
	busy, err := measure(runBusy, full)
	if err != nil {
		return err
	}
	busyGap, err := measure(runBusyGap, single)
	if err != nil {
		return err
	}
	rate, err := achieved()
	if err != nil {
		return err
	}
	busy.Changes = rate * busy.Seconds
	for _, taken := range []sample{calm, calmGap, alone, busy, busyGap} {
		b.results.add(taken)
	}
	return nil
}

// changesAlone finds out what a change costs without queries.
func (b *bench) changesAlone(s *server, round int) (sample, error) {
	taken := sample{Row: runChanges, Peer: s.peer.name, Nodes: s.site.nodes, Round: round}
	began := s.cpu()
	achieved, err := s.curator.churn(b.settings.churn, b.settings.seconds)
	if err != nil {
		return taken, err
	}
	rate, err := achieved()
	taken.CPU, taken.Changes = (s.cpu() - began).Seconds(), rate*b.settings.seconds
	return taken, err
}

// burden is what a query cost while nodes changed, as a ratio to what it cost
// before, in each round: with what the changes cost alone taken off, and whole.
// The former is too small where changes cost less beside queries than alone.
func (b *bench) burden(peer string, nodes int) (net, whole []float64) {
	calm, alone := b.results.of(runCalm, peer, nodes), b.results.of(runChanges, peer, nodes)
	for i, busy := range b.results.of(runBusy, peer, nodes) {
		if i < len(calm) && i < len(alone) && alone[i].Changes > 0 {
			whole = append(whole, busy.cost()/calm[i].cost())
			busy.CPU -= busy.Changes * alone[i].CPU / alone[i].Changes
			net = append(net, busy.cost()/calm[i].cost())
		}
	}
	return net, whole
}

// busyColumns are those of the row busy.
func (b *bench) busyColumns() []column {
	if !b.wants(rowBusy) {
		return nil
	}
	nodes := b.changeSize()
	add := func(head, row string, show func(peer string, found []sample) string) column {
		return column{head, func(peer string) string {
			return b.cell(row, peer, nodes, func(found []sample) string { return show(peer, found) })
		}}
	}
	longest := func(s *sample) float64 { return float64(s.Max) / 1e6 }
	return []column{
		add("CPU for an answer, ratio to without (that of the changes included)", runBusy, func(peer string, _ []sample) string {
			net, whole := b.burden(peer, nodes)
			return fmt.Sprintf("%.2f (%.2f)", middle(net), middle(whole))
		}),
		add("without, µs", runCalm, func(_ string, found []sample) string {
			return fmt.Sprintf("%.2f", median(found, (*sample).cost))
		}),
		add("a change alone, µs", runChanges, func(_ string, found []sample) string {
			return fmt.Sprintf("%.1f", median(found, func(s *sample) float64 { return s.CPU / s.Changes * 1e6 }))
		}),
		add("changes a second", runBusy, func(_ string, found []sample) string {
			return count(int(median(found, func(s *sample) float64 { return s.Changes / s.Seconds })))
		}),
		add("lost / dropped", runBusy, func(_ string, found []sample) string {
			var sent, lost, dropped int64
			for _, s := range found {
				sent, lost, dropped = sent+s.Sent, lost+s.Lost, dropped+s.Dropped
			}
			return fmt.Sprintf("%d / %d of %s", lost, dropped, count(int(sent)))
		}),
		add("longest without an answer, ms", runBusyGap, func(_ string, found []sample) string {
			return fmt.Sprintf("%.1f", median(found, longest))
		}),
		add("the same without changes", runCalmGap, func(_ string, found []sample) string {
			return fmt.Sprintf("%.1f", median(found, longest))
		}),
	}
}
