package wire

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxExtendedText bounds the text of an extended error, in octets.
	maxExtendedText = 256
	// maxExtended bounds the extended errors of a reply: those that one reply of an
	// upstream and ours may have, and a few of those before its aliases.
	maxExtended = 8
)

// addOPT adds to a reply the OPT record that the client's requires, with an
// upstream's options. Without EDNS in the query there is none in the reply (RFC
// 6891, section 7).
func (w *Replies) addOPT(m *dns.Msg, r *Request, extended []*dns.EDNS0_EDE, passedOn ...dns.EDNS0) {
	r.Extended = latest(extended)
	if r.OPT == nil {
		return
	}
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(UDPLimit)
	opt.SetDo(r.OPT.Do())
	opt.Option = append(options(r.Extended), passedOn...)
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

// latest are as many extended errors as a reply may have: of those of several
// questions the last ones, since the response code is about the last name.
func latest(extended []*dns.EDNS0_EDE) []*dns.EDNS0_EDE {
	return extended[max(0, len(extended)-maxExtended):]
}

// options are extended errors as they are passed on.
func options(extended []*dns.EDNS0_EDE) []dns.EDNS0 {
	all := make([]dns.EDNS0, len(extended))
	for i, ede := range extended {
		all[i] = &dns.EDNS0_EDE{InfoCode: ede.InfoCode, ExtraText: ExtendedText(ede)}
	}
	return all
}

func isExtended(option dns.EDNS0) bool { return option.Option() == dns.EDNS0EDE }

// ExtendedText is as much of the text of an extended error as is passed on.
func ExtendedText(ede *dns.EDNS0_EDE) string {
	return strings.ToValidUTF8(ede.ExtraText[:min(len(ede.ExtraText), maxExtendedText)], "")
}

// trimOPT makes a reply shorter, as far as its limit takes it, by what is no record.
// The codes of the extended errors suffice (RFC 8914, section 3), and are only for
// people: that they go as well is no reason to ask again. A client that asked for an
// upstream's options can do so over TCP.
func trimOPT(m *dns.Msg, limit int) {
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
	if m.Len() > limit {
		opt.Option = slices.DeleteFunc(opt.Option, isExtended)
	}
}
