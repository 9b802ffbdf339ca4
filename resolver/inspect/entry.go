package inspect

import (
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
)

// QueryEntryText is an event as text.
type QueryEntryText struct {
	Time      time.Time `json:"-"`                // the caller prints it with the line
	Client    string    `json:"client,omitempty"` // address and port; absent where there is no socket
	Transport string    `json:"transport"`        // udp, tcp, query (of this machine, from nodedns itself) or varlink
	// Answer has no name and type if the query was malformed, and of the Provenance
	// only the Server.
	Answer
}

// TextOf renders an event as text. It takes far longer than the event did, so
// filter before.
func TextOf(e *querylog.Entry) QueryEntryText {
	reply, err := message.Read(e.Reply)
	if err != nil {
		// Our own replies can be parsed. If not, the rest is worth showing.
		reply = new(dns.Msg)
	}
	reply.Rcode = e.Rcode
	o := QueryEntryText{Time: e.Time, Transport: e.Transport.String(), Answer: *asAnswer(reply, e.Extended)}
	o.credit(e.Source, e.Reason, e.Server, e.Duration)
	if e.Client.IsValid() {
		o.Client = e.Client.String()
	}
	return o
}
