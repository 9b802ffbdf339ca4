package saved

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/internal/retry"
)

// AddressesName is the name of the file that [Addresses] keeps: one address on each
// line, and whether a default route led to it.
const AddressesName = "addresses"

const (
	// maxAddresses is how many addresses this machine may have, as the zone has it.
	maxAddresses = 2
	// maxAddressesFile is the most that a file of ours has.
	maxAddressesFile = 128
)

// Addresses keeps the addresses that were published as this machine's, so that after
// a restart the same ones are while they are good. It is no source of addresses:
// which the machine has is the kernel's to say.
type Addresses struct {
	path string // of the file
	set  retry.Hint

	mu    sync.Mutex
	addrs []Address
}

// Address is one that was published.
type Address struct {
	netip.Addr
	// ByRoute is whether it was chosen by a default route. One that was not is no
	// reason to leave what a route leads to.
	ByRoute bool
}

// byRoute is behind an address that was chosen by a default route.
const byRoute = " by-route"

// NewAddresses returns those of a state directory. Nothing is read or written yet.
func NewAddresses(dir string) *Addresses {
	return &Addresses{path: filepath.Join(dir, AddressesName), set: retry.NewHint()}
}

// Load returns the addresses of the file; none, without an error, where it is missing.
// They are unchecked hints.
func (a *Addresses) Load() ([]Address, error) {
	text, err := osfile.Read(a.path, maxAddressesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load the addresses of this machine: %w", err)
	}
	var addrs []Address
	for line := range strings.Lines(string(text)) {
		text, routed := strings.CutSuffix(strings.TrimSuffix(line, "\n"), byRoute)
		addr, err := netip.ParseAddr(text)
		if err != nil || len(addrs) == maxAddresses {
			return nil, fmt.Errorf("load the addresses of this machine: %s has %.64q, want at most %d lines with an address each; the file can be removed",
				a.path, line, maxAddresses)
		}
		addrs = append(addrs, Address{addr, routed})
	}
	return addrs, nil
}

// Set takes the addresses that are published now. It may be called from any
// goroutine, and does not block.
func (a *Addresses) Set(addrs []Address) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addrs = addrs
	a.set.Send()
}

// Run writes the file when the addresses change, at most once a second, until ctx
// ends; then it writes what is pending, and returns nil. It returns an error when the
// file can't be written; calling it again makes up for it.
func (a *Addresses) Run(ctx context.Context) error {
	written, _ := a.Load() // if they can't be read they are written
	for {
		a.mu.Lock()
		addrs := a.addrs
		a.mu.Unlock()
		if len(addrs) > 0 && !slices.Equal(addrs, written) {
			if err := a.write(addrs); err != nil {
				return err
			}
			written = addrs
			retry.Sleep(ctx, time.Second)
			continue // there may be others by now
		}
		if ctx.Err() != nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-a.set:
		}
	}
}

func (a *Addresses) write(addrs []Address) error {
	var b strings.Builder
	for _, addr := range addrs {
		b.WriteString(addr.String())
		if addr.ByRoute {
			b.WriteString(byRoute)
		}
		b.WriteByte('\n')
	}
	if err := osfile.WriteRecord(a.path, []byte(b.String())); err != nil {
		return fmt.Errorf("save the addresses of this machine in %s: %w", a.path, err)
	}
	return nil
}
