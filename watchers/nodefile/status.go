package nodefile

import (
	"time"
)

// Status is the state of one file of nodes, or of a directory that cannot be read.
type Status struct {
	Path string `json:"path"`
	// Nodes is how many nodes are known from the file.
	Nodes int `json:"nodes"`
	// Age is how long ago the file was modified, in seconds; nil before it could
	// be used for the first time.
	Age *int64 `json:"age"`
	// Hash is the beginning of the SHA-256 of the file, in hex: 12 digits.
	Hash string `json:"hash"`
	// Ignored is the number of entries, and of parts of entries, that have no
	// effect, and Problems are the first ten of them.
	Ignored  int      `json:"ignored"`
	Problems []string `json:"problems"`
	// Error is why the file cannot be used as it is now, or empty. Nodes, Age, Hash
	// and Problems are then of what it had before.
	Error string `json:"error"`
}

// state is a Status without what depends on the time of the question.
type state struct {
	Status
	modified time.Time // zero: never read
}

// Status returns the state of the files, in the order in which later ones count,
// and then of the directories that cannot be read.
func (w *Watcher) Status() []Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	all := make([]Status, len(w.status))
	for i, s := range w.status {
		if !s.modified.IsZero() {
			age := max(0, int64(now.Sub(s.modified)/time.Second))
			s.Age = &age
		}
		all[i] = s.Status
	}
	return all
}

func (w *Watcher) setStatus(listings []listing) {
	var states []state
	for _, f := range w.inOrder() {
		if !f.known {
			continue
		}
		s := state{Status: Status{Path: f.path, Hash: f.shortHash(), Problems: []string{}}}
		if f.content != nil {
			found := f.problems()
			s.Nodes, s.modified, s.Ignored = len(f.content.nodes), f.modified, found.count
			s.Problems = append(s.Problems, found.texts...)
		}
		if f.err != nil {
			s.Error = f.err.Error()
		}
		states = append(states, s)
	}
	for _, l := range listings {
		if l.err != nil {
			states = append(states, state{Status: Status{Path: l.path, Problems: []string{}, Error: l.err.Error()}})
		}
	}
	w.mu.Lock()
	w.status = states
	w.mu.Unlock()
}
