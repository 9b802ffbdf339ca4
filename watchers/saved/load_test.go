package saved

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nodedns/nodedns/zone"
)

func addrs(ips ...string) (list []netip.Addr) {
	for _, ip := range ips {
		list = append(list, netip.MustParseAddr(ip))
	}
	return list
}

// sample returns the bytes of a small file.
func sample(tb testing.TB) []byte {
	tb.Helper()
	out := &sink{}
	e, err := newEncoder(out, header{cluster: "A", prefix: string(zone.DefaultPrefix), at: time.Unix(1_800_000_000, 0), nodes: 4})
	if err != nil {
		tb.Fatal(err)
	}
	for _, n := range []node{
		{key: [16]byte{15: 1}, parts: has4, v4: [4]byte{10, 0, 0, 1}, roles: zone.ConsensusMember, state: zone.StateUp, port: 7835},
		{key: [16]byte{15: 2}, parts: has6 | named, v6: netip.MustParseAddr("2001:db8::2").As16(), names: "\x01\x03\x05web-2"},
		{key: [16]byte{15: 3}, parts: has4 | has6 | departed | owned4 | owned6, v4: [4]byte{10, 0, 0, 3}, v6: netip.MustParseAddr("2001:db8::3").As16(), since: 1_700_000_000, counted: 3600},
		{parts: has4 | named | fromFile | free, v4: [4]byte{10, 0, 0, 4}, names: "\x02\x00\x03nas\x00\x08nas.home"},
	} {
		if err := e.node(&n); err != nil {
			tb.Fatal(err)
		}
	}
	if err := e.close(); err != nil {
		tb.Fatal(err)
	}
	return out.bytes
}

type sink struct{ bytes []byte }

func (s *sink) Write(b []byte) (int, error) {
	s.bytes = append(s.bytes, b...)
	return len(b), nil
}

// resummed returns a file with the right checksum for its content.
func resummed(content []byte) []byte {
	content = content[:len(content)-sumSize]
	return binary.BigEndian.AppendUint32(slices.Clone(content), crc32.Checksum(content, castagnoli))
}

func write(t *testing.T, dir string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, FileName), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoadSample(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	write(t, p.Path, sample(t))
	p.mustLoad()
	want := []string{
		"[]  unknown 0",
		"1[10.0.0.1] consensus-member up 7835",
		"2[2001:db8::2]  unknown 0 web-2 of the cluster",
		"3[10.0.0.3 2001:db8::3]  unknown 0 departed 2023-11-14 22:13:20 1h0m0s",
		"nas[10.0.0.4]  unknown 0 nas nas.home from a file",
	}
	if got := p.zone(); !slices.Equal(got, want) {
		t.Errorf("zone %q, want %q", got, want)
	}
	if got := p.Store.Snapshot().Cluster().DataSince; !got.Equal(time.Unix(1_800_000_000, 0)) {
		t.Errorf("the zone's data is of %v", got)
	}
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.mustLoad()
	if p.Store.Snapshot().Ready() {
		t.Error("the zone is ready without a file")
	}
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	good := sample(t)
	versioned := func(v byte) []byte {
		b := slices.Clone(good)
		b[len(magic)+1] = v
		return resummed(b)
	}
	tests := map[string]struct {
		content []byte
		reason  error
	}{
		"empty":                    {nil, ErrDamaged},
		"text":                     {[]byte("127.0.0.1 localhost\n"), ErrDamaged},
		"version 0":                {versioned(0), ErrDamaged},
		"earlier version":          {versioned(oldest - 1), ErrOld},
		"later version":            {versioned(version + 1), ErrVersion},
		"trailing byte":            {append(slices.Clone(good), 0), ErrDamaged},
		"too many nodes":           {replaced(good, "\x00\x00\x00\x04\x00", "\xff\xff\xff\xff\x00"), ErrDamaged},
		"one more node":            {replaced(good, "\x00\x00\x00\x04\x00", "\x00\x00\x00\x05\x00"), ErrDamaged},
		"one node less":            {replaced(good, "\x00\x00\x00\x04\x00", "\x00\x00\x00\x03\x00"), ErrDamaged},
		"other prefix":             {replaced(good, "metropolis-", "kosmopolis-"), ErrPrefix},
		"the same twice":           {replaced(good, "\x02\x22\x00\x00", "\x01\x22\x00\x00"), ErrDamaged},
		"owned, without":           {replaced(good, "\x01\x01\x01\x03", "\x01\x11\x01\x03"), ErrDamaged},
		"unknown parts":            {replaced(versioned(3), "\x01\x01\x01\x03", "\x01\x41\x01\x03"), ErrDamaged},
		"no names":                 {replaced(good, "\x01\x03\x05web-2", "\x00\x03\x05web-2"), ErrDamaged},
		"too many names":           {replaced(good, "\x01\x03\x05web-2", "\x11\x03\x05web-2"), ErrDamaged},
		"an empty name":            {replaced(good, "\x01\x03\x05web-2", "\x01\x03\x00"), ErrDamaged},
		"unknown marks":            {replaced(good, "\x01\x03\x05web-2", "\x01\x07\x05web-2"), ErrDamaged},
		"a free ID of the cluster": {replaced(good, "\x00\x03nas", "\x01\x03nas"), ErrDamaged},
		"a free ID, no name":       {replaced(good, "\x00\xe1", "\x00\xc1"), ErrDamaged},
		"a free ID and a key":      {replaced(good, "\x00\xe1", "\x01\xe1"), ErrDamaged},
		"a free ID out of order":   {replaced(good, "\x00\x03nas", "\x00\x03abc"), ErrDamaged},
		"long cluster ID":          {replaced(good, "\x01A", "\xffA"), ErrDamaged},
		"only its trailer":         {good[len(good)-sumSize:], ErrDamaged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, tt.content, tt.reason)
		})
	}
}

