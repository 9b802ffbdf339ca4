package integration

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// soakProbe is a query, and what may be answered.
type soakProbe struct {
	truth *truth
	query []byte
	wild  bool // its first label is another one each time

	// The last good reply, but for its ID, is not read again while it may be given:
	// there are many of it.
	last    []byte
	kind    string
	changed uint32
}

// judge is the kind of a reply, and an error for one that is wrong.
func (p *soakProbe) judge(reply []byte, at time.Time, own bool) (kind string, err error) {
	changed := p.truth.changed.Load()
	if p.changed == changed && bytes.Equal(reply[2:], p.last) {
		return p.kind, nil
	}
	kind, err = p.truth.judge(reply, at, own)
	if err == nil && !p.wild && p.truth.isCurrent(at) {
		p.last, p.kind, p.changed = append(p.last[:0], reply[2:]...), kind, changed
	}
	return kind, err
}

// soakClient queries one node at a steady rate, and checks each answer. An ID is
// used again after 65536 queries, which at the usual rate takes almost a minute:
// much longer than a daemon is frozen.
type soakClient struct {
	s      *soak
	n      *soakNode
	conn   net.Conn
	probes []soakProbe

	mu    sync.Mutex
	sent  [1 << 16]time.Time // zero: answered, or not sent
	probe [1 << 16]uint16
}

// soakClients is how many clients each node has.
const soakClients = 2

// soakBatch is the time between two batches of queries.
const soakBatch = 4 * time.Millisecond

// load has all nodes queried, with that many queries a second over all of them.
func (s *soak) load(rate int) {
	share := float64(rate) / float64(soakClients*len(s.nodes))
	for i := range soakClients * len(s.nodes) {
		n := s.nodes[i/soakClients]
		conn, err := n.dial("udp", "127.0.0.53:53")
		must(s.t, err)
		must(s.t, makeRoom(conn.(*net.UDPConn)))
		c := &soakClient{s: s, n: n, conn: conn, probes: s.probesOf(n)}
		s.quiet.Go(c.receive)
		s.quiet.Go(func() { c.send(share) })
	}
}

// makeRoom has the socket keep the replies of a whole ID's time.
func makeRoom(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var forced error
	err = raw.Control(func(fd uintptr) {
		forced = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
	})
	return errors.Join(err, forced)
}

// probesOf are what a node is asked: each name of nodes, and others' names, one of
// which is not in the cache.
func (s *soak) probesOf(n *soakNode) (probes []soakProbe) {
	add := func(truths ...*truth) {
		for _, tr := range truths {
			probes = append(probes, soakProbe{truth: tr, query: askFor(tr.name)})
		}
	}
	for _, peer := range s.nodes {
		add(peer.id)
		add(peer.labels[:]...)
	}
	for _, g := range s.guests {
		add(g.truth)
		add(g.labels[:]...)
	}
	add(n.files...)
	add(newTruth(strangerID(s.t), netip.Addr{}), newTruth("nothing."+soakDomain, netip.Addr{}))
	for name, addr := range soakNames {
		tr := newTruth(name, addr)
		tr.others = true
		add(tr)
	}
	wild := newTruth("12345678."+soakWild, soakWildAddr)
	wild.others = true
	return append(probes, soakProbe{truth: wild, query: askFor(wild.name), wild: true})
}

func (c *soakClient) send(rate float64) {
	begun := time.Now()
	count := 0
	for {
		select {
		case <-c.s.stopped:
			c.await()
			return
		case <-time.After(soakBatch):
		}
		// What is late is made up for, but for more than a tenth of a second of it: a
		// machine that cannot keep up sends less.
		due := int(time.Since(begun).Seconds() * rate)
		count = max(count, due-int(rate/10))
		for ; count < due; count++ {
			c.ask(uint16(count))
		}
	}
}

// ask sends the next query.
func (c *soakClient) ask(id uint16) {
	which := rand.IntN(len(c.probes))
	p := c.probes[which]
	binary.BigEndian.PutUint16(p.query, id)
	if p.wild {
		copy(p.query[headerLen+1:], fmt.Sprintf("%08x", rand.Uint32()))
	}
	c.mu.Lock()
	lost := c.sent[id]
	c.sent[id], c.probe[id] = time.Now(), uint16(which)
	c.mu.Unlock()
	if !lost.IsZero() {
		c.s.seen.lose(c.n, lost)
	}
	c.s.seen.queries.Add(1)
	if _, err := c.conn.Write(p.query); err != nil {
		c.refused(err)
		_, _ = c.conn.Write(p.query) // what is refused is the query before
	}
}

// refused is called where no process has the socket, which the service manager
// should prevent.
func (c *soakClient) refused(err error) {
	c.s.fail("%s: a query is refused: %v", c.n.name, err)
}

// await gives the last replies time.
func (c *soakClient) await() {
	time.Sleep(5 * time.Second)
	_ = c.conn.SetReadDeadline(time.Unix(1, 0))
}

func (c *soakClient) receive() {
	defer c.conn.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := c.conn.Read(buffer)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			c.refused(err)
		case err != nil:
			c.rest()
			return
		case n >= headerLen:
			c.judge(buffer[:n])
		}
	}
}

// rest counts what was never answered.
func (c *soakClient) rest() {
	for _, at := range c.sent {
		if !at.IsZero() {
			c.s.seen.lose(c.n, at)
		}
	}
}

func (c *soakClient) judge(reply []byte) {
	id := binary.BigEndian.Uint16(reply)
	c.mu.Lock()
	at, p := c.sent[id], &c.probes[c.probe[id]]
	c.sent[id] = time.Time{}
	c.mu.Unlock()
	if at.IsZero() {
		c.s.fail("%s: a reply to no query: %x", c.n.name, reply)
		return
	}
	if at.Sub(c.s.begun) > time.Duration(c.n.thawed.Load()) { // those before have waited for us
		c.s.seen.wait(c.n, time.Since(at))
	}
	kind, err := p.judge(reply, at, p.truth == c.n.id)
	c.s.seen.answer(kind)
	if err != nil {
		c.s.fail("%s: %v", c.n.name, err)
	}
}
