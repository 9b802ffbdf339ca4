package nodedns

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/nodedns/nodedns/internal/memfd"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
)

// cacheName is what the cache is kept under in the descriptor store.
const cacheName = "cache"

// maxCacheFile bounds what is read of a cache, whose memory bounds itself.
const maxCacheFile = 4 << 30

// errSeveral is why none of several caches is used: their order in the descriptor
// store does not show which is the newest.
var errSeveral = errors.New("an earlier one was not taken out of the descriptor store")

// inherit takes what the process was started with: the cache of the process before,
// and what is for the listeners.
func (c *Config) inherit() (sockets listen.Handover, caches []*os.File) {
	if c.Descriptors == nil {
		return listen.Handover{}, nil
	}
	sockets.Store = c.Descriptors
	for _, file := range c.Descriptors.Inherited() {
		if file.Name() == cacheName {
			caches = append(caches, file)
		} else {
			sockets.Inherited = append(sockets.Inherited, file)
		}
	}
	return sockets, caches
}

const (
	// maxLocating is how long the start waits for the local source and the files of
	// nodes. One that does not report holds up nothing else for long.
	maxLocating = 500 * time.Millisecond
	// maxLoading is how long it waits for the cache then: the default size takes a
	// tenth of a second when it is full, and the buffers of the sockets hold what
	// comes meanwhile.
	maxLoading = 100 * time.Millisecond
)

// awaitStart returns when the first answers can be like the last ones of the process
// before: this machine has its addresses, the files of nodes have been read, and the
// cache is loaded.
func (s *Service) awaitStart(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, maxLocating)
	defer cancel()
	select {
	case <-s.located:
	case <-within.Done():
		return
	}
	s.awaitFiles(within)
	select {
	case <-s.cache.loaded:
	case <-ctx.Done():
	case <-time.After(maxLoading):
	}
}

// endAtStart ends a Run whose contexts have ended before it has answered. What waits
// in the sockets and what the files have is for the next process: this one may not
// even know its address.
func (s *Service) endAtStart(ctx, listening context.Context) error {
	s.listeners.Supervise(listening, s.log) // closes the sockets
	if err := s.RestoreResolvConf(); err != nil {
		s.log.Error("error during shutdown", "error", err)
	}
	return ctx.Err()
}

// awaitFiles returns when the files of nodes have been read, or ctx ends. With a cluster
// they are not all that there is to know.
func (s *Service) awaitFiles(ctx context.Context) {
	for snapshot := range s.store.Watch(ctx) {
		if snapshot.Ready() || snapshot.Cluster().Expected {
			return
		}
	}
}

// cacheHandover passes the resolver's cache from one process to the next, in sealed
// memory that the descriptor store keeps.
type cacheHandover struct {
	store  listen.Store // nil: none
	files  []*os.File   // of the process before, and of an earlier one where its cache was not discarded
	server *resolver.Server
	log    *slog.Logger

	// located holds a value when the local source has published, and hasAddr reports
	// whether there was an address.
	located retry.Hint
	hasAddr func() bool
	// loaded is closed when what is to be loaded has been.
	loaded chan struct{}
}

func (s *Service) newCacheHandover(cfg *Config, inherited []*os.File) *cacheHandover {
	return &cacheHandover{
		store: cfg.Descriptors, files: inherited, server: s.dns, log: cfg.Logger.With("part", "dns"),
		located: retry.NewHint(),
		hasAddr: func() bool { return s.store.Snapshot().Local().HasAddr() },
		loaded:  make(chan struct{}),
	}
}

// load takes over what the process before has kept, once it is known on which network
// this machine is. It is taken out of the store first: after a crash, or another
// network, it must not come again.
func (h *cacheHandover) load(ctx context.Context) {
	defer close(h.loaded)
	if len(h.files) == 0 {
		return
	}
	defer func() {
		for _, file := range h.files {
			_ = file.Close() // it was only read
		}
	}()
	if err := h.store.Discard(cacheName); err != nil {
		h.log.Info("the cache cannot be taken out of the descriptor store", "error", err)
	}
	if len(h.files) > 1 {
		h.log.Info("the cache of the last process is not used", "reason", errSeveral)
		return
	}
	for {
		select {
		case <-h.located:
		case <-ctx.Done():
			return
		}
		entries, size, err := h.loadFile()
		switch {
		case err == nil:
			h.log.Info("cache of the last process taken over", "entries", entries, "bytes", size)
			return
		case h.hasAddr():
			h.log.Info("the cache of the last process is not used", "reason", err)
			return
		}
		// The process before may have had the address that is yet to come.
	}
}

func (h *cacheHandover) loadFile() (entries int, size int64, err error) {
	text, err := memfd.Reader(h.files[0], maxCacheFile)
	if err != nil {
		return 0, 0, err
	}
	entries, err = h.server.LoadCache(text)
	return entries, text.Size(), err
}

// keepCache has the cache kept for the next process. It is called when nothing changes
// the cache any more. A source may have changed the zone after followNames ended.
func (s *Service) keepCache() {
	s.dns.ZoneChanged(s.named, s.store.Snapshot())
	s.cache.keep()
}

func (h *cacheHandover) keep() {
	if h.store == nil {
		return
	}
	var entries int
	file, err := memfd.Seal("nodedns-"+cacheName, func(w io.Writer) (err error) {
		entries, err = h.server.SaveCache(w)
		return err
	})
	if err != nil {
		h.log.Info("the cache is not kept for the next process", "error", err)
		return
	}
	defer file.Close() // the store has its own
	if entries == 0 {
		return
	}
	if err := h.store.Keep(cacheName, file); err != nil {
		h.log.Info("the cache is not kept for the next process", "error", err)
		return
	}
	h.log.Info("cache given to the descriptor store for the next process", "entries", entries)
}