// replaced returns a file with one piece replaced and the checksum made right.
func replaced(content []byte, old, piece string) []byte {
	at := slices.Index(content, old[0])
	for string(content[at:at+len(old)]) != old {
		at++
	}
	return resummed(slices.Concat(content[:at], []byte(piece), content[at+len(old):]))
}

// requireRefused loads a bad file and checks that it leaves no trace but
// itself, aside, and the error.
func requireRefused(t *testing.T, content []byte, reason error) {
	t.Helper()
	p := start(t, t.TempDir())
	write(t, p.Path, content)
	serial := p.Store.Snapshot().Serial()
	err := p.Load()
	var refused *RefusedError
	if !errors.As(err, &refused) || !errors.Is(err, reason) {
		t.Fatalf("Load = %v, want a RefusedError of %v", err, reason)
	}
	if p.Store.Snapshot().Serial() != serial {
		t.Errorf("the zone changed to %v", p.zone())
	}
	if got, err := os.ReadFile(refused.Aside); err != nil || string(got) != string(content) {
		t.Errorf("the file set aside has %q (%v)", got, err)
	}
	if _, err := os.Stat(refused.Path); !os.IsNotExist(err) {
		t.Errorf("the bad file is still there (%v)", err)
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	good := sample(t)
	for size := range good {
		requireRefused(t, good[:size], ErrDamaged)
	}
}

// An upgrade while the cluster is out of reach keeps what the versions before saved.
func TestEarlierVersionsAreRead(t *testing.T) {
	t.Parallel()
	for version, parts := range map[byte]string{2: "\x07", 3: "\x1f"} {
		file := slices.Concat(
			[]byte(magic+"\x00"), []byte{version}, []byte("\x01A\x0bmetropolis-\x00\x00\x00\x00kI\xd2\x00\x00\x00\x00\x01"),
			make([]byte, 15), []byte("\x03"+parts+"\x00\x00\x00\x00eS\xf1\x00\x0a\x00\x00\x03"),
			addrs("2001:db8::3")[0].AsSlice(), []byte("\x00\x00\x0e\x10"), make([]byte, sumSize))
		p := start(t, t.TempDir())
		write(t, p.Path, resummed(file))
		p.mustLoad()
		want := "3[10.0.0.3 2001:db8::3]  unknown 0 departed 2023-11-14 22:13:20 1h0m0s"
		if got := p.zone(); len(got) != 2 || got[1] != want || !p.Store.Snapshot().Ready() {
			t.Errorf("version %d: loaded %q, want %q", version, got, want)
		}
	}
	later := sample(t)
	for _, version := range []byte{2, 3} {
		later[len(magic)+1] = version
		requireRefused(t, resummed(later), ErrDamaged)
	}
}

func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	good := sample(t)
	for bit := range 8 * len(good) {
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		reason := ErrDamaged
		if at := bit / 8; at == len(magic) || at == len(magic)+1 {
			switch v := bad[len(magic)+1]; {
			case at == len(magic) || v > version:
				reason = ErrVersion
			case v > 0 && v < oldest:
				reason = ErrOld
			}
		}
		requireRefused(t, bad, reason)
	}
}

