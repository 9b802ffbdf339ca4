package hosts

import (
	"fmt"
	"strings"
	"testing"
)

func TestForeign(t *testing.T) {
	t.Parallel()
	const begin, end = beginMarker + "\n", endMarker + "\n"
	tests := map[string]struct {
		text string
		want []string // segments, with the numbers of their lines
	}{
		"empty":                   {"", nil},
		"no block":                {"a\nb", []string{"1 a\nb"}},
		"only a block":            {begin + "x\n" + end, nil},
		"lines around it":         {"a\n" + begin + "x\ny\n" + end + "b\n", []string{"1 a\n", "6 b\n"}},
		"two blocks":              {begin + end + "a\n" + begin + "x\n" + end, []string{"3 a\n"}},
		"BEGIN without END":       {"a\n" + begin + "b\n", []string{"1 a\n" + begin + "b\n"}},
		"END without BEGIN":       {"a\n" + end + "b\n", []string{"1 a\n" + end + "b\n"}},
		"BEGIN twice":             {begin + "a\n" + begin + "x\n" + end + "b", []string{"1 " + begin + "a\n", "6 b"}},
		"END twice":               {begin + "x\n" + end + "a\n" + end + "b\n", []string{"4 a\n" + end + "b\n"}},
		"altered white space":     {"a\r\n \t" + beginMarker + " \r\nx\r\n" + endMarker, []string{"1 a\r\n"}},
		"other words are no mark": {"#" + begin + "a\n" + strings.ToLower(begin) + end, []string{"1 #" + begin + "a\n" + strings.ToLower(begin) + end}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range foreign([]byte(tt.text)) {
				got = append(got, fmt.Sprintf("%d %s", s.line, s.text))
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
