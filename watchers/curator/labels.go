package curator

import (
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// DefaultNameLabel is the key of the label that usually has a node's readable name.
const DefaultNameLabel = curatorpb.DefaultNameLabel

// The fields of a Node's labels.
const (
	labelsField protowire.Number = 6 // of a Node
	pairsField  protowire.Number = 1 // of NodeLabels
	keyField    protowire.Number = 1 // of NodeLabels.Pair
	valueField  protowire.Number = 2
)

const (
	// maxPairs of a node's labels are decoded: one has its name, and by a second
	// one with the same key it has none.
	maxPairs = 2
	// maxValue is how much of a label's value is decoded, in octets: one more than
	// any name may have.
	maxValue = 254
)

// nodeDecoder decodes nodes, and of their labels only those whose key is
// nameLabel, since an empty label takes two bytes in a message and fifty in memory.
// Labels never cost more than the name: one that cannot be decoded, or that is not
// UTF-8, which protocol buffers demand of all text, is skipped or taken as it is.
type nodeDecoder struct {
	nameLabel string
	scratch   []byte
}

// add decodes a field of an event that has a node, tag included, and adds it.
func (d *nodeDecoder) add(field []byte, event *curatorpb.WatchEvent) error {
	content, ok := contentOf(field)
	if !ok {
		return addField(field, event) // which skips it
	}
	rest, pairs, err := d.split(content)
	if err != nil {
		return err
	}
	node := &curatorpb.Node{}
	if err := protobuf.Unmarshal(rest, node); err != nil {
		return err
	}
	if len(pairs) > 0 {
		node.Labels = &curatorpb.NodeLabels{Pairs: pairs}
	}
	event.Nodes = append(event.Nodes, node)
	return nil
}

// split returns a node without its labels, valid until the next call, and those of
// them that are for its name.
func (d *nodeDecoder) split(node encoded) (rest encoded, pairs []*curatorpb.NodeLabels_Pair, err error) {
	rest = d.scratch[:0]
	err = node.fields(func(number protowire.Number, field []byte) error {
		if labels, ok := contentOf(field); ok && number == labelsField {
			pairs = d.namePairs(labels, pairs)
		} else {
			rest = append(rest, field...)
		}
		return nil
	})
	d.scratch = rest
	return rest, pairs, err
}

// namePairs appends those labels whose key is that of the name.
func (d *nodeDecoder) namePairs(labels encoded, pairs []*curatorpb.NodeLabels_Pair) []*curatorpb.NodeLabels_Pair {
	_ = labels.fields(func(number protowire.Number, field []byte) error {
		pair, ok := contentOf(field)
		if !ok || number != pairsField || d.nameLabel == "" {
			return nil
		}
		key, value, err := keyAndValue(pair)
		if err != nil || string(key) != d.nameLabel || len(pairs) == maxPairs {
			return nil
		}
		value = value[:min(len(value), maxValue)]
		pairs = append(pairs, &curatorpb.NodeLabels_Pair{Key: d.nameLabel, Value: string(value)})
		return nil
	})
	return pairs
}

// keyAndValue returns the two as they are in a pair. The last ones count, as they
// do in any message.
func keyAndValue(pair encoded) (key, value []byte, err error) {
	err = pair.fields(func(number protowire.Number, field []byte) error {
		content, ok := contentOf(field)
		switch {
		case !ok:
		case number == keyField:
			key = content
		case number == valueField:
			value = content
		}
		return nil
	})
	return key, value, err
}

// contentOf returns what is in a field, tag included, if that is text or a message.
func contentOf(field []byte) ([]byte, bool) {
	_, kind, size := protowire.ConsumeTag(field)
	if size < 0 || kind != protowire.BytesType {
		return nil, false
	}
	content, size := protowire.ConsumeBytes(field[size:])
	return content, size >= 0
}

// names are the readable names of a node, as its labels have them: one at most, and
// none where the value is empty, which is as good as no label. Two labels with the
// key of the name are neither a map nor a choice that two readers need make alike:
// they are put together to what is no name, and is refused as such.
func names(labels *curatorpb.NodeLabels) []string {
	pairs := labels.GetPairs()
	switch {
	case len(pairs) > 1:
		return []string{pairs[0].GetValue() + "," + pairs[1].GetValue()}
	case len(pairs) == 1 && pairs[0].GetValue() != "":
		return []string{pairs[0].GetValue()}
	default:
		return nil
	}
}
