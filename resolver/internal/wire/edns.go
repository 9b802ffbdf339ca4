package wire

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxExtendedText bounds the text of an extended error, in octets.
const maxExtendedText = 256

// addOPT adds to a reply the OPT record that the client's requires, with an
// upstream's options. Without EDNS in the query there is none in the reply (RFC
// 6891, section 7).
func (w *Replies) addOPT(m *dns.Msg, r *Request, extended []*dns.EDNS0_EDE, passedOn ...dns.EDNS0) {
	r.Extended = extended
	if r.OPT == nil {
		return
	}
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(UDPLimit)
	opt.SetDo(r.OPT.Do())
	for _, ede := range extended {
		opt.Option = append(opt.Option, bounded(ede))
	}
	opt.Option = append(opt.Option, passedOn...)
	if r.cookie != nil {
		fresh := w.Cookies.Reply(r.cookie, r.Client.Addr(), w.Now())
		opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(fresh[:])})
	}
	if r.keepalive {
		opt.Option = append(opt.Option, &dns.EDNS0_TCP_KEEPALIVE{
			Code:    dns.EDNS0TCPKEEPALIVE,
			Timeout: uint16(w.Idle / (100 * time.Millisecond)),
		})
	}
	m.Extra = append(slices.Clip(m.Extra), opt) // the rest may be shared
}

// bounded is an extended error as it is passed on.
func bounded(ede *dns.EDNS0_EDE) *dns.EDNS0_EDE {
	return &dns.EDNS0_EDE{InfoCode: ede.InfoCode, ExtraText: ExtendedText(ede)}
}

// ExtendedText is as much of the text of an extended error as is passed on.
func ExtendedText(ede *dns.EDNS0_EDE) string {
	return strings.ToValidUTF8(ede.ExtraText[:min(len(ede.ExtraText), maxExtendedText)], "")
}

// trimOPT leaves more room in a reply for the records. The codes of the
// extended errors suffice (RFC 8914, section 3), and a client that asked for an
// upstream's options can ask again over TCP.
func trimOPT(m *dns.Msg) {
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
