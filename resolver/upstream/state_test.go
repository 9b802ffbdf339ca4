package upstream

import "testing"

// A command reads the status of a daemon that has more states.
func TestStateOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]State{"good": Good, "looping": Looping, "resting": Unknown, "": Unknown} {
		state := Down
		if err := state.UnmarshalText([]byte(text)); err != nil || state != want {
			t.Errorf("%q is %v (%v), want %v", text, state, err, want)
		}
	}
}
