package enable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

const (
	// answerTimeout is how long a daemon may take until it answers for this
	// machine, and applyTimeout until everything is applied then: it has tried
	// everything once before it reports that it is ready.
	answerTimeout = 15 * time.Second
	applyTimeout  = 5 * time.Second
	// pollInterval is the time between two attempts.
	pollInterval = 100 * time.Millisecond
	// lookupTimeout bounds one query to it.
	lookupTimeout = 2 * time.Second
)

// Enable executes a plan for that. What is not applied afterwards, though the
// daemon answers, is returned as an error and not undone: the daemon goes on
// trying.
func (m *Manager) Enable(ctx context.Context, p Plan) error {
	release, err := m.lock(p)
	if err != nil {
		return err
	}
	defer release()
	if !p.restart && m.running(ctx) {
		if err := await(ctx, answerTimeout, m.answers); err != nil {
			return err
		}
	}
	before, err := m.enabledKeys()
	if err != nil {
		return err
	}
	was, now, err := m.recordState(ctx, p.Keys)
	if err != nil {
		return err
	}
	if p.rewrite {
		if err := m.writeDropIn(p.Keys); err != nil {
			return errors.Join(err, m.saveRecord(was))
		}
	}
	if p.restart {
		if err := m.restart(ctx); err != nil {
			return errors.Join(err, m.rollBack(ctx, p, before, was, now))
		}
	}
	if p.edit {
		if err := m.nameService().edit(p.resolve); err != nil {
			return err
		}
	}
	if !p.restart {
		return nil
	}
	return m.applied(ctx)
}

// rollBack undoes what was done before the daemon did not answer.
func (m *Manager) rollBack(ctx context.Context, p Plan, before []string, was, now record) error {
	if !p.rewrite {
		return nil // it was enabled earlier
	}
	// That the user interrupted it may be why, and must not end this too.
	_, err := m.removeKeys(context.WithoutCancel(ctx), before, without(p.Keys, before), now)
	if err == nil {
		err = m.saveRecord(was)
	}
	return errors.Join(err, errors.New("the changes of this command are undone"))
}

// without returns the keys that are not among some.
func without(keys, some []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return slices.Contains(some, key) })
}

// restart has the daemon take over the configuration, and waits until it answers.
func (m *Manager) restart(ctx context.Context) error {
	for _, verb := range []string{"enable", "restart"} {
		if err := machine.Systemctl(ctx, verb); err != nil {
			return err
		}
	}
	return await(ctx, answerTimeout, m.answers)
}

// await calls what until it succeeds, and returns its last error other than the
// timeout.
func await(ctx context.Context, timeout time.Duration, what func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		last := what(ctx)
		if last == nil {
			return nil
		}
		if err == nil || ctx.Err() == nil {
			err = last
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pollInterval):
		}
	}
}

// answers fails unless the daemon answers for this machine's name, as a program
// would query it.
func (m *Manager) answers(ctx context.Context) error {
	status, err := m.Status(ctx)
	if err != nil {
		return err
	}
	if status.State == nodedns.StateStarting {
		return errors.New("the daemon does not get ready")
	}
	// It waits for an address that is not there, for as long as that takes.
	if waiting := status.ListenerStatus; len(status.Listeners) == 0 && len(waiting) > 0 {
		return fmt.Errorf("the daemon answers nowhere: %s: %s", waiting[0].Addr, waiting[0].Error)
	}
	for _, l := range status.Listeners {
		if !l.Addr().IsLoopback() {
			continue // its own address may be none of the clients that are allowed
		}
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		_, err = dnsclient.Lookup(ctx, l, string(m.ID))
		cancel()
		if err != nil {
			return fmt.Errorf("ask the daemon at %s for %s: %w", l, m.ID, err)
		}
	}
	return nil
}

// applied fails unless the daemon has done what was asked for.
func (m *Manager) applied(ctx context.Context) error {
	return await(ctx, applyTimeout, func(ctx context.Context) error {
		status, err := m.Status(ctx)
		if err != nil {
			return err
		}
		var failed []error
		for _, f := range status.Files {
			if f.Error != "" {
				failed = append(failed, errors.New(f.Error))
			}
		}
		if v := status.Varlink; v != nil && v.Error != "" {
			failed = append(failed, errors.New(v.Error))
		}
		if r := status.ResolvConf; r != nil && r.Mode == resolvconf.ModeStub && r.State != resolvconf.StateStub {
			failed = append(failed, fmt.Errorf("%s does not point here yet: %s", r.Path, r.Error))
		}
		if len(failed) > 0 {
			failed = append(failed, errors.New("the rest is enabled, and nodedns goes on trying; see nodedns status"))
		}
		return errors.Join(failed...)
	})
}

// recordState saves what is to be undone, before anything is done. It returns
// the record that there was, and one of how the service is now.
func (m *Manager) recordState(ctx context.Context, keys []string) (was, now record, err error) {
	was, found, err := m.loadRecord()
	if err != nil {
		return was, now, err
	}
	if m.systemd() {
		if now.UnitActive, now.UnitEnabled, err = machine.UnitState(ctx); err != nil {
			return was, now, err
		}
	}
	_, err = os.Stat(filepath.Dir(m.dropIn()))
	now.MadeDir = errors.Is(err, fs.ErrNotExist)
	r := was
	if !found {
		r = now
	}
	r.Keys = slices.Concat(was.Keys, keys)
	return was, now, m.saveRecord(r)
}
