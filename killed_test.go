package nodedns

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/testkit"
)

const (
	// writesVar has the test binary write a file until it is killed, instead of
	// testing it.
	writesVar = "NODEDNS_TEST_WRITES"
	// killedWithin is when the process is killed at the latest, from its first
	// write on: some writes take as long on a slow disk.
	killedWithin = 20 * time.Millisecond
)

// writing is what a process does that is to be killed.
type writing struct {
	File    string // by its name in writtenFiles
	Root    string
	InPlace bool // the file is a mount point, as container engines have it
	First   int  // version
}

// TestKilledWhileWriting kills processes that do nothing but write a file, in one
// version after the other and every few the user's again, by the code of the daemon.
// Whenever that is, the file is the old or the new one, whole; one that is written in
// place is so when it was repaired, as it is at each start. The next process writes it
// and leaves nothing behind, and the user's own text can be restored.
func TestKilledWhileWriting(t *testing.T) {
	if text := os.Getenv(writesVar); text != "" {
		var w writing
		testkit.Must(t, json.Unmarshal([]byte(text), &w))
		t.Fatal(w.writeUntilKilled()) // it has failed
	}
	t.Parallel()
	testkit.Processes(t)
	for _, file := range writtenFiles() {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			killWhileWriting(t, file, false)
		})
		if file.restore == nil {
			continue // it is in our own directory
		}
		t.Run(file.name+" in place", func(t *testing.T) {
			t.Parallel()
			if os.Geteuid() != 0 {
				testkit.Skip(t, "needs root, to make a mount namespace")
			}
			killWhileWriting(t, file, true)
		})
	}
}

func killWhileWriting(t *testing.T, file writtenFile, inPlace bool) {
	seed := rand.Uint64()
	k := killing{t: t, file: file, random: rand.New(rand.NewPCG(seed, 0))}
	k.w = writing{File: file.name, InPlace: inPlace}
	k.learn()
	k.w.Root = file.newRoot(t)
	kills := testkit.Times(6, 1000)
	for range kills {
		k.once()
		if t.Failed() {
			break
		}
	}
	t.Logf("seed %d: %d kills after %d writes, %d of them with something begun", seed, kills, k.writes, k.begun)
}

// killing is a file whose writers are killed.
type killing struct {
	t      *testing.T
	file   writtenFile
	w      writing
	random *rand.Rand
	texts  [fileVersions]string

	writes, begun int
}

// learn has each version, by a process that lives.
func (k *killing) learn() {
	k.t.Helper()
	root := k.file.newRoot(k.t)
	write, err := k.file.start(root)
	testkit.Must(k.t, err)
	for v := range k.texts {
		testkit.Must(k.t, write(v))
		k.texts[v], err = k.file.read(root)
		testkit.Must(k.t, err)
		if v > 0 && k.texts[v] == k.texts[v-1] {
			k.t.Fatalf("versions %d and %d are the same", v-1, v)
		}
		if k.file.restore != nil && isUsers(v) != (k.texts[v] == k.file.users) {
			k.t.Fatalf("version %d is %q, and the user's %q", v, k.texts[v], k.file.users)
		}
	}
}

// once has one process write, kills it, and has the next one start.
func (k *killing) once() {
	k.t.Helper()
	path := filepath.Join(k.w.Root, k.file.path)
	before := inode(path)
	k.w.First = k.random.IntN(fileVersions/usersVersion)*usersVersion + usersVersion - 1 // the user's: it is that
	last := k.kill(time.Duration(k.random.Int64N(int64(killedWithin))))
	if k.t.Failed() {
		return
	}
	k.writes += last - k.w.First + 1
	if len(leftovers(k.w.Root)) > 0 {
		k.begun++
	}
	if k.w.InPlace {
		if inode(path) != before {
			k.t.Errorf("it was not written in place")
		}
		testkit.Must(k.t, managed.RecoverOverwrites(stateOf(k.w.Root), managed.RealSystem(), slog.New(slog.DiscardHandler)))
		testkit.Must(k.t, managed.RecoverOverwrites(filepath.Join(stateOf(k.w.Root), "resolvconf"), managed.RealSystem(), slog.New(slog.DiscardHandler)))
	}
	got, err := k.file.read(k.w.Root)
	testkit.Must(k.t, err)
	if was, is := k.texts[last%fileVersions], k.texts[(last+1)%fileVersions]; got != was && got != is {
		k.t.Errorf("killed after version %d the file is neither that one nor the next:\n%s\nwant\n%s\nor\n%s", last, got, was, is)
	}
	k.startAgain(got)
}

