package curator

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

var (
	errLost = errors.New("lost")
	marker  = &curatorpb.WatchEvent{Progress: curatorpb.WatchEvent_PROGRESS_LAST_BACKLOGGED}
	oneNode = &curatorpb.WatchEvent{Nodes: []*curatorpb.Node{{Id: "a"}}}
	buried  = &curatorpb.WatchEvent{NodeTombstones: []*curatorpb.WatchEvent_NodeTombstone{{NodeId: "a"}}}
)

// step is one thing that a scripted source does.
type step struct {
	pause time.Duration
	event *curatorpb.WatchEvent // nil: only the pause
}

// script is a source that does its steps and then fails with errLost.
func script(steps []step) source {
	return func(ctx context.Context, deliver delivery) error {
		for _, s := range steps {
			retry.Sleep(ctx, s.pause)
			if s.event != nil && !deliver(s.event, nil) {
				return ctx.Err()
			}
		}
		return errLost
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	const begin = "connected true, begin, "
	const end = ", connected false"
	for name, test := range map[string]struct {
		steps []step
		story string
		err   error
	}{
		"fails at once":             {nil, "", errLost},
		"silent for too long":       {[]step{{firstEventTimeout + 1, oneNode}}, "", errSilent},
		"late, but not too late":    {[]step{{firstEventTimeout - 1, marker}}, begin + "complete" + end, errLost},
		"empty backlog":             {[]step{{0, marker}}, begin + "complete" + end, errLost},
		"backlog in chunks":         {[]step{{0, oneNode}, {0, oneNode}, {0, marker}}, begin + "set 1, set 1, complete" + end, errLost},
		"partial backlog":           {[]step{{0, oneNode}, {0, oneNode}}, begin + "set 1, set 1" + end, errLost},
		"tombstone in the backlog":  {[]step{{0, oneNode}, {0, buried}, {0, marker}}, begin + "set 1, gone a, complete" + end, errLost},
		"changes":                   {[]step{{0, marker}, {time.Hour, oneNode}, {0, buried}}, begin + "complete, set 1, gone a" + end, errLost},
		"second marker":             {[]step{{0, marker}, {0, marker}}, begin + "complete" + end, errLost},
		"older curator":             {[]step{{0, oneNode}, {backlogIdleTimeout + 1, nil}}, begin + "set 1, settle" + end, errLost},
		"older curator, changes":    {[]step{{0, oneNode}, {backlogIdleTimeout + 1, buried}, {time.Hour, oneNode}, {time.Hour, nil}}, begin + "set 1, settle, gone a, set 1" + end, errLost},
		"chunks with pauses":        {[]step{{0, oneNode}, {backlogIdleTimeout - 1, oneNode}, {backlogIdleTimeout - 1, marker}}, begin + "set 1, set 1, complete" + end, errLost},
		"marker after a long pause": {[]step{{0, oneNode}, {backlogIdleTimeout + 1, marker}, {backlogIdleTimeout + 1, nil}}, begin + "set 1, settle, complete" + end, errLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRecorder()
				events, wanted := 0, 0
				for _, step := range test.steps {
					if step.event != nil {
						wanted++
					}
				}
				s := stream{
					sink:      r,
					authorize: func(*x509.Certificate) (*roster, error) { return &roster{proven: true}, nil },
					began:     func(*x509.Certificate) {},
					event:     func(*curatorpb.WatchEvent) { events++ },
					synced:    func(string, bool) {},
				}
				if err := s.run(t.Context(), script(test.steps)); !errors.Is(err, test.err) {
					t.Errorf("ended with %v, want %v", err, test.err)
				}
				if r.story() != test.story {
					t.Errorf("told\n%q, want\n%q", r.story(), test.story)
				}
				if test.story != "" && events != wanted {
					t.Errorf("counted %d events, want %d", events, wanted)
				}
			})
		})
	}
}

// The source is stopped and waited for when the context ends, also while it
// waits to hand an event on.
func TestStreamEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := newRecorder()
		s := stream{
			sink:      r,
			authorize: func(*x509.Certificate) (*roster, error) { return &roster{proven: true}, nil },
			began:     func(*x509.Certificate) { cancel() },
			event:     func(*curatorpb.WatchEvent) {},
			synced:    func(string, bool) {},
		}
		returned := false
		err := s.run(ctx, func(ctx context.Context, deliver delivery) error {
			for deliver(oneNode, nil) {
			}
			returned = true
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) || !returned {
			t.Errorf("ended with %v, source returned: %v", err, returned)
		}
		if r.connected {
			t.Error("still connected")
		}
	})
}
