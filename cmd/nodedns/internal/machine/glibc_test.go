package machine

import "testing"

func TestMulti(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": false, "multi on\n": true, "order hosts,bind\nmulti on\nmulti off\n": false, "multi": false,
		"Multi ON # both\n": true, "multi on\nmulti\nmulti perhaps\n": true, "#multi on\n": false,
	} {
		if got := MultiEnabled(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
