package querylog

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

func watch(t *testing.T, log *Log) *Watcher {
	t.Helper()
	w, err := log.Watch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func next(t *testing.T, w *Watcher) ([]Entry, uint64) {
	t.Helper()
	entries, missed, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return entries, missed
}

func TestEveryWatcherGetsEachEntry(t *testing.T) {
	t.Parallel()
	log := new(Log)
	log.Publish(&Entry{Reason: "before anybody watches"})
	one, other := watch(t, log), watch(t, log)
	reply := []byte("first")
	log.Publish(&Entry{Reason: "1", Reply: reply})
	copy(reply, "other") // as a path that reuses its memory does
	log.Publish(&Entry{Reason: "2", Reply: reply})
	for _, w := range []*Watcher{one, other} {
		entries, missed := next(t, w)
		if len(entries) != 2 || missed != 0 || string(entries[0].Reply) != "first" || string(entries[1].Reply) != "other" || entries[1].Reason != "2" {
			t.Errorf("got %v, %d missed", entries, missed)
		}
	}
	one.Close()
	one.Close()
	log.Publish(&Entry{Reason: "3"})
	if entries, _ := next(t, other); len(entries) != 1 || entries[0].Reason != "3" {
		t.Errorf("after another one has gone: %v", entries)
	}
	other.Close()
	if log.Watched() {
		t.Error("nobody is left, and yet they are told")
	}
}

// A reader that does not read costs a bounded amount of memory, and gets the
// number of entries that it missed.
func TestWhatHasNoRoomIsCounted(t *testing.T) {
	t.Parallel()
	text := []*dns.EDNS0_EDE{{ExtraText: strings.Repeat("t", maxBytes/8)}}
	tests := []struct {
		name  string
		entry Entry
		want  int
	}{
		{"small ones", Entry{Reply: make([]byte, 12)}, maxEntries},
		{"without a reply", Entry{}, maxEntries},
		{"large replies", Entry{Reply: make([]byte, maxBytes/10)}, 10},
		{"large texts", Entry{Extended: text}, 8},
		{"one that alone is more than there is room for", Entry{Reply: make([]byte, maxBytes+1)}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log := new(Log)
			w := watch(t, log)
			const told = 2 * maxEntries
			for round := range uint64(2) { // the second buffer too
				for range told {
					log.Publish(&tt.entry)
				}
				entries, missed := next(t, w)
				if len(entries) != tt.want || missed != told-uint64(tt.want) {
					t.Errorf("%d entries and %d missed, want %d of %d", len(entries), missed, tt.want, told)
				}
				if got, want := log.Stats(), (Stats{1, (round + 1) * missed}); got != want {
					t.Errorf("the counts are %+v, want %+v", got, want)
				}
				for _, e := range entries {
					if !bytes.Equal(e.Reply, tt.entry.Reply) {
						t.Fatal("a reply is not the one told")
					}
				}
			}
		})
	}
}

func TestMissedAreReportedOnce(t *testing.T) {
	t.Parallel()
	log := new(Log)
	w := watch(t, log)
	for range maxEntries + 5 {
		log.Publish(new(Entry))
	}
	if _, missed := next(t, w); missed != 5 {
		t.Errorf("%d missed, want 5", missed)
	}
	log.Publish(new(Entry))
	if entries, missed := next(t, w); len(entries) != 1 || missed != 0 {
		t.Errorf("then %d and %d missed, want 1 and none", len(entries), missed)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	log := new(Log)
	w := watch(t, log)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	ended := make(chan error)
	go func() { _, _, err := w.Next(ctx); ended <- err }()
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("who waits gets %v, want %v", err, why)
	}
	log.Publish(new(Entry))
	if _, _, err := w.Next(ctx); !errors.Is(err, why) {
		t.Errorf("with something to read: %v, want %v", err, why)
	}
}

func TestWatchersAreBounded(t *testing.T) {
	t.Parallel()
	log := new(Log)
	for range MaxWatchers {
		watch(t, log)
	}
	if _, err := log.Watch(); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more gets %v, want %v", err, ErrTooMany)
	}
	log.current()[3].Close()
	if _, err := log.Watch(); err != nil {
		t.Errorf("after one has gone: %v", err)
	}
}

// Each entry is delivered or counted, while watchers come and go.
func TestNothingIsLostUncounted(t *testing.T) {
	t.Parallel()
	log := new(Log)
	w := watch(t, log)
	const tellers, each = 4, 5000
	var telling sync.WaitGroup
	for range tellers {
		telling.Go(func() {
			for range each {
				log.Publish(&Entry{Reply: []byte("reply")})
			}
		})
	}
	telling.Go(func() {
		for range 100 {
			passing, err := log.Watch()
			if err != nil {
				t.Error(err)
				return
			}
			passing.Close()
		}
	})
	for got := uint64(0); got < tellers*each; {
		entries, missed := next(t, w)
		got += uint64(len(entries)) + missed
		for _, e := range entries {
			if string(e.Reply) != "reply" {
				t.Fatalf("the reply is %q", e.Reply)
			}
		}
	}
	telling.Wait()
}

func TestPublishingAllocatesNothing(t *testing.T) {
	log := new(Log)
	w := watch(t, log)
	e := &Entry{Reply: make([]byte, 100)}
	fill := func() {
		for range maxEntries {
			log.Publish(e)
		}
		next(t, w)
	}
	fill() // both buffers get their size
	fill()
	if n := testing.AllocsPerRun(10, fill); n != 0 {
		t.Errorf("%v allocations for %d entries", n, maxEntries)
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
		e := Entry{Reply: tt.reply}
		name, qtype, ok := e.Question()
		if ok != tt.ok || ok && (name != "WWW.Example.Org." || qtype != dns.TypeAAAA) {
			t.Errorf("%s: got %s %d %v", tt.name, name, qtype, ok)
		}
	}
}
