package control

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// MaxFound is how many nodes a [Found] has at most. Of more a person needs no
// list, but a longer text.
const MaxFound = 10

// The ways in which a text names a node; see [Found].
const (
	ByID     = "id"
	ByName   = "name"
	ByDigits = "digits"
)

// Found are the nodes that a person means by a text: the first that there is of
//
//  1. the node with this ID,
//  2. the node that has this name or, where none has it, those that claim it,
//  3. those whose ID has hex digits that begin with the text, which is four of
//     them or more, with the prefix or without it.
//
// DNS knows the first two only.
type Found struct {
	// By is [ByID], [ByName] or [ByDigits], and absent if there is no node.
	By    string `json:"by,omitempty"`
	Nodes []Node `json:"nodes"`
	// More means that there are more than these [MaxFound].
	More bool `json:"more,omitempty"`
}

// Find returns the nodes that a person means by a text.
func (c *Client) Find(ctx context.Context, text string) (Found, error) {
	var found Found
	return found, c.value(ctx, findPath, url.Values{nameParameter: {text}}, &found)
}

func (d *Daemon) serveFind(w http.ResponseWriter, r *http.Request) {
	text, err := parseName(r.URL.Query())
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	reply(w, http.StatusOK, find(d.Snapshot(), text))
}

// find is the one place with the order of [Found].
func find(s *zone.Snapshot, text string) Found {
	if n, ok := s.Lookup(text); ok {
		return Found{By: ByID, Nodes: []Node{newNode(n)}}
	}
	if found := firstOf(named(s, text)); len(found.Nodes) > 0 {
		found.By = ByName
		return found
	}
	found := firstOf(s.WithDigits(text))
	if len(found.Nodes) > 0 {
		found.By = ByDigits
	}
	return found
}

// named yields the node that has a name or, where none has it, those that claim
// it.
func named(s *zone.Snapshot, text string) iter.Seq[zone.Node] {
	owner := s.LookupName([]byte(strings.ToLower(text)))
	return func(yield func(zone.Node) bool) {
		if owner.Node.Exists() {
			yield(owner.Node)
			return
		}
		for _, rival := range owner.Rivals.Nodes() {
			if rival.Exists() && !yield(rival) {
				return
			}
		}
	}
}

func firstOf(nodes iter.Seq[zone.Node]) Found {
	found := Found{Nodes: []Node{}}
	for n := range nodes {
		if len(found.Nodes) == MaxFound {
			found.More = true
			break
		}
		found.Nodes = append(found.Nodes, newNode(n))
	}
	return found
}