// startAgain has the next process start and write another version than there is, and
// undoes it.
func (k *killing) startAgain(got string) {
	k.t.Helper()
	write, err := k.file.start(k.w.Root)
	testkit.Must(k.t, err)
	v := k.random.IntN(fileVersions/usersVersion) * usersVersion
	if got == k.texts[v] {
		v = (v + usersVersion) % fileVersions
	}
	testkit.Must(k.t, write(v))
	if got, err := k.file.read(k.w.Root); err != nil || got != k.texts[v] {
		k.t.Errorf("the next process writes\n%s\nwant\n%s\n%v", got, k.texts[v], err)
	}
	if k.file.restore != nil {
		testkit.Must(k.t, k.file.restore(k.w.Root))
		if got, err := k.file.read(k.w.Root); err != nil || got != k.file.users {
			k.t.Errorf("restored is\n%s\nwant\n%s\n%v", got, k.file.users, err)
		}
	}
	if left := leftovers(k.w.Root); len(left) > 0 {
		k.t.Errorf("left behind: %q", left)
	}
}

// kill runs a process that writes, kills it so long after its first write, and returns
// the last version whose write it had finished.
func (k *killing) kill(after time.Duration) (last int) {
	k.t.Helper()
	finished, theirs, err := os.Pipe()
	testkit.Must(k.t, err)
	defer finished.Close()
	defer theirs.Close()
	told, err := json.Marshal(k.w)
	testkit.Must(k.t, err)
	cmd := exec.CommandContext(k.t.Context(), "/proc/self/exe", "-test.run=^TestKilledWhileWriting$")
	cmd.Env = append(os.Environ(), writesVar+"="+string(told))
	cmd.ExtraFiles = []*os.File{theirs}
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if k.w.InPlace {
		cmd.SysProcAttr.Unshareflags = unix.CLONE_NEWNS // and not cloning: the runtime makes the mounts private then
	}
	testkit.Must(k.t, cmd.Start())
	testkit.Must(k.t, theirs.Close())
	lines := bufio.NewReader(finished)
	last, err = nextVersion(lines)
	if err == nil {
		time.Sleep(after)
	}
	_ = cmd.Process.Kill() // an error means that it has ended
	for err == nil {
		var v int
		if v, err = nextVersion(lines); err == nil {
			last = v
		}
	}
	_ = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != unix.SIGKILL || !errors.Is(err, io.EOF) {
		k.t.Errorf("the process was not killed, but: %v, %v\n%s", cmd.ProcessState, err, &output)
	}
	return last
}

func nextVersion(lines *bufio.Reader) (int, error) {
	line, err := lines.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line))
}

// writeUntilKilled is what the process does. It returns an error only.
func (w writing) writeUntilKilled() error {
	finished := os.NewFile(3, "finished")
	for _, file := range writtenFiles() {
		if file.name != w.File {
			continue
		}
		path := filepath.Join(w.Root, file.path)
		if w.InPlace {
			if err := unix.Mount(path, path, "", unix.MS_BIND, ""); err != nil {
				return fmt.Errorf("mount %s: %w", path, err)
			}
		}
		write, err := file.start(w.Root)
		for v := w.First; err == nil; v++ {
			if err = write(v % fileVersions); err == nil {
				_, err = fmt.Fprintln(finished, v)
			}
		}
		return err
	}
	return fmt.Errorf("no file %q", w.File)
}

// leftovers are the files that a writer uses meanwhile.
func leftovers(root string) (found []string) {
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err == nil && !entry.IsDir() && (strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".new") ||
			filepath.Base(filepath.Dir(path)) == "overwrites") {
			found = append(found, path)
		}
		return nil
	})
	return found
}

func inode(path string) uint64 {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return 0
	}
	return stat.Ino
}
