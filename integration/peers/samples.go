package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
)

// sample is what one run showed. Fields that its row does not have are zero.
type sample struct {
	Row    string `json:"row"`
	Peer   string `json:"peer"`
	Nodes  int    `json:"nodes,omitempty"`
	Round  int    `json:"round"`
	Failed string `json:"failed,omitempty"`
	report
	CPU     float64 `json:"cpu,omitempty"`     // seconds of the server
	Dropped int64   `json:"dropped,omitempty"` // by the server's sockets
	// Strange is whether replies were of other kinds than they should be.
	Strange bool    `json:"strange,omitempty"`
	Memory  int64   `json:"memory,omitempty"`  // bytes
	Held    int     `json:"held,omitempty"`    // connections
	Visible float64 `json:"visible,omitempty"` // seconds until a change was
	Gap     float64 `json:"gap,omitempty"`     // longest between answers, seconds
	Changes float64 `json:"changes,omitempty"` // of nodes meanwhile
}

// cost is the server's time for an answer, in µs.
func (s *sample) cost() float64 { return s.CPU / float64(s.Answered) * 1e6 }

// results are all samples, in the order in which they came. Each is written as
// it comes, so that a run that is ended has what it measured.
type results struct {
	samples []sample
	file    *os.File // JSON, one to a line
	err     error    // of the first that could not be written
}

func createResults(path string) (*results, error) {
	f, err := os.Create(path)
	return &results{file: f}, err
}

func (r *results) add(s sample) {
	r.samples = append(r.samples, s)
	if s.Failed != "" {
		progress("%s of %s: %s", s.Row, s.Peer, s.Failed)
	}
	if err := json.NewEncoder(r.file).Encode(&s); r.err == nil {
		r.err = err
	}
}

func (r *results) close() error { return errors.Join(r.err, r.file.Close()) }

// failure is an error if the echo, or nodedns where it takes part, failed in
// some row. That another could not be obtained or started is reported in the
// tables.
func (r *results) failure() error {
	var failed []string
	for _, s := range r.samples {
		if s.Failed != "" && (s.Peer == echo.name || s.Peer == nodedns.name) {
			failed = append(failed, s.Row+" of "+s.Peer)
		}
	}
	if len(failed) > 0 {
		return errors.New("failed: " + strings.Join(failed, ", "))
	}
	return nil
}

// of selects the samples of a peer that did not fail, by round.
func (r *results) of(row, peer string, nodes int) []sample {
	var found []sample
	for _, s := range r.samples {
		if s.Row == row && s.Peer == peer && s.Nodes == nodes && s.Failed == "" {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b sample) int { return cmp.Compare(a.Round, b.Round) })
	return found
}

// failed returns why a peer has no sample of a row, or nothing.
func (r *results) failed(row, peer string, nodes int) string {
	for _, s := range r.samples {
		if s.Row == row && s.Peer == peer && s.Nodes == nodes && s.Failed != "" {
			return s.Failed
		}
	}
	return ""
}

// median of what each sample has; 0 without any.
func median(samples []sample, of func(*sample) float64) float64 {
	var all []float64
	for i := range samples {
		all = append(all, of(&samples[i]))
	}
	return middle(all)
}

func middle(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

// ratio is the median of the ratios to another's samples of the same rounds.
func ratio(samples, bounds []sample, of func(*sample) float64) float64 {
	var all []float64
	for i := range samples {
		for j := range bounds {
			if bounds[j].Round == samples[i].Round && of(&bounds[j]) > 0 {
				all = append(all, of(&samples[i])/of(&bounds[j]))
			}
		}
	}
	return middle(all)
}
