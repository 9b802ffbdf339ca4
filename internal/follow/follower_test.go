package follow

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/internal/testkit"
)

// patience is how long a test waits for what must happen.
const patience = testkit.Patience

// follow runs a follower of dir/file that relies on hints alone, and returns a
// function that waits until a look has found a text in the file.
func follow(t *testing.T, f *Follower) (await func(text string)) {
	t.Helper()
	if f.anyway == 0 {
		f.anyway = time.Hour
	}
	if f.remote == 0 {
		f.remote = time.Hour
	}
	if f.unwatched == 0 {
		// Other tests may have all of the machine's inotify instances.
		f.unwatched = 10 * time.Millisecond
	}
	texts := make(chan string)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx, func() {
			var text strings.Builder
			for _, file := range f.Files {
				text.WriteString(contents(f.Root, file))
			}
			select {
			case texts <- text.String():
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return func(want string) {
		t.Helper()
		timeout := time.After(patience)
		var got string
		for {
			select {
			case got = <-texts:
				if got == want {
					return
				}
			case <-timeout:
				t.Fatalf("last seen is %q, want %q", got, want)
			}
		}
	}
}

func contents(root, file string) string {
	real, err := osfile.Resolve(root, file)
	if err != nil {
		return err.Error()
	}
	if entries, err := os.ReadDir(real); err == nil {
		var text strings.Builder
		for _, e := range entries {
			text.WriteString(e.Name() + ":" + contents(root, file+"/"+e.Name()))
		}
		return text.String()
	}
	text, err := os.ReadFile(real)
	if errors.Is(err, fs.ErrNotExist) {
		return "missing"
	}
	return string(text)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// relink makes a symlink, or points it elsewhere in one step.
func relink(t testing.TB, target, link string) {
	t.Helper()
	must(t, os.Symlink(target, link+".new"))
	must(t, os.Rename(link+".new", link))
}

func TestFollow(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, dir string, await func(string)){
		"a file that is made, written to, and removed": func(t *testing.T, dir string, await func(string)) {
			await("missing")
			write(t, dir+"/file", "1")
			await("1")
			write(t, dir+"/file", "2")
			await("2")
			must(t, os.Remove(dir+"/file"))
			await("missing")
			write(t, dir+"/file", "3")
			await("3")
		},
		"replaced by rename, over and over": func(t *testing.T, dir string, await func(string)) {
			for i := range 3 {
				write(t, dir+"/new", strconv.Itoa(i))
				must(t, os.Rename(dir+"/new", dir+"/file"))
				await(strconv.Itoa(i))
			}
			write(t, dir+"/file", "in place")
			await("in place")
		},
		"a symlink that is turned elsewhere": func(t *testing.T, dir string, await func(string)) {
			must(t, os.Mkdir(dir+"/a", 0o755))
			must(t, os.Mkdir(dir+"/b", 0o755))
			write(t, dir+"/a/real", "1")
			relink(t, "a/real", dir+"/file")
			await("1")
			write(t, dir+"/a/real", "2")
			await("2")
			relink(t, dir+"/b/real", dir+"/file")
			await("missing")
			write(t, dir+"/b/real", "3")
			await("3")
		},
		"a symlink to a directory on the way": func(t *testing.T, dir string, await func(string)) {
			must(t, os.Mkdir(dir+"/a", 0o755))
			must(t, os.Mkdir(dir+"/b", 0o755))
			write(t, dir+"/a/real", "1")
			write(t, dir+"/b/real", "2")
			relink(t, "a", dir+"/way")
			relink(t, "way/real", dir+"/file")
			await("1")
			relink(t, "b", dir+"/way")
			await("2")
			write(t, dir+"/b/real", "3")
			await("3")
		},
		"directories that appear later": func(t *testing.T, dir string, await func(string)) {
			relink(t, "run/a/b/real", dir+"/file")
			await("missing")
			must(t, os.MkdirAll(dir+"/run/a/b", 0o755))
			write(t, dir+"/run/a/b/real", "1")
			await("1")
			must(t, os.RemoveAll(dir+"/run"))
			await("missing")
			must(t, os.MkdirAll(dir+"/run/a", 0o755))
			must(t, os.Mkdir(dir+"/run/a/b", 0o755))
			write(t, dir+"/run/a/b/real", "2")
			await("2")
		},
		"a directory that another one takes the place of": func(t *testing.T, dir string, await func(string)) {
			must(t, os.Mkdir(dir+"/a", 0o755))
			write(t, dir+"/a/real", "1")
			relink(t, "a/real", dir+"/file")
			await("1")
			must(t, os.Mkdir(dir+"/b", 0o755))
			write(t, dir+"/b/real", "2")
			must(t, os.Rename(dir+"/a", dir+"/old"))
			must(t, os.Rename(dir+"/b", dir+"/a"))
			await("2")
			write(t, dir+"/a/real", "3")
			await("3")
		},
		"a directory further up that another one takes the place of": func(t *testing.T, dir string, await func(string)) {
			must(t, os.MkdirAll(dir+"/a/b", 0o755))
			must(t, os.MkdirAll(dir+"/c/b", 0o755))
			write(t, dir+"/a/b/real", "1")
			write(t, dir+"/c/b/real", "2")
			relink(t, "a/b/real", dir+"/file")
			await("1")
			must(t, os.Rename(dir+"/a", dir+"/d"))
			must(t, os.Rename(dir+"/c", dir+"/a"))
			await("2")
			write(t, dir+"/a/b/real", "3")
			await("3")
		},
		"a directory that is made again at once": func(t *testing.T, dir string, await func(string)) {
			relink(t, "a/real", dir+"/file")
			for i := range 20 { // with the same inode, on most file systems
				must(t, os.Mkdir(dir+"/a", 0o755))
				write(t, dir+"/a/real", strconv.Itoa(i))
				await(strconv.Itoa(i))
				must(t, os.RemoveAll(dir+"/a"))
			}
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test(t, dir, follow(t, &Follower{Files: []string{dir + "/file"}}))
		})
	}
}

func TestFollowBelowARoot(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	must(t, os.Mkdir(root+"/etc", 0o755))
	must(t, os.Symlink("/run/real", root+"/etc/file"))
	await := follow(t, &Follower{Root: root, Files: []string{"/etc/file"}})
	await("missing")
	must(t, os.Mkdir(root+"/run", 0o755))
	write(t, root+"/run/real", "1")
	await("1")
}

func TestFollowSeveralFiles(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	await := follow(t, &Follower{Files: []string{one + "/file", two + "/file"}})
	write(t, two+"/file", "b")
	await("missingb")
	write(t, one+"/file", "a")
	await("ab")
}

// A directory is followed with all that it lists, and may come later; which of
// its paths inotify knows does not matter.
func TestFollowADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	listing := dir + "/listing"
	must(t, os.Symlink("real", dir+"/link"))
	await := follow(t, &Follower{Files: []string{dir + "/link", listing}})
	await("missingmissing")
	must(t, os.Mkdir(dir+"/real", 0o755))
	await("missing")
	write(t, dir+"/real/a", "1")
	await("a:1missing")
	must(t, os.WriteFile(dir+"/.new", []byte("2"), 0o644))
	must(t, os.Rename(dir+"/.new", dir+"/real/b"))
	await("a:1b:2missing")
	must(t, os.Remove(dir+"/real/a"))
	await("b:2missing")
	must(t, os.Mkdir(listing, 0o755))
	write(t, listing+"/c", "3")
	await("b:2c:3")
	must(t, os.RemoveAll(dir+"/real"))
	await("missingc:3")
}

