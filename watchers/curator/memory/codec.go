package memory

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// raw is a message that is sent as it is.
type raw []byte

// codec is that of protocol buffers, and lets raw messages pass.
type codec struct{}

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	if message, ok := v.(raw); ok {
		return mem.BufferSlice{mem.SliceBuffer(message)}, nil
	}
	return encoding.GetCodecV2(proto.Name).Marshal(v)
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	return encoding.GetCodecV2(proto.Name).Unmarshal(data, v)
}

func (codec) Name() string { return proto.Name }
