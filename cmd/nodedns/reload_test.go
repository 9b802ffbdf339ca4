package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/resolver/inspect"
)

// Each reload takes what it can, and reports what it cannot.
func TestReload(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var log logbook
	d := m.daemon(&log)
	d.service.Zone().SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.10")})
	ttl := func() uint32 {
		t.Helper()
		answer, err := inspect.Inspector{Server: d.service.Resolver()}.Query(t.Context(), nodeID+".nodes.example", "A")
		if err != nil || len(answer.Records) == 0 {
			return 0
		}
		return answer.Records[0].TTL
	}
	const domain = "zone.domains = [\"nodes.example\"]\n"
	steps := []struct {
		name, lines string
		ttl         uint32
		fine        bool // as the metrics have it
		says        []string
		never       string
	}{
		{
			"good", domain + `zone.ttl = "77s"`, 77, true,
			[]string{`msg="configuration reloaded" changed="[zone.domains zone.ttl]"`},
			"restart",
		},
		{
			"nothing new", domain + `zone.ttl = "77s"`, 77, true,
			[]string{`changed=[]`},
			"restart",
		},
		{
			"wrong", domain + "zone.ttl = \"88s\"\nzone.colour = 1\nzone.shape = 2\n", 77, false,
			[]string{"nodedns.toml:11: zone.colour", "nodedns.toml:12: zone.shape", "the running one stays"},
			"msg=\"configuration reloaded",
		},
		{
			"not for this machine", domain + "zone.ttl = \"88s\"\ncurator.insecure = true\ncurator.endpoints = [\"127.0.0.1:1\", \"192.0.2.1:1\"]\n", 77, false,
			[]string{"curator.insecure"},
			"msg=\"configuration reloaded",
		},
		{
			"in part", domain + "zone.ttl = \"99s\"\nfiles.hostname = false\n", 99, true,
			[]string{`changed=[zone.ttl]`, "level=WARN", "keys=[files.hostname]"},
			"level=ERROR",
		},
		{
			"in part, once more", domain + "zone.ttl = \"99s\"\nfiles.hostname = false\nlog.level = \"warn\"\n", 99, true,
			[]string{"keys=[files.hostname]"},
			"msg=\"configuration reloaded",
		},
		{
			"back", "log.level = \"info\"", 0, true,
			[]string{`changed="[zone.domains zone.ttl log.level]"`},
			"restart",
		},
	}
	for _, step := range steps {
		before, loaded := len(log.String()), d.loads.Load().at
		m.configure(step.lines)
		_, err := d.reload(t.Context())
		if (err == nil) != step.fine {
			t.Errorf("%s: the reload returns %v", step.name, err)
		}
		if last := d.service.Status().LastReload; last == nil || (last.Error == "") != step.fine || err != nil && last.Error != err.Error() {
			t.Errorf("%s: the status has %+v, the reload returned %v", step.name, last, err)
		}
		said := log.String()[before:]
		for _, text := range step.says {
			if !strings.Contains(said, text) {
				t.Errorf("%s: the log lacks %q:\n%s", step.name, text, said)
			}
		}
		if strings.Contains(said, step.never) {
			t.Errorf("%s: the log has %q:\n%s", step.name, step.never, said)
		}
		if got := ttl(); got != step.ttl {
			t.Errorf("%s: the TTL is %d, want %d", step.name, got, step.ttl)
		}
		if got := d.loads.Load(); got.ok != step.fine || got.at.After(loaded) != step.fine {
			t.Errorf("%s: it was loaded at %v, fine %v, want %v, before %v", step.name, got.at, got.ok, step.fine, loaded)
		}
	}
}

// The mode is that of a file which only a restart turns on, or moves.
func TestReloadOfAnotherResolvConf(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.options = append(m.options, "--dns.listen", "127.0.0.53:53")
	m.configure(`files.resolv_conf = ""`)
	var log logbook
	d := m.daemon(&log)
	m.configure("zone.ttl = \"99s\"\nfiles.resolv_conf_mode = \"stub\"")
	if _, err := d.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	said := log.String()
	for _, text := range []string{"changed=[zone.ttl]", "keys=[files.resolv_conf]"} {
		if !strings.Contains(said, text) {
			t.Errorf("the log lacks %q:\n%s", text, said)
		}
	}
	if strings.Contains(said, "level=ERROR") {
		t.Errorf("the rest was refused as well:\n%s", said)
	}
}

// A file that is gone is no reason to lose the configuration.
func TestReloadWithoutFile(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var log logbook
	d := m.daemon(&log)
	if err := os.Remove(m.path("nodedns.toml")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "nodedns.toml") {
		t.Errorf("the error is %v", err)
	}
	if said := log.String(); !strings.Contains(said, "level=ERROR") || !strings.Contains(said, "nodedns.toml") {
		t.Errorf("the log does not name the file:\n%s", said)
	}
}

