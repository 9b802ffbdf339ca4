package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// The files of a store's directory: the nodes, and the leader's ID and port.
const (
	nodesFile  = "nodes"
	leaderFile = "leader"
)

// campaign is how often a follower tries to become the leader.
const campaign = 100 * time.Millisecond

// store makes a Server one of several curators of a control plane, each a
// process of its own. They share a directory, as real ones share a replicated
// store. The one that holds the lock of a file in it leads; the kernel takes the
// lock back from a process that dies.
type store struct {
	dir    string
	server *memory.Server
	// port of the curator, on its node.
	port uint16
}

// Run leads as soon as no other does, until ctx ends. Then it returns nil, or
// the error by which the shared directory cannot be used. The Server must be a
// follower before.
func (s *store) Run(ctx context.Context) error {
	lock, err := os.OpenFile(filepath.Join(s.dir, leaderFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("opening the store of a control plane: %w", err)
	}
	defer lock.Close()
	ticker := time.NewTicker(campaign)
	defer ticker.Stop()
	var named memory.Leader
	for {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return s.lead(ctx, lock)
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("locking the store of a control plane: %w", err)
		}
		if leader := s.leader(lock); leader != named {
			named = leader
			s.server.SetLeader(leader)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *store) lead(ctx context.Context, lock *os.File) error {
	nodes, err := s.nodes()
	if err != nil {
		return err
	}
	s.server.Directory.Set(nodes...)
	s.server.Directory.Keep(s.save)
	text := fmt.Sprintf("%s %d\n", s.server.NodeID(), s.port)
	if err := errors.Join(lock.Truncate(0), writeAt(lock, text)); err != nil {
		return fmt.Errorf("leading a control plane: %w", err)
	}
	s.server.Behave(memory.Behaviour{})
	<-ctx.Done()
	return nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// leader is the one according to the shared directory, at its last known address.
func (s *store) leader(lock *os.File) memory.Leader {
	text := make([]byte, 256)
	n, _ := lock.ReadAt(text, 0) // it ends with EOF
	var leader memory.Leader
	if _, err := fmt.Fscan(strings.NewReader(string(text[:n])), &leader.ID, &leader.Port); err != nil {
		return memory.Leader{}
	}
	nodes, err := s.nodes()
	if i := slices.IndexFunc(nodes, func(n memory.Node) bool { return n.ID == leader.ID }); err == nil && i >= 0 {
		leader.Host = nodes[i].Address
	}
	return leader
}

func (s *store) nodes() (nodes []memory.Node, err error) {
	content, err := os.ReadFile(filepath.Join(s.dir, nodesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(content)).Decode(&nodes)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the store of a control plane: %w", err)
	}
	return nodes, nil
}

// save writes all nodes before the change is published.
func (s *store) save(nodes []memory.Node) error {
	var content bytes.Buffer
	if err := gob.NewEncoder(&content).Encode(nodes); err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(s.dir, nodesFile), content.Bytes(), 0o644)
}