// A file with a second name changes without its directory, as one that is a
// mount point does.
func TestFollowWritesThroughAnotherName(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	write(t, dir+"/file", "1")
	must(t, os.Link(dir+"/file", other+"/name"))
	await := follow(t, &Follower{Files: []string{dir + "/file"}})
	await("1")
	write(t, other+"/name", "2")
	await("2")
}

func TestFollowWithoutAPause(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	await := follow(t, &Follower{Files: []string{dir + "/file"}})
	await("missing")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(dir+"/new", []byte("1"), 0o644)
				_ = os.Rename(dir+"/new", dir+"/file")
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	await("1")
}

// The lost notifications may have been about the files.
func TestLostNoticesAreAHint(t *testing.T) {
	t.Parallel()
	h := awaitNotifier(t)
	real := h.notify
	must(t, real.Close())
	h.notify = &fsnotify.Watcher{Events: make(chan fsnotify.Event), Errors: make(chan error)}
	ended := make(chan struct{})
	go func() { defer close(ended); h.receive() }()
	h.notify.Errors <- fsnotify.ErrEventOverflow
	if !h.next(t.Context(), patience) {
		t.Error("the files are not looked at")
	}
	h.notify.Events <- fsnotify.Event{Name: "/another", Op: fsnotify.Write}
	close(h.notify.Events)
	<-ended
	if len(h.given) > 0 {
		t.Error("another file's change is a hint")
	}
}

// A directory that is gone before the notification of its renaming was read
// makes fsnotify report an error, and hold a lock meanwhile.
func TestFollowThroughCommotion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.Symlink("a/real", dir+"/file"))
	await := follow(t, &Follower{Files: []string{dir + "/file"}})
	await("missing")
	for i := range 200 {
		must(t, os.Mkdir(dir+"/a", 0o755))
		write(t, dir+"/a/real", "")
		if i%20 == 0 {
			await("")
		}
		must(t, os.Rename(dir+"/a", dir+"/b"))
		must(t, os.RemoveAll(dir+"/b"))
	}
	must(t, os.Mkdir(dir+"/a", 0o755))
	write(t, dir+"/a/real", "1")
	await("1")
}

func TestFollowWithoutHints(t *testing.T) {
	t.Parallel()
	h := notifier{failed: errors.New("too many open files")}
	if _, err := h.rewatch("", []string{"/etc/hosts"}); !errors.Is(err, h.failed) {
		t.Errorf("error %v", err)
	}
	h.receive() // and returns, as there is nothing to take
	h.close()
}

// A caller may know that there will be something to find though nothing changes.
func TestFollowAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/file", "1")
	await := follow(t, &Follower{Files: []string{dir + "/file"}, Again: func() time.Duration { return time.Millisecond }})
	await("1")
	await("1")
}
