package integration

import (
	"net"
	"net/netip"
)

// endingConnections are connections that end, or that only seem to be open.
func endingConnections() []everydayRow {
	return []everydayRow{
		{
			"20 queries at once over TCP; the server answers one on each connection, and closes it",
			"20 of 20 answered", oneForEachConnection, nil,
		},
		{
			"the same over TLS",
			"20 of 20 answered", oneForEachSecureConnection,
			[]string{"dnsmasq"},
		},
		{
			"30 queries at once over TLS; the connection that is there has fallen silent, as behind a NAT that forgot it",
			"30 of 30 answered", forgottenConnection,
			[]string{"dnsmasq"},
		},
	}
}

// oneForEachConnection says over UDP that answers are truncated, for a forwarder
// that begins so whatever it is told.
func oneForEachConnection(s *site) string {
	server := s.server(script{udp: says(query.cut).udp, tcp: func(_ *scripted, q query, conn net.Conn) {
		_, _ = conn.Write(framed(q.properly(goodRecord))) // the other side may have gone
		conn.Close()
	}})
	s.begin(wiring{servers: addrsOf(server), over: "tcp"})
	return s.askAll("tcp", 20)
}

func oneForEachSecureConnection(s *site) string {
	s.behindTLS(func(_ int, conn net.Conn) {
		if q, err := receive(conn); err == nil {
			_, _ = conn.Write(framed(q.properly(goodRecord))) // the other side may have gone
		}
	})
	return s.askAll("tcp", 20)
}

func forgottenConnection(s *site) string {
	var which victim
	s.behindTLS(func(nth int, conn net.Conn) {
		for q, err := receive(conn); err == nil; q, err = receive(conn) {
			if !which.is(nth, q) {
				_, _ = conn.Write(framed(q.properly(goodRecord))) // the other side may have gone
			}
		}
	})
	if got := s.ask("before.example"); got != answered {
		return got + " at first"
	}
	return s.askAll("udp", 30)
}

// behindTLS starts the forwarder in front of a server over TLS.
func (s *site) behindTLS(serve func(nth int, conn net.Conn)) {
	s.t.Helper()
	config, root := newCertificate(s.t)
	s.begin(wiring{servers: []netip.AddrPort{newStreams(s.servers, config, serve)}, over: "tls", root: root})
}
