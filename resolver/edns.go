package resolver

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/listen"
)

// maxExtendedText bounds the text of an extended error, in octets.
const maxExtendedText = 256

// addOPT gives a reply the OPT record that the client's calls for, with an
// upstream's options. Without EDNS in the query there is none in the reply (RFC
// 6891, section 7).
func (s *Server) addOPT(m *dns.Msg, r *request, extended []*dns.EDNS0_EDE, passedOn ...dns.EDNS0) {
	r.extended = extended
	if r.opt == nil {
		return
	}
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(udpLimit)
	opt.SetDo(r.opt.Do())
	for _, ede := range extended {
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{
			InfoCode:  ede.InfoCode,
			ExtraText: extendedText(ede),
		})
	}
	opt.Option = append(opt.Option, passedOn...)
	if r.cookie != nil {
		fresh := s.cookies.Reply(r.cookie, r.client.Addr(), s.now())
		opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(fresh[:])})
	}
	if r.keepalive {
		opt.Option = append(opt.Option, &dns.EDNS0_TCP_KEEPALIVE{
			Code:    dns.EDNS0TCPKEEPALIVE,
			Timeout: uint16(s.idleTimeout() / (100 * time.Millisecond)),
		})
	}
	m.Extra = append(m.Extra, opt)
}

// extendedText is as much of the text of an extended error as is passed on.
func extendedText(ede *dns.EDNS0_EDE) string {
	return strings.ToValidUTF8(ede.ExtraText[:min(len(ede.ExtraText), maxExtendedText)], "")
}

// makeRoom leaves more of a reply to the records. The codes of the extended
// errors say enough (RFC 8914, section 3), and who asked for an upstream's
// options can ask again over TCP.
func makeRoom(m *dns.Msg) {
	opt := m.IsEdns0()
	if opt == nil {
		return
	}
	opt.Option = slices.DeleteFunc(opt.Option, func(option dns.EDNS0) bool {
		switch option := option.(type) {
		case *dns.EDNS0_EDE:
			option.ExtraText = ""
			return false
		case *dns.EDNS0_COOKIE, *dns.EDNS0_TCP_KEEPALIVE:
			return false
		}
		m.Truncated = true
		return true
	})
}

// idleTimeout is how long a TCP connection may be silent.
func (s *Server) idleTimeout() time.Duration {
	if s.limits.Idle != 0 {
		return s.limits.Idle
	}
	return listen.IdleTimeout
}
