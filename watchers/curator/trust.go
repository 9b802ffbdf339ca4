package curator

import (
	"fmt"

	"github.com/nodedns/nodedns/zone"
)

// Trust lets a node speak for the cluster, by an operator's decision, and has
// the curators contacted again. It is remembered across restarts until
// [Watcher.ResetAuthority]. It may be called at any time from any goroutine.
func (w *Watcher) Trust(node string) error {
	id, err := w.cfg.Prefix.Parse(node)
	if err != nil {
		return fmt.Errorf("trust %.80q: %w", node, err)
	}
	if err := w.authority.trust(id); err != nil {
		return err
	}
	w.reconnect()
	return nil
}

// ResetAuthority forgets which nodes may speak for the cluster, but for the pinned
// endpoints: the next contact is the first one. The nodes stay. It may be called
// at any time from any goroutine.
func (w *Watcher) ResetAuthority() {
	w.authority.reset()
	w.reconnect()
}

// SetRecoverAfter changes [Config.RecoverAfter]. It may be called at any time
// from any goroutine.
func (w *Watcher) SetRecoverAfter(after RecoverAfter) {
	w.authority.setRecovery(after.duration())
}

// reconnect ends what is under way, so that the node that answers is checked
// again.
func (w *Watcher) reconnect() { w.change(true, func(*levels) {}) }

func (a *authority) trust(id zone.ID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.trusted[id] && len(a.trusted) >= maxMembers {
		return fmt.Errorf("trust %s: %d nodes are trusted already: reset first", id, maxMembers)
	}
	a.trusted[id] = true
	a.log.Info("a node is trusted to speak for the cluster, by hand", "node", id)
	a.wake()
	return nil
}

func (a *authority) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget()
	a.loaded = true
	a.log.Info("who may speak for the cluster is forgotten, by hand: the next contact is the first one")
	a.wake()
}
