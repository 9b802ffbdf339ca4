package hostsfile

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone"
)

// Applied is the snapshot that the hosts file was last brought up to date with,
// or nil before that. It is what the file can be compared with: a newer one may
// be waiting for its write.
func (k *Keeper) Applied() *zone.Snapshot { return k.applied.Load() }

// CheckSelf looks this machine's own name up in the hosts file, as glibc does
// when no resolver answers, and reports why it is not found with the addresses
// that the snapshot has. While there are none, or the file is turned off,
// there is nothing to find.
func (k *Keeper) CheckSelf(snap *zone.Snapshot) error {
	local := snap.Local()
	var want []netip.Addr
	for addr := range local.Addrs() {
		want = append(want, addr)
	}
	if k.hosts == nil || len(want) == 0 {
		return nil
	}
	now, err := k.file.Read()
	if err != nil {
		return fmt.Errorf("look up %s: %w", k.cfg.ID, err)
	}
	found := hostsformat.Lookup(now.Bytes, string(k.cfg.ID))
	var failed []error
	for _, addr := range want {
		if !slices.Contains(found, addr) {
			failed = append(failed, fmt.Errorf("look up %s in %s: address %s is missing", k.cfg.ID, k.file, addr))
		}
	}
	for _, addr := range found {
		if !slices.Contains(want, addr) {
			failed = append(failed, fmt.Errorf("look up %s in %s: a line of the user gives it the address %s; remove that line",
				k.cfg.ID, k.file, addr))
		}
	}
	return errors.Join(failed...)
}
