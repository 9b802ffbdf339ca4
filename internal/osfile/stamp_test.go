package osfile

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func stampOf(t *testing.T, path string) Stamp {
	t.Helper()
	f, stat, err := Open(path)
	must(t, err)
	defer f.Close()
	return StampOf(&stat)
}

func TestStamp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte("1"), 0o600))
	s := stampOf(t, path)
	if again := stampOf(t, path); again != s || s == (Stamp{}) {
		t.Errorf("unchanged: %v, then %v", s, again)
	}
	changed := time.Unix(s.changed.Unix())
	if got := s.AsOf(changed.Add(settled - 1)); got != (Stamp{}) {
		t.Errorf("so soon after a change the stamp is %v", got)
	}
	if got := s.AsOf(changed.Add(settled)); got != s {
		t.Errorf("the settled stamp is %v, want %v", got, s)
	}
	if got := s.AsOf(changed.Add(-time.Hour)); got != (Stamp{}) {
		t.Errorf("after the clock was set back the stamp is %v", got)
	}
	must(t, os.WriteFile(path, []byte("12"), 0o600))
	if stampOf(t, path) == s {
		t.Error("written to: the stamp is the same")
	}
}
