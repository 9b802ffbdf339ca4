package resolvconf

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/managed"
)

func TestRestore(t *testing.T) {
	t.Parallel()
	const theirs = "nameserver 192.0.2.1\n"
	for _, c := range []struct {
		name  string
		crash func(*bubble) // the state when the daemon has been killed
		done  string        // "" is nothing
		after string
	}{
		{"ours", func(*bubble) {}, "original put back", theirs},
		{"another program's", func(b *bubble) { b.write(usualPath, "theirs\n") }, "left as it is", "theirs\n"},
		{"removed", func(b *bubble) { b.remove(usualPath) }, "left as it is", "none"},
		{"the original lost, the servers known", func(b *bubble) {
			b.write(realPath, realMark+theirs)
			os.RemoveAll(b.state)
		}, "asked last", theirs},
		{"the original lost, and no server known", func(b *bubble) { os.RemoveAll(b.state) }, "removed", "none"},
		{"the original lost, and the list names us", func(b *bubble) {
			b.write(realPath, stubLine(1)+"nameserver 127.0.0.53\n")
			os.RemoveAll(b.state)
		}, "removed", "none"},
		{"killed before it was ours", func(b *bubble) {
			b.write(usualPath, theirs)
			old, _ := b.files.conf.Read()
			if _, err := b.files.backup("127.0.0.53")(old); err != nil {
				b.t.Error(err)
			}
		}, "left as it is", theirs},
		{"killed before the record was dropped", func(b *bubble) {
			o, _, _ := b.files.backups.Load(b.files.conf.String())
			if _, err := b.files.conf.Restore(o); err != nil {
				b.t.Error(err)
			}
		}, "left as it is", theirs},
		{"killed in the middle of an overwrite in place", func(b *bubble) {
			b.write(usualPath, theirs)
			b.files.conf.System.Rename = func(string, string) error { return unix.EBUSY }
			write := b.files.conf.System.Write
			b.files.conf.System.Write = func(f *os.File, data []byte, at int64) error {
				if f.Name() == b.Keeper.Status().Path {
					write(f, data[:10], at)
					return unix.EIO
				}
				return write(f, data, at)
			}
			if _, err := b.files.conf.UpdateAfter(b.files.backup("127.0.0.53"), managed.To([]byte(stub()))); err == nil {
				b.t.Error("it was not killed")
			}
		}, "left as it is", theirs},
		{"killed while it was given back in place", func(b *bubble) { b.giveHalfBack(len(theirs)) }, "original put back", theirs},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *tree) {
				r.write(usualPath, theirs)
				b := r.launch(ModeStub, false)
				b.kill()
				c.crash(b)
				for range 2 {
					done, err := Restore(b.config())
					if err != nil || (c.done == "") != (len(done) == 0) || c.done != "" && !strings.Contains(done[0].Done, c.done) {
						t.Errorf("restored %v, %v; want %q", done, err, c.done)
					}
					r.want(usualPath, c.after)
					r.want(resolvedPath, "none")
					c.done = "" // once more there is nothing to do
				}
			})
		})
	}
}

// giveHalfBack ends in the middle of restoring a file that cannot be replaced,
// with so many bytes of the original written and all of ours behind them.
func (b *bubble) giveHalfBack(bytes int) {
	b.t.Helper()
	sys := *b.files.conf.System
	sys.Rename = func(string, string) error { return unix.EBUSY }
	sys.Truncate = func(*os.File, int64) error { return unix.EIO }
	written := false
	sys.Write = func(f *os.File, data []byte, at int64) error {
		if f.Name() == b.Keeper.Status().Path {
			if written {
				return unix.EIO // nor can it be undone
			}
			written = true
			data = data[:bytes]
		}
		_, err := f.WriteAt(data, at)
		return err
	}
	killed := filesOf(b.config(), &sys)
	if _, err := killed.restore(); err == nil || !written {
		b.t.Fatalf("it was not killed: %v", err)
	}
}

// A full disk has no room for a new file, nor for the copy of an old one. What
// was there fits into the room that ours has, or ours stays whole.
func TestItIsGivenBackOnAFullDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		theirs string
		fits   bool
	}{
		"it fits":         {"nameserver 192.0.2.1\n", true},
		"it does not fit": {"nameserver 192.0.2.1\n" + strings.Repeat("# long\n", 100), false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *tree) {
				r.write(usualPath, c.theirs)
				b := r.launch(ModeStub, false)
				sys := b.files.conf.System
				sys.CreateTemp = func(string, string) (*os.File, error) { return nil, unix.ENOSPC }
				sys.Reserve = func(*os.File, int64, int64) error { return unix.ENOSPC }
				b.cancel()
				if err := <-b.ended; (err == nil) != c.fits {
					t.Errorf("error %v", err)
				}
				if c.fits {
					r.want(usualPath, c.theirs)
				} else {
					r.want(usualPath, stub(edns))
					if _, err := Restore(b.config()); err != nil { // there is room now
						t.Error(err)
					}
					r.want(usualPath, c.theirs)
				}
			})
		})
	}
}

// A start that fails restores without having repaired anything.
func TestHalfGivenBackAndNotStarted(t *testing.T) {
	inBubble(t, func(t *testing.T, r *tree) {
		const theirs = "nameserver 192.0.2.1\n"
		r.write(usualPath, theirs)
		b := r.launch(ModeStub, false)
		b.kill()
		b.giveHalfBack(len(theirs))
		if got := r.read(usualPath); !strings.HasPrefix(got, theirs) || got == theirs {
			t.Fatalf("resolv.conf is\n%s", got)
		}
		if err := r.prepare().Restore(); err != nil {
			t.Error(err)
		}
		r.want(usualPath, theirs)
	})
}

// The error is returned, and the machine has a server that answers all the same.
func TestARecordThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*tree) string{
		"it is half a record": func(*tree) string { return "{" },
		"its originals are no list of ours": func(r *tree) string {
			return fmt.Sprintf(`{"Root": %q, "Path": %q, "Whole": true, "More": []}`, r.root, usualPath)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *tree) {
				r.write(usualPath, "nameserver 192.0.2.1\n")
				b := r.launch(ModeStub, false)
				b.kill()
				r.write(realPath, realMark+"nameserver 192.0.2.2\n")
				record := b.files.backups.RecordPath(b.files.conf.String())
				if err := os.WriteFile(record, []byte(damage(r)), 0o600); err != nil {
					t.Fatal(err)
				}
				done, err := Restore(b.config())
				if len(done) != 1 || err == nil || !strings.Contains(err.Error(), record) {
					t.Errorf("restored %v, %v", done, err)
				}
				r.want(usualPath, "nameserver 192.0.2.2\n")
			})
		})
	}
}

func TestRestoreOfAnEarlierConfiguration(t *testing.T) {
	inBubble(t, func(t *testing.T, r *tree) {
		r.write(usualPath, "nameserver 192.0.2.1\n")
		b := r.launch(ModeStub, false)
		b.kill()
		cfg := b.config()
		cfg.Path = "/etc/other.conf"
		if done, err := Restore(cfg); err != nil || len(done) != 1 {
			t.Errorf("restored %v, %v", done, err)
		}
		r.want(usualPath, "nameserver 192.0.2.1\n")
	})
}
