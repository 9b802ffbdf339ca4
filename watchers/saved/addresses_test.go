package saved

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAddressesSurviveARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := NewAddresses(filepath.Join(t.TempDir(), "state"))
		if addrs, err := kept.Load(); err != nil || addrs != nil {
			t.Fatalf("%v, %v without a file", addrs, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- kept.Run(ctx) }()
		kept.Set([]Address{{netip.MustParseAddr("10.0.0.2"), true}})
		time.Sleep(time.Minute)
		want := []Address{{netip.MustParseAddr("10.0.0.3"), true}, {netip.MustParseAddr("2001:db8::3"), false}}
		kept.Set(want)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if addrs, err := kept.Load(); err != nil || !slices.Equal(addrs, want) {
			t.Errorf("%v, %v, want %v", addrs, err, want)
		}
	})
}

// What changes while a write is held back is not lost at the end.
func TestAddressesOfTheLastSecondAreWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := NewAddresses(filepath.Join(t.TempDir(), "state"))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- kept.Run(ctx) }()
		kept.Set([]Address{{netip.MustParseAddr("10.0.0.2"), true}})
		synctest.Wait()
		want := []Address{{netip.MustParseAddr("10.0.0.3"), true}}
		kept.Set(want)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if addrs, err := kept.Load(); err != nil || !slices.Equal(addrs, want) {
			t.Errorf("%v, %v, want %v", addrs, err, want)
		}
	})
}

// A damaged file costs nothing but what it had, and is replaced.
func TestAddressesFromADamagedFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"10.0.0.2", "10.0.0.2\nx\n", "\n", "10.0.0.2 by-luck\n", "10.0.0.1\n10.0.0.2\n10.0.0.3\n", strings.Repeat("0", 1000)} {
		kept := NewAddresses(t.TempDir())
		if err := os.WriteFile(kept.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		addrs, err := kept.Load()
		if whole := text == "10.0.0.2"; whole != (err == nil) || whole != (len(addrs) == 1) {
			t.Errorf("%.20q: %v, %v", text, addrs, err)
		}
	}
	kept := NewAddresses(t.TempDir())
	if err := os.Mkdir(kept.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Load(); err == nil || !strings.Contains(err.Error(), kept.path) {
		t.Errorf("a directory: %v", err)
	}
}
