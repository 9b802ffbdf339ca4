package control

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

const (
	// maxWords is how many words are offered. A person does not read more.
	maxWords = 100
	// maxScan is how many names are looked through for those that begin with a
	// text, for which there is no index: some milliseconds. Of more none are
	// offered, rather than some: the shell would take what these have in common
	// for what all have.
	maxScan = 100_000
)

// Completions are the IDs and the names that begin with what was typed, and
// what continues hex digits that were typed without their prefix.
type Completions struct {
	Words []Completion `json:"words"` // sorted
	// Partial means that there are too many whole words, so that some of these
	// are only the beginnings of some.
	Partial bool `json:"partial,omitempty"`
}

// Completion is a word that continues what was typed of a node's ID or name.
type Completion struct {
	Word string `json:"word"`
	// Description is of the node; absent for a beginning.
	Description string `json:"description,omitempty"`
}

// Complete returns what may follow what was typed of a node's ID or name.
func (c *Client) Complete(ctx context.Context, typed string) (Completions, error) {
	var completions Completions
	return completions, c.value(ctx, completePath, url.Values{nameParameter: {typed}}, &completions)
}

func (d *Daemon) serveComplete(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, complete(d.Snapshot(), strings.ToLower(r.URL.Query().Get(nameParameter))))
}

// complete offers whole words where there are few, and of a kind of which there
// are many how it goes on.
func complete(s *zone.Snapshot, typed string) Completions {
	kinds := []words{idWords(s, typed), digitWords(s, typed), nameWords(s, typed)}
	total := 0
	for _, k := range kinds {
		total += k.count
	}
	c := Completions{Words: []Completion{}}
	for _, k := range kinds {
		if total <= maxWords || k.count <= maxWords/len(kinds) {
			c.Words = append(c.Words, k.whole...)
			continue
		}
		c.Partial = true
		for _, beginning := range k.beginnings() {
			c.Words = append(c.Words, Completion{Word: beginning})
		}
	}
	slices.SortFunc(c.Words, func(a, b Completion) int { return strings.Compare(a.Word, b.Word) })
	c.Words = slices.CompactFunc(c.Words, func(a, b Completion) bool { return a.Word == b.Word })
	return c
}

// words are those of one kind that begin with what was typed.
type words struct {
	whole []Completion // some of them, or all where these are maxWords at most
	count int          // if more than maxWords, then not exact
	// beginnings are what the words begin with, one character longer.
	beginnings func() []string
}

// add takes a word for a node. It reports whether more of them are of interest.
func (w *words) add(word string, n zone.Node) (more bool) {
	w.count++
	w.whole = append(w.whole, Completion{word, description(n, word)})
	return w.count <= maxWords
}

// description is a node's other names than one, and its addresses.
func description(n zone.Node, word string) string {
	var parts []string
	node := newNode(n)
	for _, name := range append([]string{node.ID}, node.Names...) {
		if name != word && !slices.Contains(parts, name) {
			parts = append(parts, name)
		}
	}
	for _, addr := range node.Addresses {
		parts = append(parts, addr.String())
	}
	return strings.Join(parts, " ")
}

// idWords are the node IDs that begin with what was typed, and this machine's
// whatever its shape. Other free IDs are among the names.
func idWords(s *zone.Snapshot, typed string) (w words) {
	for n := range s.WithPrefix(typed) {
		if !w.add(string(n.ID()), n) {
			break
		}
	}
	begun := typed
	if prefix := string(s.Prefix()); len(begun) < len(prefix) {
		begun = prefix
	}
	w.beginnings = func() []string { return nextDigits(begun, s.WithPrefix) }
	return w
}

// digitWords are the hex digits of node IDs that begin with what was typed.
func digitWords(s *zone.Snapshot, typed string) (w words) {
	prefix := string(s.Prefix())
	if strings.HasPrefix(typed, prefix) { // they are those of idWords
		return w
	}
	for n := range s.WithDigits(typed) {
		if !w.add(strings.TrimPrefix(string(n.ID()), prefix), n) {
			break
		}
	}
	w.beginnings = func() []string { return nextDigits(typed, s.WithDigits) }
	return w
}

// nextDigits are the texts that are one digit longer and that nodes begin with.
func nextDigits(begun string, nodes func(string) iter.Seq[zone.Node]) (longer []string) {
	for _, digit := range "0123456789abcdef" {
		next := begun + string(digit)
		for range nodes(next) {
			longer = append(longer, next)
			break
		}
	}
	return longer
}

// nameWords are the names that begin with what was typed.
func nameWords(s *zone.Snapshot, typed string) (w words) {
	if s.CountNames() > maxScan {
		return w
	}
	common := ""
	for name := range s.NamesWithPrefix(typed) {
		if w.count == 0 {
			common = name
		}
		common = common[:commonLength(common, name)]
		if w.count++; w.count <= maxWords {
			owner := s.LookupName([]byte(name))
			w.whole = append(w.whole, Completion{name, description(owner.Node, name)})
		}
	}
	w.beginnings = func() (longer []string) {
		for name := range s.NamesWithPrefix(typed) {
			next := name[:min(len(name), len(common)+1)]
			if at, found := slices.BinarySearch(longer, next); !found {
				longer = slices.Insert(longer, at, next)
			}
		}
		return longer
	}
	return w
}

// commonLength is how many octets two texts have in common at their beginning.
func commonLength(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