// A client that requests a reload gets the result, and the status keeps a
// refusal until the next one succeeds.
func TestReloadCommand(t *testing.T) {
	t.Parallel()
	r := newMachine(t).start()
	r.command("status").expect(t, exitOK, "state", "")
	if out := r.command("status", "--json").stdout; strings.Contains(out, "last_reload") {
		t.Errorf("nothing was reloaded yet:\n%s", out)
	}

	r.configure("zone.ttl = \"99s\"\nfiles.hostname = false\n")
	r.command("reload").expect(t, exitOK, "changed          zone.ttl\ntakes a restart  files.hostname\n", "")
	r.command("reload", "--json").expect(t, exitOK, `"changed": [],`, "")

	r.configure("zone.colour = 1\nzone.shape = 2\n")
	o := r.command("reload")
	o.expect(t, exitFailed, "", "nodedns: not reloaded: "+r.path("nodedns.toml")+":9: zone.colour: ")
	o.expect(t, exitFailed, "", "\nnodedns: "+r.path("nodedns.toml")+":10: zone.shape: ")
	if strings.Contains(o.stderr, "warning") {
		t.Errorf("it is said twice:\n%s", o.stderr)
	}
	r.command("status").expect(t, exitOK, "refused ", "warning: the configuration cannot be used")
	r.command("status").expect(t, exitOK, "nodedns.toml:10: zone.shape", "")
	r.command("status", "--json").expect(t, exitOK, `"error": "`+r.path("nodedns.toml")+`:9: zone.colour: `, "")

	r.configure("")
	r.command("reload").expect(t, exitOK, "zone.ttl", "")
	if o := r.command("status"); strings.Contains(o.stdout, "refused") || o.stderr != "" {
		t.Errorf("the refusal is over:\n%s%s", o.stdout, o.stderr)
	}
	r.command("status", "--json").expect(t, exitOK, `"error": ""`, "")
}

// What hangs is not waited for: not by the reload, nor by the end.
func TestReloadWhileReadingHangs(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var log logbook
	d := m.daemon(&log)
	d.reloadTimeout = 100 * time.Millisecond
	load := d.load
	release, reads := make(chan struct{}), make(chan struct{}, 10)
	d.load = func() (config.Config, error) {
		reads <- struct{}{}
		<-release
		return load()
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx, nil) }()
	<-d.ready

	// One that is requested, and given up.
	if _, err := d.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "not done within 100ms") {
		t.Errorf("the first reload: %v", err)
	}
	// The next ones do not pile up behind it.
	_, err := d.reload(t.Context())
	if !errors.Is(err, errReloading) {
		t.Errorf("the second reload: %v", err)
	}
	if last := d.service.Status().LastReload; last == nil || last.Error != errReloading.Error() {
		t.Errorf("the status has %+v", last)
	}
	m.command("status").expect(t, exitOK, "an earlier reload", "")
	if n := len(reads); n != 1 {
		t.Errorf("%d of them read the files", n)
	}

	// It goes on when the file system does.
	close(release)
	d.reloadTimeout = patience
	if _, err := d.reload(t.Context()); err != nil {
		t.Errorf("the reload afterwards: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Neither is it when the end comes meanwhile.
func TestEndWhileReadingHangs(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	d := m.daemon(new(logbook))
	load := d.load
	release, reads := make(chan struct{}), make(chan struct{}, 1)
	t.Cleanup(func() { close(release) })
	d.load = func() (config.Config, error) {
		reads <- struct{}{}
		<-release
		return load()
	}
	ctx, cancel := context.WithCancel(t.Context())
	reloads := make(chan os.Signal, 1)
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx, reloads) }()
	reloads <- unix.SIGHUP
	<-reads
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if last := d.service.Status().LastReload; last != nil {
		t.Errorf("the status has %+v, for a reload that is no longer wanted", last)
	}
}

// A FIFO among the drop-ins is refused by its name, at the start and later, and
// the end does not wait for its writer.
func TestFIFOAmongDropIns(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	fifo := m.path("nodedns.d/50-pipe.toml")
	m.write("nodedns.d/10.toml", "")
	r := m.start()
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	m.command("reload").expect(t, exitFailed, "", "not reloaded: read the configuration: read "+fifo+": not a regular file, but a FIFO; ")
	m.command("status").expect(t, exitOK, fifo, "warning")
	m.command("check").expect(t, exitUsage, "", fifo)
	r.end().expect(t, exitOK, "", "msg=stopping")
	m.command("run").expect(t, exitUsage, "", fifo)
}

// The end is not waited for either while the start reads.
func TestEndWhileStarting(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	reading := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := startDaemon(ctx, func() (config.Config, error) {
			close(reading)
			<-release
			return config.Config{}, errors.New("late")
		}, new(logbook), nil)
		ended <- err
	}()
	<-reading
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Before the start is over there is nothing to be reloaded.
func TestReloadBeforeReady(t *testing.T) {
	t.Parallel()
	d := newMachine(t).daemon(new(logbook))
	if _, err := d.reloadOnRequest(t.Context()); !errors.Is(err, errStarting) {
		t.Errorf("before it is ready: %v", err)
	}
}
