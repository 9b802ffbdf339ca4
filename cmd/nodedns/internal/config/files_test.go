package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// writeFiles makes a configuration file with drop-ins, and returns its path.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "n.toml")
}

func TestDropIns(t *testing.T) {
	t.Parallel()
	path := writeFiles(t, map[string]string{
		"n.toml": "zone.ttl = \"1s\"\nzone.domains = [\"a.example\", \"b.example\"]\nlog.level = \"warn\"\n" +
			"[[upstream.route]]\ndomains = [\"a.example\"]\nservers = []\n",
		"n.d/20-b.toml":    "zone.ttl = \"3s\"\n",
		"n.d/10-a.toml":    "[zone]\nttl = \"2s\"\ndomains = [\"c.example\"]\n[[upstream.route]]\ndomains = [\"d.example\"]\nservers = []\n",
		"n.d/.30-c.toml":   "zone.ttl = \"4s\"\n",
		"n.d/40-d.toml.bk": "zone.ttl = \"5s\"\n",
	})
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.DNS.TTL != 3*time.Second || c.Log.Level.String() != "WARN" {
		t.Errorf("got TTL %v and level %v", c.DNS.TTL, c.Log.Level)
	}
	if fmt.Sprint(c.DNS.Domains) != "[c.example]" {
		t.Errorf("got domains %v, want those of the drop-in only", c.DNS.Domains)
	}
	if len(c.DNS.Upstreams.Routes) != 1 || fmt.Sprint(c.DNS.Upstreams.Routes[0].Domains) != "[d.example]" {
		t.Errorf("got routes %v, want those of the drop-in only", c.DNS.Upstreams.Routes)
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	overrides := RegisterFlags(flags)
	if err := flags.Parse([]string{"--log.format=json"}); err != nil {
		t.Fatal(err)
	}
	origins, err := Origins(path, overrides)
	want := "[n.d/10-a.toml:3 n.d/20-b.toml:1 n.d/10-a.toml:4 n.toml:3 flag --log.format]"
	if got := strings.ReplaceAll(fmt.Sprint(origins), filepath.Dir(path)+"/", ""); err != nil || got != want {
		t.Errorf("got origins %s, error %v\nwant %s", got, err, want)
	}
}

func TestDropInsWithMistakes(t *testing.T) {
	t.Parallel()
	path := writeFiles(t, map[string]string{
		"n.toml":      "zone.ttl = \"no\"\n",
		"n.d/10.toml": "\nzone.ttl = \"2s\"\nzone.colour = 1\n",
		"n.d/20.toml": "log.level = \"loud\"\nfiles.resolv_conf = \"\"\nfiles.resolv_conf_mode = \"stub\"\n",
	})
	_, err := Load(path, nil)
	if err == nil {
		t.Fatal("nothing is wrong with it")
	}
	dir := filepath.Dir(path) + "/"
	var got []string
	for line := range strings.SplitSeq(strings.ReplaceAll(err.Error(), dir, ""), "\n") {
		file, _, _ := strings.Cut(line, ": ")
		got = append(got, file)
	}
	if want := "n.toml:1 n.d/10.toml:3 n.d/20.toml:1 n.d/20.toml:3"; strings.Join(got, " ") != want {
		t.Errorf("got\n%v\nwant problems at %s", err, want)
	}
	if err := os.Chmod(dir+"n.d", 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir+"n.d", 0o700) })
	if _, err := os.ReadDir(dir + "n.d"); err == nil {
		return // root reads everything
	}
	if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), "n.d") {
		t.Errorf("got error %v, want one about the directory", err)
	}
}

func TestDropInsAreBounded(t *testing.T) {
	t.Parallel()
	files := map[string]string{"n.toml": ""}
	for i := range maxDropIns + 1 {
		files[fmt.Sprintf("n.d/%d.toml", i)] = ""
	}
	if _, err := Load(writeFiles(t, files), nil); err == nil || !strings.Contains(err.Error(), "101 files") {
		t.Errorf("got error %v, want one about their number", err)
	}
}

func TestDropInsOfAnyName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":            "/etc/nodedns/nodedns.d",
		"/srv/a.toml": "/srv/a.d",
		"b.conf":      "b.conf.d",
	} {
		if got := DropIns(path); got != want {
			t.Errorf("%q has %s, want %s", path, got, want)
		}
	}
}

// What is no file is refused by its name, and never waited for.
func TestNoFiles(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path string) error{
		"n.toml":        func(path string) error { return unix.Mkfifo(path, 0o600) },
		"n.d":           func(path string) error { return unix.Mkfifo(path, 0o600) },
		"n.d/50-a.toml": func(path string) error { return unix.Mkfifo(path, 0o600) },
		"n.d/60-b.toml": func(path string) error { return os.Mkdir(path, 0o700) },
		"n.d/70-c.toml": func(path string) error { return os.Symlink("/dev/zero", path) },
		"n.d/80-d.toml": func(path string) error { return os.Symlink("absent", path) },
	} {
		files := map[string]string{"n.toml": "zone.ttl = \"3s\"\n", "n.d/10.toml": ""}
		if name == "n.d" {
			delete(files, "n.d/10.toml")
		}
		main := writeFiles(t, files)
		path := filepath.Join(filepath.Dir(main), name)
		_ = os.Remove(path) // where there is a file
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(main, nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got error %v, want one that names it", name, err)
		}
		if want := 3 * time.Second; name != "n.toml" && Understood(main, nil).DNS.TTL != want {
			t.Errorf("%s: what is right beside it is not understood", name)
		}
	}
}
