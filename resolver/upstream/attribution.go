package upstream

import (
	"strings"

	"github.com/miekg/dns"
)

// An extended error appears to a client as that of the server that it asked (RFC
// 8914, section 3). So the text of each one that a server gave says whose it is; our
// own never begin so.
const (
	attributedFrom = "from "
	attributedText = ": "
)

// attribute marks the extended errors of a reply as those of a server.
func attribute(reply *dns.Msg, server Server) {
	for _, ede := range Extended(reply) {
		text := attributedFrom + server.String()
		if ede.ExtraText != "" {
			text += attributedText + ede.ExtraText
		}
		ede.ExtraText = text
	}
}

// Attribution reads from the text of an extended error which server gave it, and
// what it said. Without a server the error is ours.
func Attribution(text string) (server, said string) {
	if theirs, ok := strings.CutPrefix(text, attributedFrom); ok {
		server, said, _ = strings.Cut(theirs, attributedText)
		return server, said
	}
	return "", text
}
