package control

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/httpserver"
	"github.com/nodedns/nodedns/zone"
)

// Filter chooses nodes. The zero value chooses all.
type Filter struct {
	// Text is a part of the ID, of a name or of an address, in any letter case.
	Text string
	// Role is one that the node must have, as in [Node].Roles.
	Role string
	// Departed, if not nil, is whether the node must have departed.
	Departed *bool
}

func (f Filter) values() url.Values {
	values := url.Values{}
	if f.Text != "" {
		values.Set("text", f.Text)
	}
	if f.Role != "" {
		values.Set("role", f.Role)
	}
	if f.Departed != nil {
		values.Set("departed", strconv.FormatBool(*f.Departed))
	}
	return values
}

func parseFilter(values url.Values) (Filter, error) {
	f := Filter{Text: strings.ToLower(values.Get("text")), Role: values.Get("role")}
	if f.Role != "" {
		if _, err := zone.ParseRole(f.Role); err != nil {
			return f, err
		}
	}
	if text := values.Get("departed"); text != "" {
		departed, err := strconv.ParseBool(text)
		if err != nil {
			return f, fmt.Errorf("departed is %q: want true or false", text)
		}
		f.Departed = &departed
	}
	return f, nil
}

func (f Filter) matches(n zone.Node) bool {
	return (f.Departed == nil || *f.Departed == n.Departed()) &&
		(f.Role == "" || slices.Contains(n.Roles().Names(), f.Role)) &&
		(f.Text == "" || f.matchesText(n))
}

func (f Filter) matchesText(n zone.Node) bool {
	if strings.Contains(string(n.ID()), f.Text) {
		return true
	}
	for name := range n.Names() {
		if strings.Contains(name.Text, f.Text) {
			return true
		}
	}
	for addr := range n.Addrs() {
		if strings.Contains(addr.String(), f.Text) {
			return true
		}
	}
	return false
}

// burst is how many nodes are looked at between two looks at the time and at
// the client.
const burst = 1024

// serveNodes streams a snapshot's nodes. The snapshot does not change
// meanwhile, however long the client takes; it may take as long as it goes on
// reading.
func serveNodes(w http.ResponseWriter, r *http.Request, snapshot *zone.Snapshot) {
	filter, err := parseFilter(r.URL.Query())
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	s := stream{out: bufio.NewWriterSize(w, 32<<10), deadlines: http.NewResponseController(w)}
	s.encoder = json.NewEncoder(s.out)
	seen := 0
	for n := range snapshot.All() {
		if filter.matches(n) {
			s.add(newNode(n))
		}
		if seen++; seen%burst == 0 && (r.Context().Err() != nil || !s.extend()) {
			return // without the closing bracket, so that it does not pass for all
		}
	}
	s.end()
}

// stream writes an array piece by piece. Its write errors stick in the
// bufio.Writer.
type stream struct {
	out       *bufio.Writer
	encoder   *json.Encoder
	deadlines *http.ResponseController
	begun     bool
}

func (s *stream) add(n Node) {
	separator := byte(',')
	if !s.begun {
		s.begun, separator = true, '['
	}
	_ = s.out.WriteByte(separator)
	_ = s.encoder.Encode(n)
}

// extend sends what there is and gives the client more time. It reports
// whether the client is still there.
func (s *stream) extend() bool {
	return s.out.Flush() == nil && s.deadlines.SetWriteDeadline(time.Now().Add(httpserver.WriteTimeout)) == nil
}

func (s *stream) end() {
	if !s.begun {
		_ = s.out.WriteByte('[')
	}
	_, _ = s.out.WriteString("]\n")
	_ = s.out.Flush()
}
