package curator

import (
	"errors"
	"fmt"
	"iter"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// maxPiece is how many nodes, or tombstones, are decoded at once. An empty node
// takes two bytes in a message and a hundred in memory: decoded as a whole, a
// message of the largest size would take gigabytes.
const maxPiece = 4096

// encoded is a WatchEvent as it came, or a message in it.
type encoded []byte

// codec is that of protocol buffers, and leaves encoded messages as they are.
type codec struct{}

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	return encoding.GetCodecV2(proto.Name).Marshal(v)
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	if message, ok := v.(*encoded); ok {
		*message = data.Materialize()
		return nil
	}
	return encoding.GetCodecV2(proto.Name).Unmarshal(data, v)
}

func (codec) Name() string { return proto.Name }

// The fields of a WatchEvent.
const (
	nodesField      protowire.Number = 1
	progressField   protowire.Number = 2
	tombstonesField protowire.Number = 3
)

// pieces yields the event as several small ones that amount to the same: the
// nodes, then the tombstones, and with the last one the progress. Of a node's
// labels they have only what its name is made of: see nodeDecoder. A message that
// cannot be decoded yields an error, which ends it.
func (m encoded) pieces(nameLabel string) iter.Seq2[*curatorpb.WatchEvent, error] {
	nodes := nodeDecoder{nameLabel: nameLabel}
	return func(yield func(*curatorpb.WatchEvent, error) bool) {
		next := func(piece *curatorpb.WatchEvent) bool { return yield(piece, nil) }
		last, err := m.progress()
		if err == nil {
			last, err = m.only(nodesField, nodes.add, last, next)
		}
		if err == nil {
			last, err = m.only(tombstonesField, addField, last, next)
		}
		switch {
		case errors.Is(err, errStopped):
		case err != nil:
			yield(nil, fmt.Errorf("an event cannot be decoded (unmarshal: %w)", err))
		default:
			yield(last, nil)
		}
	}
}

// errStopped means that no more pieces are wanted.
var errStopped = errors.New("stopped")

// only yields the elements of one repeated field, which add decodes, in pieces,
// and returns the last piece with them, which is not full.
func (m encoded) only(repeated protowire.Number, add func([]byte, *curatorpb.WatchEvent) error, last *curatorpb.WatchEvent, yield func(*curatorpb.WatchEvent) bool) (*curatorpb.WatchEvent, error) {
	progress := last.GetProgress()
	last.Progress = curatorpb.WatchEvent_PROGRESS_UNSPECIFIED
	count := 0
	err := m.fields(func(number protowire.Number, field []byte) error {
		if number != repeated {
			return nil
		}
		if count == maxPiece {
			if !yield(last) {
				return errStopped
			}
			last, count = &curatorpb.WatchEvent{}, 0
		}
		count++
		return add(field, last)
	})
	last.Progress = progress
	return last, err
}

// addField decodes a field of an event, tag included, and adds it.
func addField(field []byte, event *curatorpb.WatchEvent) error {
	return protobuf.UnmarshalOptions{Merge: true}.Unmarshal(field, event)
}

// progress returns the event without all that is repeated in it.
func (m encoded) progress() (*curatorpb.WatchEvent, error) {
	event := &curatorpb.WatchEvent{}
	return event, m.fields(func(number protowire.Number, field []byte) error {
		if number != progressField {
			return nil
		}
		// The last one counts, as it does where the whole is decoded.
		return protobuf.UnmarshalOptions{Merge: true, DiscardUnknown: true}.Unmarshal(field, event)
	})
}

// fields calls visit with each field of the message, tag included: a message of
// its own, since protocol buffers may be cut between any two fields.
func (m encoded) fields(visit func(protowire.Number, []byte) error) error {
	for len(m) > 0 {
		number, _, size := protowire.ConsumeField(m)
		if size < 0 {
			return protowire.ParseError(size)
		}
		if err := visit(number, m[:size]); err != nil {
			return err
		}
		m = m[size:]
	}
	return nil
}
