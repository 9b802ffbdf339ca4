package curator

import (
	"fmt"
	"strings"
	"testing"

	protobuf "google.golang.org/protobuf/proto"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// The pieces together hold what the event holds, in its order, and none is large.
func TestPieces(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		nodes, buried, pieces int
		progress              curatorpb.WatchEvent_Progress
	}{
		"empty":           {0, 0, 1, 0},
		"marker":          {0, 0, 1, 1},
		"small":           {3, 2, 1, 1},
		"exactly one":     {maxPiece, 0, 1, 1},
		"nodes":           {2*maxPiece + 1, 0, 3, 1},
		"tombstones":      {0, 2*maxPiece + 1, 3, 1},
		"both":            {maxPiece + 1, maxPiece + 1, 3, 1},
		"without an end":  {maxPiece + 1, 0, 2, 0},
		"unknown to come": {0, 0, 1, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event := &curatorpb.WatchEvent{Progress: test.progress}
			for i := range test.nodes {
				event.Nodes = append(event.Nodes, &curatorpb.Node{Id: fmt.Sprint(i)})
			}
			for i := range test.buried {
				event.NodeTombstones = append(event.NodeTombstones, &curatorpb.WatchEvent_NodeTombstone{NodeId: fmt.Sprint(i)})
			}
			message, err := protobuf.Marshal(event)
			must(t, err)
			together, n := &curatorpb.WatchEvent{}, 0
			for piece, err := range encoded(message).pieces(nameLabel) {
				must(t, err)
				if n++; len(piece.GetNodes()) > maxPiece || len(piece.GetNodeTombstones()) > maxPiece {
					t.Error("a piece is too large")
				}
				if together.GetProgress() != 0 {
					t.Error("more follows the marker")
				}
				protobuf.Merge(together, piece)
			}
			if !protobuf.Equal(together, event) || n != test.pieces {
				t.Errorf("%d pieces, want %d, and equal together", n, test.pieces)
			}
		})
	}
}

// nameLabel is the label with the names of nodes in tests.
const nameLabel = DefaultNameLabel

// What can be decoded as a whole is the same in pieces, but for labels. The reverse
// need not be so: unknown fields are skipped here, and not parsed.
func FuzzPieces(f *testing.F) {
	f.Add([]byte{0x0a, 0x00, 0x1a, 0x00, 0x10, 0x01})
	f.Add([]byte{0x0a, 0xff})
	f.Add(bytesField(nodesField, labelled(pairOf(nameLabel, "web-1"), pairOf("a", "b"), pairOf(nameLabel, "\xff"))))
	f.Add(bytesField(nodesField, labelled([]byte{0xff}, pairOf(nameLabel, strings.Repeat("a", 300)))))
	f.Fuzz(func(t *testing.T, message []byte) {
		whole := &curatorpb.WatchEvent{}
		want := protobuf.Unmarshal(message, whole)
		together := &curatorpb.WatchEvent{}
		var got error
		for piece, err := range encoded(message).pieces(nameLabel) {
			if got = err; err == nil {
				protobuf.Merge(together, piece)
			}
		}
		for _, node := range together.GetNodes() {
			if pairs := node.GetLabels().GetPairs(); len(pairs) > maxPairs || len(strings.Join(names(node.GetLabels()), "")) > maxPairs*maxValue+1 {
				t.Errorf("labels %v are decoded", pairs)
			}
		}
		if want != nil {
			return
		}
		if got != nil || len(together.GetNodes()) != len(whole.GetNodes()) || together.GetProgress() != whole.GetProgress() {
			t.Fatalf("together %v, %v, want %v", together, got, whole)
		}
		for i, node := range whole.GetNodes() {
			named := wanted(node.GetLabels())
			if node.Labels = nil; len(named) > 0 {
				node.Labels = &curatorpb.NodeLabels{Pairs: named}
			}
			if got := together.GetNodes()[i]; !protobuf.Equal(got, node) {
				t.Errorf("node %v, want %v", got, node)
			}
		}
	})
}

// wanted are those of some labels that are to be decoded.
func wanted(labels *curatorpb.NodeLabels) (named []*curatorpb.NodeLabels_Pair) {
	for _, pair := range labels.GetPairs() {
		if pair.GetKey() == nameLabel && len(named) < maxPairs {
			value := pair.GetValue()
			named = append(named, &curatorpb.NodeLabels_Pair{Key: nameLabel, Value: value[:min(len(value), maxValue)]})
		}
	}
	return named
}
