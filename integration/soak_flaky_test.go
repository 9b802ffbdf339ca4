package integration

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// The names of the upstreams that are queried, and their addresses. They are those
// of plain.example's zone.
var soakNames = map[string]netip.Addr{
	"www.plain.example.":     netip.MustParseAddr("192.0.2.10"),
	"v4only.plain.example.":  netip.MustParseAddr("192.0.2.4"),
	"nowhere.plain.example.": {},
}

// soakWild is the domain that has any name.
const soakWild = "wild.plain.example."

var soakWildAddr = netip.MustParseAddr("192.0.2.40")

// The moods of a flaky upstream.
const (
	flakyWell int32 = iota
	flakySlow
	flakyGarbage
	flakyFails
)

// flaky is an upstream that has the same as the real ones, and moods.
type flaky struct {
	*host
	mood atomic.Int32
}

func newFlaky(h *host) *flaky {
	f := &flaky{host: h}
	startScripted(h.machine, netip.AddrPortFrom(h.v4(), 53), script{udp: f.answer})
	return f
}

func (f *flaky) answer(s *scripted, q query, from netip.AddrPort) {
	switch f.mood.Load() {
	case flakySlow:
		s.later(100*time.Millisecond+rand.N(2*time.Second), func() { s.say(from, f.reply(q)) })
	case flakyGarbage:
		s.say(from, garbage(q))
	case flakyFails:
		s.say(from, q.fails([]byte{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNotImplemented}[rand.N(3)]))
	default:
		s.say(from, f.reply(q))
	}
}

func (f *flaky) reply(q query) []byte {
	name, question := q.name(), q.question()
	addr, known := soakNames[name]
	if strings.HasSuffix(name, "."+soakWild) {
		addr, known = soakWildAddr, true
	}
	switch {
	case known && !addr.IsValid():
		return q.fails(dns.RcodeNameError)
	case known && question[len(question)-3] == byte(dns.TypeA):
		return q.reply(wireRecord(dns.TypeA, 300, string(addr.AsSlice())))
	}
	return q.reply()
}

// garbage is what no client may take for an answer.
func garbage(q query) []byte {
	forged := q.reply(forgedRecord)
	switch rand.N(5) {
	case 0:
		return changed(forged, 1, forged[1]^1) // another ID
	case 1:
		return forged[:len(forged)-3] // cut off
	case 2:
		return changed(forged, 7, 9) // too many records
	case 3:
		return changed(forged, headerLen+1, 'x') // another name
	}
	for i := headerLen; i < len(forged); i++ {
		forged[i] = byte(rand.Uint32())
	}
	return forged
}
