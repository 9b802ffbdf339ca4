package nssresolve

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/resolver/varlink"
)

// explained is an explanation in short: each question with the step that
// settled it and its result, and the final result.
func explained(e *Explanation) string {
	var b strings.Builder
	for _, q := range e.Questions {
		fmt.Fprintf(&b, "%s %s:%s=%s/%d ", q.Name, q.Type, q.Step, q.Rcode, q.Count)
	}
	fmt.Fprintf(&b, "| %s %v %s", e.Found, e.Addresses, e.Error[strings.LastIndexByte(e.Error, '.')+1:])
	return b.String()
}

func TestExplain(t *testing.T) {
	t.Parallel()
	u := new(world)
	s := newSearching(t, u, "search one.example two.example", newZone(t).Snapshot)
	for _, tt := range []struct{ name, want string }{
		{"nas", "nas.one.example A:upstream=NXDOMAIN/0 nas.two.example A:upstream=NOERROR/1 | nas.two.example [192.0.2.22] "},
		{"nobody", "nobody.one.example A:upstream=NXDOMAIN/0 nobody.two.example A:upstream=NXDOMAIN/0 nobody.nodes.example A:zone=NXDOMAIN/0 nobody A:single-label=NOERROR/0 |  [] NoSuchResourceRecord"},
		{"empty", "empty.one.example A:upstream=NOERROR/0 |  [] NoSuchResourceRecord"},
		{"refused", "refused.one.example A:upstream=REFUSED/0 refused.two.example A:upstream=REFUSED/0 refused.nodes.example A:zone=NXDOMAIN/0 refused A:single-label=NOERROR/0 |  [] MaxAttemptsReached"},
		{"printer", "printer A:hosts=NOERROR/1 | printer [10.9.9.9] "},
		{theirs, theirs + " A:zone=NOERROR/1 | " + theirs + " [10.0.0.10] "},
		{"nas.two.example.", "nas.two.example A:upstream=NOERROR/1 | nas.two.example [192.0.2.22] "},
	} {
		e, err := s.Explain(t.Context(), tt.name, true, false, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := explained(e); got != tt.want {
			t.Errorf("%s: got  %s\nwant %s", tt.name, got, tt.want)
		}
		for _, q := range e.Questions {
			if q.Reason == "" {
				t.Errorf("%s: no reason for %+v", tt.name, q)
			}
		}
	}
	if _, err := s.Explain(t.Context(), "no..name", true, true, false); err == nil {
		t.Error("no error for what is no name")
	}
}

// What is explained is what nss-resolve gets, and with dry no upstream is asked.
func TestExplainAgrees(t *testing.T) {
	t.Parallel()
	u := new(world)
	s := newSearching(t, u, "search one.example two.example", newZone(t).Snapshot)
	for _, name := range []string{"nas", "nobody", "empty", "broken-one", "refused", "printer", "six", theirs, ours, nobody, "localhost", "half.example.org", "nowhere.broken", "test", "box.test"} {
		u.take()
		dry, err := s.Explain(t.Context(), name, true, true, true)
		if asked := u.take(); err != nil || len(asked) > 0 {
			t.Errorf("%s: %v, and %q were asked with dry", name, err, asked)
		}
		e, err := s.Explain(t.Context(), name, true, true, false)
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.ResolveHostname(t.Context(), varlink.HostnameQuestion{Name: name, V4: true, V6: true})
		got, want := e.Error, ""
		if failed := (*varlink.Error)(nil); errors.As(err, &failed) {
			want = failed.ID
		}
		if got != want || fmt.Sprint(e.Addresses) != fmt.Sprint(found.All) {
			t.Errorf("%s: explained %s %v, resolved %s %v", name, got, e.Addresses, want, found.All)
		}
		if dry.Error != varlink.ErrNoSource.ID && explained(dry) != explained(e) {
			t.Errorf("%s: explained %s with dry, %s without", name, explained(dry), explained(e))
		}
	}
}
