package tap

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

func watch(t *testing.T, taps *Taps) *Watcher {
	t.Helper()
	w, err := taps.Watch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func next(t *testing.T, w *Watcher) ([]Event, uint64) {
	t.Helper()
	events, missed, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return events, missed
}

func TestAllWhoWatchAreTold(t *testing.T) {
	t.Parallel()
	taps := new(Taps)
	taps.Tell(&Event{Reason: "before anybody watches"})
	one, other := watch(t, taps), watch(t, taps)
	reply := []byte("first")
	taps.Tell(&Event{Reason: "1", Reply: reply})
	copy(reply, "other") // as a path does that uses its memory again
	taps.Tell(&Event{Reason: "2", Reply: reply})
	for _, w := range []*Watcher{one, other} {
		events, missed := next(t, w)
		if len(events) != 2 || missed != 0 || string(events[0].Reply) != "first" || string(events[1].Reply) != "other" || events[1].Reason != "2" {
			t.Errorf("got %v, %d missed", events, missed)
		}
	}
	one.Close()
	one.Close()
	taps.Tell(&Event{Reason: "3"})
	if events, _ := next(t, other); len(events) != 1 || events[0].Reason != "3" {
		t.Errorf("after another one has gone: %v", events)
	}
	other.Close()
	if taps.Watched() {
		t.Error("nobody is left, and yet they are told")
	}
}

// A reader that does not read costs a bounded amount of memory, and learns how
// much it missed.
func TestWhatHasNoRoomIsCounted(t *testing.T) {
	t.Parallel()
	text := []*dns.EDNS0_EDE{{ExtraText: strings.Repeat("t", maxBytes/8)}}
	tests := []struct {
		name  string
		event Event
		want  int
	}{
		{"small ones", Event{Reply: make([]byte, 12)}, maxEvents},
		{"without a reply", Event{}, maxEvents},
		{"large replies", Event{Reply: make([]byte, maxBytes/10)}, 10},
		{"large texts", Event{Extended: text}, 8},
		{"one that alone is more than there is room for", Event{Reply: make([]byte, maxBytes+1)}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			taps := new(Taps)
			w := watch(t, taps)
			const told = 2 * maxEvents
			for round := range uint64(2) { // the second buffer too
				for range told {
					taps.Tell(&tt.event)
				}
				events, missed := next(t, w)
				if len(events) != tt.want || missed != told-uint64(tt.want) {
					t.Errorf("%d events and %d missed, want %d of %d", len(events), missed, tt.want, told)
				}
				if got, want := taps.Stats(), (Stats{1, (round + 1) * missed}); got != want {
					t.Errorf("the counts are %+v, want %+v", got, want)
				}
				for _, e := range events {
					if !bytes.Equal(e.Reply, tt.event.Reply) {
						t.Fatal("a reply is not the one told")
					}
				}
			}
		})
	}
}

func TestMissedAreToldOnce(t *testing.T) {
	t.Parallel()
	taps := new(Taps)
	w := watch(t, taps)
	for range maxEvents + 5 {
		taps.Tell(new(Event))
	}
	if _, missed := next(t, w); missed != 5 {
		t.Errorf("%d missed, want 5", missed)
	}
	taps.Tell(new(Event))
	if events, missed := next(t, w); len(events) != 1 || missed != 0 {
		t.Errorf("then %d and %d missed, want 1 and none", len(events), missed)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	taps := new(Taps)
	w := watch(t, taps)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	ended := make(chan error)
	go func() { _, _, err := w.Next(ctx); ended <- err }()
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("who waits gets %v, want %v", err, why)
	}
	taps.Tell(new(Event))
	if _, _, err := w.Next(ctx); !errors.Is(err, why) {
		t.Errorf("with something to read: %v, want %v", err, why)
	}
}

func TestWatchersAreBounded(t *testing.T) {
	t.Parallel()
	taps := new(Taps)
	for range MaxWatchers {
		watch(t, taps)
	}
	if _, err := taps.Watch(); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more gets %v, want %v", err, ErrTooMany)
	}
	taps.current()[3].Close()
	if _, err := taps.Watch(); err != nil {
		t.Errorf("after one has gone: %v", err)
	}
}

// Each event is told or counted, whoever comes and goes.
func TestNothingIsLostUncounted(t *testing.T) {
	t.Parallel()
	taps := new(Taps)
	w := watch(t, taps)
	const tellers, each = 4, 5000
	var telling sync.WaitGroup
	for range tellers {
		telling.Go(func() {
			for range each {
				taps.Tell(&Event{Reply: []byte("reply")})
			}
		})
	}
	telling.Go(func() {
		for range 100 {
			passing, err := taps.Watch()
			if err != nil {
				t.Error(err)
				return
			}
			passing.Close()
		}
	})
	for got := uint64(0); got < tellers*each; {
		events, missed := next(t, w)
		got += uint64(len(events)) + missed
		for _, e := range events {
			if string(e.Reply) != "reply" {
				t.Fatalf("the reply is %q", e.Reply)
			}
		}
	}
	telling.Wait()
}

func TestTellingAllocatesNothing(t *testing.T) {
	taps := new(Taps)
	w := watch(t, taps)
	e := &Event{Reply: make([]byte, 100)}
	fill := func() {
		for range maxEvents {
			taps.Tell(e)
		}
		next(t, w)
	}
	fill() // both buffers get their size
	fill()
	if n := testing.AllocsPerRun(10, fill); n != 0 {
		t.Errorf("%v allocations for %d events", n, maxEvents)
	}
}

func TestQuestion(t *testing.T) {
	t.Parallel()
	m := new(dns.Msg)
	m.SetQuestion("WWW.Example.Org.", dns.TypeAAAA)
	asked, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		reply []byte
		ok    bool
	}{
		{"whole", asked, true},
		{"a header", asked[:12], false},
		{"nothing", nil, false},
		{"cut in the name", asked[:20], false},
		{"cut in the type", asked[:len(asked)-3], false},
	} {
		e := Event{Reply: tt.reply}
		name, qtype, ok := e.Question()
		if ok != tt.ok || ok && (name != "WWW.Example.Org." || qtype != dns.TypeAAAA) {
			t.Errorf("%s: got %s %d %v", tt.name, name, qtype, ok)
		}
	}
}
