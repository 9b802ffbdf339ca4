package cache

import (
	"encoding/binary"
	"strings"

	"github.com/miekg/dns"
)

// What is kept of a reply's extended errors (RFC 8914): texts are for people,
// and more of them, or longer ones, would not be read.
const (
	maxExtended     = 4
	maxExtendedText = 256 // octets
)

// extendedOf are the extended errors of a reply.
func extendedOf(reply *dns.Msg) (extended []*dns.EDNS0_EDE) {
	opt := reply.IsEdns0()
	if opt == nil {
		return nil
	}
	for _, option := range opt.Option {
		if ede, ok := option.(*dns.EDNS0_EDE); ok {
			extended = append(extended, ede)
		}
	}
	return extended
}

// appendExtended appends extended errors as EDNS options in wire form.
func appendExtended(b []byte, extended []*dns.EDNS0_EDE) []byte {
	for _, ede := range extended[:min(len(extended), maxExtended)] {
		text := strings.ToValidUTF8(ede.ExtraText[:min(len(ede.ExtraText), maxExtendedText)], "")
		b = binary.BigEndian.AppendUint16(b, dns.EDNS0EDE)
		b = binary.BigEndian.AppendUint16(b, uint16(2+len(text)))
		b = binary.BigEndian.AppendUint16(b, ede.InfoCode)
		b = append(b, text...)
	}
	return b
}

// parseExtended reads what appendExtended wrote.
func parseExtended(options []byte) (extended []*dns.EDNS0_EDE) {
	for len(options) > 0 {
		const code, text = 4, 6 // where they are in an option
		end := code + int(binary.BigEndian.Uint16(options[2:]))
		extended = append(extended, &dns.EDNS0_EDE{
			InfoCode:  binary.BigEndian.Uint16(options[code:]),
			ExtraText: string(options[text:end]),
		})
		options = options[end:]
	}
	return extended
}
