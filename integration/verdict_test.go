package integration

import (
	"fmt"
	"slices"
)

// verdict is the verdict in "nodedns status --json".
type verdict struct {
	Healthy bool `json:"healthy"`
	Reasons []struct {
		Code string `json:"code"`
		Text string `json:"text"`
		Fix  string `json:"fix"`
	} `json:"reasons"`
}

// assessed fails unless the daemon is in a state for these reasons alone, and
// "nodedns status --check" succeeds in the state ready only.
func (m *machine) assessed(state string, codes ...string) error {
	s, err := m.status()
	if err != nil {
		return err
	}
	got := []string{}
	for _, r := range s.Verdict.Reasons {
		got = append(got, r.Code)
		if r.Text == "" || r.Fix == "" {
			return fmt.Errorf("incomplete: %+v", r)
		}
	}
	if s.State != state || !slices.Equal(got, codes) || s.Verdict.Healthy != (state == "ready") {
		return fmt.Errorf("the state is %s, the verdict %+v; want %s for %q", s.State, s.Verdict, state, codes)
	}
	out, err := m.nodedns("status", "--check", "--config", configFile)
	if fine := err == nil; fine != (state == "ready") {
		return fmt.Errorf("status --check in the state %s: %w\n%s", state, err, out)
	}
	return nil
}
