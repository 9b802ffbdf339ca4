package managed

import (
	"os"
	"strings"
	"testing"
)

// A file that another program has removed meanwhile is made again, and gets the
// owner of the original.
func TestRestoreGivesTheOwnerBack(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a file of another owner")
	}
	s := newScratch(t)
	f, path := s.file("/etc/hosts"), s.path("etc/hosts")
	for _, owner := range owners {
		write(t, path, "old")
		if err := os.Chown(path, owner.uid, owner.gid); err != nil {
			t.Fatal(err)
		}
		old, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if what, err := f.Restore(BackupOf(f, old)); err != nil || what != "original put back" {
			t.Errorf("%q, %v", what, err)
		}
		wantFile(t, path, "old")
		wantOwner(t, path, owner.uid, owner.gid)
	}
}

// What is to be removed may be gone already, with its directory too.
func TestWhatIsMissingIsRemoved(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	backups := Backups{s.state, RealSystem()}
	for _, path := range []string{"/etc/hosts", "/missing/hosts"} {
		f := s.file(path)
		if err := f.Remove(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		never := BackupOf(f, Content{})
		if what, err := f.Restore(never); err != nil || !strings.HasPrefix(what, "removed") {
			t.Errorf("%s: %q, %v", path, what, err)
		}
		if err := backups.Delete(never); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// One record that is damaged hides no other.
func TestADamagedRecordBesideAnother(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	backups := Backups{s.state, RealSystem()}
	if err := backups.Save(BackupOf(s.file("/etc/hosts"), Content{})); err != nil {
		t.Fatal(err)
	}
	damaged := backups.RecordPath("/etc/a-file-before")
	write(t, damaged, "{")
	all, err := backups.All()
	if len(all) != 1 || all[0].Path != "/etc/hosts" || err == nil || !strings.Contains(err.Error(), damaged) {
		t.Errorf("%v, %v; want the other record, and an error that names %s", all, err, damaged)
	}
}
