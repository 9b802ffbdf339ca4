package listen

import (
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"syscall"
)

// Store keeps descriptors open beyond the end of this process, as the service
// manager's descriptor store does (sd_pid_notify_with_fds(3)). Its methods may be
// called concurrently.
type Store interface {
	// Inherited returns the descriptors that the process was started with; each
	// file has the name that it was kept under. They are the caller's to close. A
	// second call returns none.
	Inherited() []*os.File
	// Keep has descriptors kept under a name, besides those that are. The caller
	// may close its own ones at any time.
	Keep(name string, descriptors ...syscall.Conn) error
	// Discard has all that is kept under a name closed, and returns when it is.
	// There may be nothing.
	Discard(name string) error
}

// Handover passes sockets from one process to the next. While no process serves
// them, queries wait in them. The zero value passes on nothing.
type Handover struct {
	// Store keeps the sockets; nil: none does.
	Store Store
	// Inherited are used by the first Bind, which closes those that are not
	// sockets of its addresses.
	Inherited []*os.File
	// Logger gets what could not be kept, and what was closed. It may be nil only
	// if the other fields are.
	Logger *slog.Logger
}

// Bind is the function [Bind], but for addresses that have inherited sockets: they
// go on with those. The sockets are kept in the store until their address is lost,
// or Serve or Bind fails; what the store has beyond that is discarded, so that
// clients get an error from the kernel instead of waiting for a reply.
func (h *Handover) Bind(addrs []netip.AddrPort) (*Sockets, error) {
	from := h.takeInherited()
	from.claim(addrs)
	s, err := bindAll(addrs, h, from)
	from.claim(nil) // no listener has taken the rest
	if err != nil {
		return nil, err
	}
	for _, l := range s.listeners {
		l.keep()
	}
	return s, nil
}

// storePrefix begins the names of all listeners in the store.
const storePrefix = "dns-"

// storeName is the name that a listener's sockets are kept under. A name in the
// store has no colon.
func storeName(addr netip.AddrPort) string {
	return storePrefix + strings.ReplaceAll(addr.String(), ":", "_")
}

// discard discards what is kept under a name, if anything may be.
func (h *Handover) discard(name string) {
	if h.Store == nil {
		return
	}
	if err := h.Store.Discard(name); err != nil {
		h.Logger.Warn("sockets cannot be taken out of the service manager's descriptor store", "name", name, "error", err)
	}
}

// keep has the sockets of a listener that is bound kept.
func (l *listener) keep() {
	p := l.bound()
	if p == nil || l.handover.Store == nil {
		return
	}
	descriptors := []syscall.Conn{p.tcp}
	for _, socket := range p.udp {
		descriptors = append(descriptors, socket.conn)
	}
	name := storeName(l.status().Addr)
	if err := l.handover.Store.Keep(name, descriptors...); err != nil {
		l.handover.Logger.Warn("sockets are not kept over a restart", "name", name, "error", err)
	}
}

// discard ends keeping what keep had kept.
func (l *listener) discard() { l.handover.discard(storeName(l.status().Addr)) }
