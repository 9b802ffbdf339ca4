package varlink

import (
	"context"
	"testing"
)

const subscribeCall = `{"method":"io.systemd.Resolve.Monitor.SubscribeQueryResults","parameters":{"later":true},"more":true}`

// fakeWatcher reports what it is sent.
type fakeWatcher struct {
	results chan QueryResult // a zero one is a missed result
	closed  chan struct{}
}

func newFakeWatcher() *fakeWatcher {
	return &fakeWatcher{make(chan QueryResult), make(chan struct{})}
}

func (w *fakeWatcher) Next(ctx context.Context) ([]QueryResult, uint64, error) {
	select {
	case r := <-w.results:
		if r.Name == "" {
			return nil, 1, nil
		}
		return []QueryResult{r}, 0, nil
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}

func (w *fakeWatcher) Close() { close(w.closed) }

// Shows io.systemd.Resolve Monitor.
func TestMonitor(t *testing.T) {
	t.Parallel()
	w := newFakeWatcher()
	s := newTestServer(t, Monitor(func() (QueryWatcher, error) { return w, nil }))
	start(t, s)
	c := dial(t, s)
	if got, want := c.call(subscribeCall), `{"parameters":{"ready":true},"continues":true}`; got != want {
		t.Errorf("first\n got %s\nwant %s", got, want)
	}
	for _, tt := range []struct {
		result QueryResult
		want   string
	}{
		{
			QueryResult{Name: "a.example", Class: 1, Type: 28, Answer: []Record{{"b.example", 1, 28, []byte{1, 2, 3}}}},
			`{"parameters":{"state":"success","question":[{"class":1,"type":28,"name":"a.example"}],` +
				`"answer":[{"rr":{"key":{"class":1,"type":28,"name":"b.example"}},"raw":"AQID"}]},"continues":true}`,
		},
		{
			QueryResult{Name: "a.example", Class: 1, Type: 1, Rcode: 3},
			`{"parameters":{"state":"rcode-failure","rcode":3,"question":[{"class":1,"type":1,"name":"a.example"}]},"continues":true}`,
		},
		{QueryResult{}, `{"parameters":{"state":"errno","errno":105,"question":[]},"continues":true}`},
	} {
		w.results <- tt.result
		if got, err := c.receive(); err != nil || got != tt.want {
			t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
		}
	}
	// A client that disconnects is detected without anything to report.
	c.Close()
	<-w.closed
}

func TestMonitorEnds(t *testing.T) {
	t.Parallel()
	w := newFakeWatcher()
	s := newTestServer(t, Monitor(func() (QueryWatcher, error) { return w, nil }))
	end := start(t, s)
	c := dial(t, s)
	c.call(subscribeCall)
	end()
	<-w.closed
	if reply, err := c.receive(); err == nil {
		t.Errorf("got %s, want the end", reply)
	}
}

// Shows io.systemd.Resolve Monitor.
func TestMonitorRefuses(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Monitor(func() (QueryWatcher, error) { return nil, ErrTooManyWatchers }))
	start(t, s)
	c := dial(t, s)
	// Behind a call with more there may be others, as behind every call.
	c.send(subscribeCall, subscribeCall, `{"method":"io.systemd.Resolve.Monitor.SubscribeQueryResults"}`)
	for _, want := range []string{
		failed("org.nodedns.TooManyWatchers", ""), failed("org.nodedns.TooManyWatchers", ""),
		failed("org.varlink.service.ExpectedMore", ""),
	} {
		if got, err := c.receive(); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	stranger := &Call{More: true}
	stranger.Peer.UID = 12345
	method := Monitor(nil).Methods["SubscribeQueryResults"]
	if _, err := method(t.Context(), stranger); err != ErrPermissionDenied {
		t.Errorf("another user gets %v", err)
	}
}
