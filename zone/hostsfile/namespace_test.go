package hostsfile

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// namespaceEnv marks a test as running in namespaces of its own.
const namespaceEnv = "HOSTSFILE_TEST_NAMESPACE"

// inNamespaces runs the calling test once more in a process with mount and UTS
// namespaces of its own, and reports whether this is that process. Nothing that
// it mounts or sets is seen by the machine.
func inNamespaces(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceEnv) != "" {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to make mount and UTS namespaces")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), namespaceEnv+"=1")
	// Unsharing, not cloning: the runtime makes the mounts private then.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in namespaces: %v\n%s", err, out)
	}
	return false
}

func mount(t *testing.T, source, target, kind string, flags uintptr, options string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		t.Fatalf("mount %s on %s: %v", source, target, err)
	}
	t.Cleanup(func() { unix.Unmount(target, unix.MNT_DETACH) })
}

func TestBindMountedHostsFile(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	s := newScratch(t)
	write(t, s.path("source"), "192.0.2.1 printer\n")
	write(t, s.path("etc/hosts"), "")
	mount(t, s.path("source"), s.path("etc/hosts"), "", unix.MS_BIND, "")
	store := newStore(t)
	src := store.Source("test")
	join(src, 1)
	k := mustStart(t, s.hostsOnly(), store)
	setLocal(store, "192.0.2.7")
	if err := k.Start(store.Snapshot()); err != nil {
		t.Fatal(err)
	}
	want := "192.0.2.1 printer\n" + block(peerLine(1)+"192.0.2.7 "+string(self)+"\n")
	wantFile(t, s.path("source"), want)
	s.wantNoLeftovers(t)
	if _, err := Restore(s.hostsOnly()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, s.path("source"), "192.0.2.1 printer\n")
}

func TestReadOnlyDirectory(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	s := newScratch(t)
	write(t, s.path("source"), "192.0.2.1 printer\n")
	write(t, s.path("etc/hosts"), "")
	write(t, s.path("etc/machine-id"), "")
	mount(t, s.path("etc"), s.path("etc"), "", unix.MS_BIND, "")
	mount(t, "", s.path("etc"), "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")

	// A file that is read-only too is an error that says what to do.
	k := mustKeeper(t, s.hostsOnly())
	err := k.Start(newStore(t).Snapshot())
	if !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "make it writable") {
		t.Errorf("error %v, want EROFS and the remedy", err)
	}
	if st := k.Status()[0]; st.Error == "" || st.Failures != 1 || st.Writes != 0 {
		t.Errorf("status %+v", st)
	}

	// A writable file in it is overwritten.
	mount(t, s.path("source"), s.path("etc/hosts"), "", unix.MS_BIND, "")
	if err := k.Start(newStore(t).Snapshot()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, s.path("source"), "192.0.2.1 printer\n"+block(""))
	if st := k.Status()[0]; st.Error != "" || st.Writes != 1 {
		t.Errorf("status %+v", st)
	}
}

func TestFullDisk(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	const user = "192.0.2.1 printer\n"
	for _, c := range []struct {
		name string
		bind bool // the file is a mount point, and so overwritten in place
	}{{"replaced", false}, {"overwritten", true}} {
		t.Run(c.name, func(t *testing.T) {
			s := newScratch(t)
			disk := s.path("etc")
			if c.bind {
				disk = s.path("disk")
				if err := os.Mkdir(disk, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			mount(t, "tmpfs", disk, "tmpfs", 0, "size=64k")
			write(t, disk+"/hosts", user)
			if c.bind {
				write(t, s.path("etc/hosts"), "")
				mount(t, disk+"/hosts", s.path("etc/hosts"), "", unix.MS_BIND, "")
			}
			fillDisk(t, disk+"/filler")

			store := newStore(t)
			src := store.Source("test")
			for n := range 200 { // more than the page that the file has
				join(src, n+8)
			}
			setLocal(store, "192.0.2.7")
			k := mustKeeper(t, s.hostsOnly())
			err := k.Start(store.Snapshot())
			if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
				t.Errorf("error %v, want ENOSPC and the remedy", err)
			}
			wantFile(t, s.path("etc/hosts"), user)
			s.wantNoLeftovers(t)

			if err := os.Remove(disk + "/filler"); err != nil {
				t.Fatal(err)
			}
			if err := k.Start(store.Snapshot()); err != nil {
				t.Fatal(err)
			}
			if err := k.CheckSelf(store.Snapshot()); err != nil {
				t.Error(err)
			}
			s.wantNoLeftovers(t)
		})
	}
}

// fillDisk writes until there is no room left.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

func TestHostnameOfTheKernel(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	if err := unix.Sethostname([]byte("before")); err != nil {
		t.Fatal(err)
	}
	cfg := Config{ID: self, StateDir: t.TempDir(), Settings: Settings{Hostname: true}}
	wantName := func(want string) {
		t.Helper()
		if got, err := kernelHostname(); err != nil || got != want {
			t.Fatalf("hostname %q, %v; want %q", got, err, want)
		}
	}
	k := mustStart(t, cfg, newStore(t))
	wantName(string(self))

	// A change by another program is reported, not reverted.
	if err := unix.Sethostname([]byte("foreign")); err != nil {
		t.Fatal(err)
	}
	k.watchHostname()
	wantName("foreign")
	if st := k.Status()[0]; st.Path != kernelName || !strings.Contains(st.Error, `"foreign"`) || st.Failures != 0 {
		t.Errorf("status %+v", st)
	}
	if err := unix.Sethostname([]byte(self)); err != nil {
		t.Fatal(err)
	}
	k.watchHostname()
	if st := k.Status()[0]; st.Error != "" {
		t.Errorf("status %+v", st)
	}

	// Another start finds it changed and sets it; the original stays the first.
	if err := unix.Sethostname([]byte("foreign")); err != nil {
		t.Fatal(err)
	}
	mustStart(t, cfg, newStore(t))
	wantName(string(self))
	// A root has nothing to do with the kernel's name.
	rooted := cfg
	rooted.Root = t.TempDir()
	for _, c := range []struct {
		cfg  Config
		want string
	}{{rooted, string(self)}, {cfg, "before"}, {cfg, "before"}} {
		if _, err := Restore(c.cfg); err != nil {
			t.Fatal(err)
		}
		wantName(c.want)
	}
}

func TestFollowHostname(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	names, unpolled := make(chan string), make(chan struct{})
	go func() {
		defer close(unpolled)
		pollHostname(ctx, 0, func() {
			name, _ := kernelHostname()
			select {
			case names <- name:
			case <-ctx.Done():
			}
		})
	}()
	for _, want := range []string{"one", "two", "one"} {
		if err := unix.Sethostname([]byte(want)); err != nil {
			t.Fatal(err)
		}
		for name := ""; name != want; {
			select {
			case name = <-names:
			case <-unpolled:
				t.Fatal("the kernel does not notify")
			}
		}
	}
	cancel()
	<-unpolled
}
