package metrics

import (
	"cmp"

	"github.com/nodedns/nodedns"
)

// varlink reports the calls. Methods and errors are those that there are, and
// not what clients call so.
func (s scrape) varlink(v *nodedns.VarlinkStatus) {
	s.is(varlinkServed, v.Error == "")
	for _, calls := range v.Calls {
		s.count(varlinkCalls, calls.Count, cmp.Or(calls.Method, "unknown"), cmp.Or(calls.Error, "ok"))
	}
	s.set(varlinkConnections, float64(v.Connections))
	s.count(varlinkRefused, v.Refused)
}
