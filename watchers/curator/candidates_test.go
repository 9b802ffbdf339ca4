package curator

import (
	"slices"
	"testing"

	"github.com/nodedns/nodedns/zone"
)

// The leader is tried first where it is known where that is, else the endpoint that
// delivered a stream last; the others follow in turn.
func TestCandidates(t *testing.T) {
	t.Parallel()
	const first, second, third, elsewhere = "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"
	leader, other := zone.ID(nodeID(1)), zone.ID(nodeID(2))
	byID := Endpoint{host: string(leader), node: leader, port: DefaultPort}
	at := func(address string) Endpoint { return endpointsAt(address)[0] }
	for name, test := range map[string]struct {
		last    string
		learned []Endpoint
		reports []leaderReport
		want    []string
	}{
		"none was good yet": {
			want: []string{first, second, third},
		},
		"no leader is known": {
			last: second,
			want: []string{second, third, first},
		},
		"none is named": {
			last:    third,
			reports: []leaderReport{{endpoint: at(first), self: other}},
			want:    []string{third, first, second},
		},
		"the last good one is gone": {
			last: elsewhere,
			want: []string{first, second, third},
		},
		"known by ID only": {
			last:    second,
			reports: []leaderReport{{endpoint: at(first), self: other, leader: leader}},
			want:    []string{second, third, first},
		},
		"known by ID only, and out of reach there": {
			last:    second,
			learned: []Endpoint{byID},
			reports: []leaderReport{{endpoint: at(first), self: other, leader: leader}, {endpoint: byID, failure: "timeout"}},
			want:    []string{byID.Address(), second, third, first},
		},
		"it names itself": {
			last:    second,
			reports: []leaderReport{{endpoint: at(third), self: leader, leader: leader}},
			want:    []string{third, second, first},
		},
		"another one has its endpoint": {
			last:    second,
			reports: []leaderReport{{endpoint: at(first), self: other, leader: leader, at: at(elsewhere)}},
			want:    []string{elsewhere, second, third, first},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := New(Config{Prefix: prefix, Insecure: true, Endpoints: endpointsAt(first, second, third)}, newRecorder())
			must(t, err)
			tracker := newLeaderTracker(w, w.currentPlan())
			tracker.setLearned(test.learned)
			for _, r := range test.reports {
				tracker.update(t.Context(), r)
			}
			if test.last != "" {
				tracker.prefer(at(test.last))
			}
			candidates, _ := tracker.candidates()
			var got []string
			for _, c := range candidates {
				got = append(got, c.name())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("candidates %q, want %q", got, test.want)
			}
		})
	}
}
