package hostsformat

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestSections(t *testing.T) {
	t.Parallel()
	const begin, end = BeginMarker + "\n", EndMarker + "\n"
	tests := map[string]struct {
		text string
		want []string // what is the user's, with the numbers of the lines
	}{
		"empty":                   {"", nil},
		"no block":                {"a\nb", []string{"1 a\nb"}},
		"only a block":            {begin + "x\n" + end, nil},
		"lines around it":         {"a\n" + begin + "x\ny\n" + end + "b\n", []string{"1 a\n", "6 b\n"}},
		"two blocks":              {begin + end + "a\n" + begin + "x\n" + end, []string{"3 a\n"}},
		"BEGIN without END":       {"a\n" + begin + "b\n", []string{"1 a\n", "3 b\n"}},
		"END without BEGIN":       {"a\n" + end + "b\n", []string{"1 a\n", "3 b\n"}},
		"END first":               {end + "a\n", []string{"2 a\n"}},
		"BEGIN twice":             {begin + "a\n" + begin + "x\n" + end + "b", []string{"2 a\n", "6 b"}},
		"END twice":               {begin + "x\n" + end + "a\n" + end + "b\n", []string{"4 a\n", "6 b\n"}},
		"END thrice":              {begin + "x\n" + end + end + end + "b\n", []string{"6 b\n"}},
		"altered white space":     {"a\r\n \t" + BeginMarker + " \r\nx\r\n" + EndMarker, []string{"1 a\r\n"}},
		"other words are no mark": {"#" + begin + "a\n" + strings.ToLower(begin) + "b\n", []string{"1 #" + begin + "a\n" + strings.ToLower(begin) + "b\n"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for s := range Sections([]byte(tt.text)) {
				if !s.IsBlock() && len(s.Text) > 0 {
					got = append(got, fmt.Sprintf("%d %s", s.TextLine(), s.Text))
				}
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Nothing of a file is lost or doubled, whatever markers stand in it, and only
// what has both of them is a block.
func FuzzSections(f *testing.F) {
	f.Add("a\n" + BeginMarker + "\nx\n" + EndMarker + "\nb")
	f.Add(EndMarker + "\n" + BeginMarker + "\n" + BeginMarker + "\r\n\n" + EndMarker)
	f.Fuzz(func(t *testing.T, text string) {
		var all []byte
		for s := range Sections([]byte(text)) {
			if want := bytes.Count(all, []byte("\n")) + 1; s.Line != want {
				t.Errorf("%q: section %q is at line %d, want %d", text, s.Text, s.Line, want)
			}
			for _, line := range Lines(0, s.Text) {
				if marker, _ := Marker(line); marker != "" {
					t.Errorf("%q: a marker within %q", text, s.Text)
				}
			}
			all = append(append(append(all, s.Begin...), s.Text...), s.End...)
		}
		if string(all) != text {
			t.Errorf("of %q there is %q", text, all)
		}
	})
}
