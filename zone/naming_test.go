package zone

import "testing"

func TestOriginOfAName(t *testing.T) {
	t.Parallel()
	const (
		file    = int(NameFromFile)
		cluster = int(NameFromCluster)
		none    = -1
	)
	for _, tt := range []struct {
		of   names
		name string
		want int
	}{
		{"", "", none},
		{"", "web", none},
		{"\nweb", "", none},
		{"web", "web", file},
		{"web", "we", none},
		{"web", "eb", none},
		{"web", "web2", none},
		{"\nweb", "web", cluster},
		{"\nweb", "we", none},
		{"web www.corp.example db", "web", file},
		{"web www.corp.example db", "www.corp.example", file},
		{"web www.corp.example db", "db", file},
		{"web www.corp.example db", "corp.example", none},
		{"web www.corp.example db", "www", none},
		{"web db\nmail", "mail", cluster},
		{"web db\nmail", "db", file},
		{"web db\ndb", "db", file}, // of both
		{"web-2\nweb", "web", cluster},
	} {
		got := none
		if origin, ok := tt.of.origin([]byte(tt.name)); ok {
			got = int(origin)
		}
		if got != tt.want {
			t.Errorf("%q of %q: got %d, want %d", tt.name, tt.of, got, tt.want)
		}
	}
}
