package curator

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// pairOf is a label on the wire, and labelled a node with some.
func pairOf(key, value string) []byte {
	return message(textField(pairKey, key), textField(pairValue, value))
}

func labelled(pairs ...[]byte) []byte {
	var labels []byte
	for _, pair := range pairs {
		labels = append(labels, bytesField(labelsPairs, pair)...)
	}
	return message(textField(nodeID_, nodeID(1)), bytesField(nodeLabels, labels))
}

// Whatever the labels are, the node is there, with the name that they give it or
// with what is none.
func TestNamesOfLabels(t *testing.T) {
	t.Parallel()
	name := func(value string) []byte { return pairOf(nameLabel, value) }
	other := pairOf("example.com/x", "y")
	node := func(fields ...[]byte) []byte { return message(append(fields, textField(nodeID_, nodeID(1)))...) }
	long := strings.Repeat("a", 300)
	for test, row := range map[string]struct {
		node []byte
		want []string
	}{
		"none":             {labelled(), nil},
		"another":          {labelled(other), nil},
		"one":              {labelled(other, name("web-1"), other), []string{"web-1"}},
		"empty":            {labelled(name("")), nil},
		"without a value":  {labelled(textField(pairKey, nameLabel)), nil},
		"as it is":         {labelled(name("../X Y\n,\u202e")), []string{"../X Y\n,\u202e"}},
		"no UTF-8":         {labelled(pairOf("\xff", "\xff"), name("\xff")), []string{"\xff"}},
		"too long":         {labelled(name(long)), []string{long[:maxValue]}},
		"twice":            {labelled(name("web-1"), other, name("web-2")), []string{"web-1,web-2"}},
		"the same twice":   {labelled(name("web-1"), name("web-1")), []string{"web-1,web-1"}},
		"twice, one empty": {labelled(name(""), name("web-1")), []string{",web-1"}},
		"many times":       {labelled(slices.Repeat([][]byte{name("web-1")}, 100)...), []string{"web-1,web-1"}},
		"in two parts": {
			node(bytesField(nodeLabels, bytesField(labelsPairs, other)), bytesField(nodeLabels, bytesField(labelsPairs, name("web-1")))),
			[]string{"web-1"},
		},
		"a key twice, the last of which counts": {
			labelled(message(textField(pairKey, "x"), textField(pairValue, "y"), textField(pairKey, nameLabel), textField(pairValue, "web-1"))),
			[]string{"web-1"},
		},
		"unknown fields": {
			labelled(message(textField(9, "x"), textField(pairKey, nameLabel), numberField(pairValue, 1), textField(pairValue, "web-1"))),
			[]string{"web-1"},
		},
		"a pair that is none":   {labelled([]byte{0x0a, 0xff}, name("web-1")), []string{"web-1"}},
		"labels that are none":  {node(bytesField(nodeLabels, []byte{0x0a, 0xff})), nil},
		"labels of other types": {node(numberField(nodeLabels, 7)), nil},
		"pairs of other types":  {node(bytesField(nodeLabels, numberField(labelsPairs, 7))), nil},
	} {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			for event, err := range encoded(bytesField(nodesField, row.node)).pieces(nameLabel) {
				must(t, err)
				got := event.GetNodes()
				if len(got) != 1 || got[0].GetId() != nodeID(1) || !slices.Equal(names(got[0].GetLabels()), row.want) {
					t.Errorf("nodes %v, want the names %q", got, row.want)
				}
			}
		})
	}
}

// Without a key no label is decoded, and no number of them takes memory.
func TestLabelsThatAreNotDecoded(t *testing.T) {
	t.Parallel()
	const labels = 100_000
	for key, want := range map[string]int{"": 0, "example.com/y": 0, "example.com/x": maxPairs} {
		node := labelled(slices.Repeat([][]byte{pairOf("example.com/x", "y"), {}}, labels)...)
		message := bytes.Repeat(bytesField(nodesField, node), 2)
		for event, err := range encoded(message).pieces(key) {
			must(t, err)
			for _, node := range event.GetNodes() {
				if pairs := node.GetLabels().GetPairs(); len(pairs) != want || len(node.ProtoReflect().GetUnknown()) > 0 {
					t.Errorf("by the key %q, %d labels are decoded, want %d", key, len(pairs), want)
				}
			}
		}
	}
}

// Another label is followed as soon as it is set.
func TestSetNameLabel(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, memory.Node{ID: nodeID(1), Labels: map[string]string{nameLabel: "web-1", "example.com/x": "mail"}})
	address, _ := serve(t, s)
	w, r, _ := watch(t, Config{Endpoints: endpointsAt(address), Insecure: true})
	for i, step := range []struct {
		key  string
		want []string
	}{{"", nil}, {nameLabel, []string{"web-1"}}, {"example.com/x", []string{"mail"}}, {"", nil}} {
		w.SetNameLabel(step.key)
		r.awaitCall(t, "complete", i+1)
		if got := r.names(nodeID(1)); !slices.Equal(got, step.want) {
			t.Errorf("by the key %q, the names are %q, want %q", step.key, got, step.want)
		}
	}
	w.SetNameLabel("")
	s.Directory.Set(memory.Node{ID: nodeID(2)})
	r.awaitCall(t, "set 1", 1)
	if n := w.Status().Connects; n != 4 {
		t.Errorf("%d connections, want one for each key", n)
	}
}
