package nodefile

import (
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone"
)

// The keys of a node, in the order in which an error lists them.
const (
	keyID = 1 << iota
	keyNames
	keyAddresses
	keyRoles
)

var nodeKeys = map[string]int{"id": keyID, "names": keyNames, "addresses": keyAddresses, "roles": keyRoles}

// parseJSON reads an array of nodes, as docs/nodes.schema.json describes it. What
// does not have that structure is an error; a text that is no address, name or
// role is refused alone.
func parseJSON(text []byte, prefix zone.Prefix) (*content, error) {
	if !utf8.Valid(text) {
		return nil, failAt(positionOf(text, firstInvalid(text)), "not UTF-8, as JSON has to be")
	}
	if !json.Valid(text) {
		return nil, syntaxError(text)
	}
	b, s := newBuilder(prefix, text), newScanner(text)
	err := s.array("an array of nodes", func() error { return b.readNode(s) })
	if err != nil {
		return nil, err
	}
	return b.done(), nil
}

// syntaxError is what is wrong with a text that is no JSON.
func syntaxError(text []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(text, &any)
	offset := int64(len(text))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && offset > 0 {
		offset = min(max(syntax.Offset-1, 0), offset-1) // of the character that was not expected
	}
	if err == nil {
		err = errors.New("not valid JSON")
	}
	return failAt(positionOf(text, int(offset)), "%v", err)
}

// readNode takes the object that comes next.
func (b *builder) readNode(s *scanner) error {
	d := b.beginEntry(s.mark())
	seen := 0
	named := false
	err := s.object("a node, which is an object", func(at mark, key []byte) error {
		known := nodeKeys[string(key)]
		switch {
		case known == 0:
			return b.fail(at, "unknown key %.80q: want id, names, addresses or roles", key)
		case seen&known != 0:
			return b.fail(at, "the key %q is there twice", key)
		}
		seen |= known
		switch known {
		case keyID:
			return s.oneText("a text, the ID", func(at mark, text []byte) { b.setID(at, string(text)) })
		case keyNames:
			return s.texts("an array of names", func(at mark, text []byte) {
				named = true
				b.addName(at, string(text))
			})
		case keyAddresses:
			return s.texts("an array of addresses", b.parseAddr)
		default:
			return s.texts("an array of roles", b.addRole)
		}
	})
	switch {
	case err != nil:
		return err
	case seen&keyAddresses == 0:
		return b.fail(d.at, "the node has no addresses: without any known it has an empty array of them")
	case seen&keyID == 0 && !named:
		return b.fail(d.at, "the node has neither an id nor a name")
	}
	return b.endEntry()
}

func (b *builder) parseAddr(at mark, text []byte) {
	addr, err := hostsformat.ParseAddr(text)
	switch {
	case errors.Is(err, hostsformat.ErrScope):
		b.refuse(at, "%.80q: %v", text, err)
	case err != nil:
		b.refuse(at, "%.80q is no address", text)
	default:
		b.addAddr(at, addr)
	}
}

func (b *builder) addRole(at mark, text []byte) {
	role, err := zone.ParseRole(string(text))
	if err != nil {
		b.refuse(at, "%v", err)
	}
	b.draft.roles |= role
}