func TestRefusedFilesAreKeptButFew(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for i := range byte(2 * keepRefused) {
		write(t, p.Path, []byte{i})
		if err := p.Load(); !errors.Is(err, ErrDamaged) {
			t.Fatalf("Load = %v", err)
		}
	}
	files, err := filepath.Glob(filepath.Join(p.Path, "*"))
	if err != nil || len(files) != keepRefused {
		t.Fatalf("%v (%v), want %d files", files, err, keepRefused)
	}
	for i, file := range files {
		content, err := os.ReadFile(file)
		if err != nil || content[0] != byte(2*keepRefused-1-i) {
			t.Errorf("%s has %v (%v): want the newest first", file, content, err)
		}
	}
}

func TestNotARegularFile(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	if err := os.Mkdir(filepath.Join(p.Path, FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.Load(); !errors.Is(err, ErrDamaged) {
		t.Errorf("Load = %v, want ErrDamaged", err)
	}
}

// Of a good file the zone rejects only invalid nodes.
func TestHostileAddresses(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	write(t, p.Path, replaced(sample(t), "\x0a\x00\x00\x01", "\x7f\x00\x00\x01"))
	p.mustLoad()
	if got := p.Store.Snapshot().Counts(); got.Quarantined != 1 || got.Live != 3 || got.Departed != 1 {
		t.Errorf("counts %+v, want the loopback address quarantined", got)
	}
}

// A name that the zone does not accept costs its node only that name, and a node that
// is known by it alone is refused.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	content := replaced(sample(t), "\x05web-2", "\x05../\n,")
	write(t, p.Path, replaced(content, "\x03nas\x00", "\x03\xffa \x00"))
	p.mustLoad()
	want := "2[2001:db8::2]  unknown 0"
	if got := p.zone(); len(got) != 4 || got[2] != want {
		t.Errorf("zone %q, want %q and none without a key", got, want)
	}
	if got := p.Store.Snapshot().Counts().Quarantined; got != 2 {
		t.Errorf("%d are refused, want 2", got)
	}
}

// A file that could not be written whole leaves the old one as it is, and no room
// taken.
func TestFailureInTheMiddleOfAWrite(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.mustLoad()
	content := sample(t)
	if err := os.WriteFile(p.file(), content, 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := p.replace(func(w io.Writer) error {
		_, err := w.Write(content[:len(content)/2])
		return errors.Join(err, full)
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), p.file()) {
		t.Errorf("error %v", err)
	}
	if now, err := os.ReadFile(p.file()); err != nil || !bytes.Equal(now, content) {
		t.Errorf("the file has %d bytes, %v; want the %d of before", len(now), err, len(content))
	}
	if files, _ := os.ReadDir(p.Path); len(files) != 1 {
		t.Errorf("%v: want nothing but the file", files)
	}
}

func TestFailedWrite(t *testing.T) {
	t.Parallel()
	p := start(t, filepath.Join(t.TempDir(), "missing"))
	p.backlog("A", live(1, "10.0.0.1"))
	if err := os.WriteFile(p.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, run := range map[string]func() error{"Load": p.Load, "Run": func() error { return p.Run(t.Context()) }} {
		if err := run(); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), "make the state directory") {
			t.Fatalf("%s = %v, want that there can be no directory", what, err)
		}
	}
	if err := os.Remove(p.Path); err != nil {
		t.Fatal(err)
	}
	p.mustLoad() // creates it
	inTheWay := filepath.Join(p.file()+".new", "in", "the", "way")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		t.Fatalf("Run = %v, want that the file cannot be replaced", err)
	}
	if err := os.RemoveAll(p.file() + ".new"); err != nil {
		t.Fatal(err)
	}
	// What a crash in the middle of a write has left behind.
	if err := os.WriteFile(p.file()+".new", []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx); err != nil {
		t.Fatalf("second Run: %v", err)
	}
	info, err := os.Stat(p.file())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want a file that only we can read", info, err)
	}
	if files, _ := os.ReadDir(p.Path); len(files) != 1 {
		t.Errorf("%v: want nothing but the file", files)
	}
}
