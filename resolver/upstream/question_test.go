package upstream

import (
	"bytes"
	"testing"
)

// Only letters have a case: what an octet beside them becomes is another name.
func TestMixCase(t *testing.T) {
	t.Parallel()
	var octets []byte
	for c := range 256 {
		octets = append(octets, byte(c))
	}
	var seen [256]map[byte]bool
	for range 200 { // each letter stays as it is in all of them by a chance of 2^-200
		mixed := bytes.Clone(octets)
		mixCase(mixed)
		for i, c := range mixed {
			if seen[i] == nil {
				seen[i] = map[byte]bool{}
			}
			seen[i][c] = true
		}
	}
	for c, got := range seen {
		want := map[byte]bool{byte(c): true}
		if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			want[byte(c)^0x20] = true
		}
		if len(got) != len(want) || !got[byte(c)] {
			t.Errorf("%q became %v", byte(c), got)
		}
	}
}
