package integration

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// connectedServer is an upstream over connections that it may end.
type connectedServer struct {
	name string
	// start returns it as the configuration has it.
	start func(h *host, config *tls.Config, asked *queryLog) string
}

// However connections to an upstream end, in the middle of queries or by falling
// silent, all queries are answered, and each is sent three times at most.
// Shows RFC 7766 6.2.1.1c.
// Shows RFC 9520 3.1.
func TestConnectionsThatEnd(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	h := l.join("servers").address()
	config, root := newCertificate(t)
	n := newNode(l, "node")
	n.address()
	n.write("/etc/ssl/certs/ca-certificates.crt", root)
	lines := []string{"[upstream]", "servers = []"}
	servers := connectedServers()
	asked := make([]queryLog, len(servers))
	for i, s := range servers {
		lines = append(lines, route(fmt.Sprintf("server%d.example", i), s.start(h, config, &asked[i])))
	}
	n.configure(lines...)
	n.boot()
	n.awaitReady()
	for i, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			must(t, n.answers("NOERROR", fmt.Sprintf("before.server%d.example", i))) // has a connection made
			var names []string
			for k := range 30 {
				names = append(names, fmt.Sprintf("name-%d.server%d.example.", k, i))
			}
			replies, err := n.askTogether(names)
			must(t, err)
			for _, name := range names {
				if err := replies[name].expectAnswer(goodData); err != nil {
					t.Error(err)
				}
				if sent := asked[i].count(name); sent > 3 {
					t.Errorf("%s was sent %d times", name, sent)
				}
			}
		})
	}
}

func connectedServers() []connectedServer {
	const once = "answers one query for each connection"
	return []connectedServer{
		{"TCP, " + once, func(h *host, _ *tls.Config, asked *queryLog) string {
			return fmt.Sprintf("tcp://%s", newStreams(h, nil, answersOnce(asked)))
		}},
		{"TLS, " + once, func(h *host, config *tls.Config, asked *queryLog) string {
			return fmt.Sprintf("tls://%s#%s", newStreams(h, config, answersOnce(asked)), secureName)
		}},
		{"truncated over UDP, " + once, func(h *host, _ *tls.Config, asked *queryLog) string {
			return newScripted(h, script{udp: says(query.cut).udp, tcp: func(_ *scripted, q query, conn net.Conn) {
				asked.add(q.name())
				_, _ = conn.Write(framed(q.reply(goodRecord))) // the other side may have gone
				conn.Close()                                   // with what was not read, so that the kernel sends RST
			}}).addr().String()
		}},
		{"TLS, a kept connection falls silent", func(h *host, config *tls.Config, asked *queryLog) string {
			var which victim
			return fmt.Sprintf("tls://%s#%s", newStreams(h, config, func(nth int, conn net.Conn) {
				for q, err := receive(conn); err == nil; q, err = receive(conn) {
					asked.add(q.name())
					if !which.is(nth, q) {
						_, _ = conn.Write(framed(q.reply(goodRecord))) // the other side may have gone
					}
				}
			}), secureName)
		}},
		overHTTP("a kept connection falls silent", func(on *connected, _ http.Header) { on.muted.Store(true) }),
		overHTTP("a kept connection ends as queries come", func(on *connected, _ http.Header) { on.Close() }),
		// By this header the library sends GOAWAY.
		overHTTP("the end of a kept connection is announced", func(_ *connected, header http.Header) { header.Set("Connection", "close") }),
	}
}

// victim is the connection over which the first of a test's names comes.
type victim struct{ nth atomic.Int64 }

func (v *victim) is(nth int, q query) bool {
	if !strings.HasPrefix(q.name(), "name-") {
		return false
	}
	v.nth.CompareAndSwap(0, int64(nth))
	return v.nth.Load() == int64(nth)
}

// overHTTP is a server to whose kept connection something happens.
func overHTTP(name string, happens func(on *connected, header http.Header)) connectedServer {
	return connectedServer{"HTTP, " + name, func(h *host, config *tls.Config, asked *queryLog) string {
		var which victim
		addr := newWeb(h, config, func(w http.ResponseWriter, _ string, q query, on *connected) {
			asked.add(q.name())
			if which.is(on.nth, q) {
				happens(on, w.Header())
			}
			writeAnswer(w, q)
		})
		return fmt.Sprintf("https://%s/dns-query#%s", addr, secureName)
	}}
}

// answersOnce answers the first query of a connection, and ends it. It counts what
// else was sent.
func answersOnce(asked *queryLog) func(int, net.Conn) {
	return func(_ int, conn net.Conn) {
		first, err := receive(conn)
		if err != nil {
			return
		}
		asked.add(first.name())
		_, _ = conn.Write(framed(first.reply(goodRecord)))      // the other side may have gone
		_ = conn.(interface{ CloseWrite() error }).CloseWrite() // as above
		for q, err := receive(conn); err == nil; q, err = receive(conn) {
			asked.add(q.name())
		}
	}
}

// What a server over HTTP says beside its reply counts: how old the reply is, its
// type however that is written, and each status that means success.
// Shows RFC 8484 4.2.1, 5.1.
func TestRepliesOverHTTP(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	const plain = "application/dns-message"
	tests := []struct {
		name   string
		header http.Header
		status int
		ttl    int // at most; 0: there is no answer
	}{
		{"as usual", http.Header{"Content-Type": {plain}}, 200, 300},
		{"from a cache", http.Header{"Content-Type": {plain}, "Age": {"250"}}, 200, 50},
		{"in capitals", http.Header{"Content-Type": {"APPLICATION/DNS-Message"}}, 200, 300},
		{"with a parameter", http.Header{"Content-Type": {plain + `; charset="utf-8"`}}, 200, 300},
		{"changed by a proxy", http.Header{"Content-Type": {plain}}, 203, 300},
		{"a web page", http.Header{"Content-Type": {"text/html"}}, 200, 0},
	}
	l := newLAN(t)
	h := l.join("servers").address()
	config, root := newCertificate(t)
	var asked queryLog
	server := newWeb(h, config, func(w http.ResponseWriter, path string, q query, _ *connected) {
		asked.add(q.name())
		i, err := strconv.Atoi(path[1:])
		if err != nil || i >= len(tests) {
			return
		}
		for key, values := range tests[i].header {
			w.Header()[key] = values
		}
		w.WriteHeader(tests[i].status)
		_, _ = w.Write(q.reply(goodRecord)) // the other side may have gone
	})
	n := newNode(l, "node")
	n.address()
	n.write("/etc/ssl/certs/ca-certificates.crt", root)
	lines := []string{"[upstream]", "servers = []"}
	for i := range tests {
		lines = append(lines, route(fmt.Sprintf("reply%d.example", i), fmt.Sprintf("https://%s/%d#%s", server, i, secureName)))
	}
	n.configure(lines...)
	n.boot()
	n.awaitReady()
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name := fmt.Sprintf("www.reply%d.example", i)
			if test.ttl == 0 {
				must(t, n.answers("SERVFAIL", name))
				return
			}
			for range 2 {
				r, err := n.ask(name, "A")
				must(t, err)
				must(t, r.expectAnswer(goodData))
				// What the test itself takes may count too.
				if ttl, err := strconv.Atoi(r.answer[0].ttl); err != nil || ttl > test.ttl || ttl < test.ttl-49 {
					t.Errorf("the TTL is %s, want %d", r.answer[0].ttl, test.ttl)
				}
			}
			if n := asked.count(name + "."); n != 1 {
				t.Errorf("the server was asked %d times", n)
			}
		})
	}
}
