package curator

import (
	"log/slog"
	"testing"
)

// Every state is in the table, can be reached, and has a way out.
func TestTableOfStates(t *testing.T) {
	t.Parallel()
	reached := map[State]bool{}
	for _, row := range states() {
		if row.Meaning == "" || row.Seen == "" || len(row.Next) == 0 {
			t.Errorf("the row of %q is incomplete", row.State)
		}
		for _, next := range row.Next {
			if next.Cause == "" {
				t.Errorf("from %q to %q there is no cause", row.State, next.To)
			}
			reached[next.To] = reached[next.To] || next.To != row.State
		}
	}
	for _, row := range states() {
		if !reached[row.State] {
			t.Errorf("nothing leads to %q", row.State)
		}
	}
	if len(reached) != len(states()) {
		t.Errorf("%d states are reached, and the table has %d", len(reached), len(states()))
	}
}

// Between the end of a stream and the pause after it the state is still syncing,
// and there is no connection.
func TestStatusOfAStreamThatHasEnded(t *testing.T) {
	t.Parallel()
	w := &Watcher{plan: &plan{}, authority: newAuthority(prefix, 0, slog.New(slog.DiscardHandler))}
	w.status.State = StateSyncing
	if status := w.Status(); status.State != StateSyncing || status.Detail != "" {
		t.Errorf("the status is %+v", status)
	}
}
