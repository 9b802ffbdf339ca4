package cookie

import (
	"encoding/binary"
	"math/bits"
)

// sipHash is SipHash-2-4 of a message under a key (Aumasson and Bernstein,
// "SipHash: a fast short-input PRF", 2012), the pseudo-random function that
// RFC 9018, section 4.4, prescribes. It is here because no module in the build
// has it, and a dependency would cost more than it saves.
func sipHash(key [16]byte, message []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	s := sipState{
		k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573,
	}
	last := uint64(len(message)) << 56
	for ; len(message) >= 8; message = message[8:] {
		s = s.absorb(binary.LittleEndian.Uint64(message))
	}
	for i, b := range message {
		last |= uint64(b) << (8 * i)
	}
	s = s.absorb(last)
	s.c ^= 0xff
	s = s.rounds(4)
	return s.a ^ s.b ^ s.c ^ s.d
}

// sipState is passed by value: the compiler keeps it in registers then, and
// in memory each step would wait for the one before to be written.
type sipState struct{ a, b, c, d uint64 }

func (s sipState) absorb(word uint64) sipState {
	s.d ^= word
	s = s.rounds(2)
	s.a ^= word
	return s
}

func (s sipState) rounds(n int) sipState {
	for range n {
		s.a += s.b
		s.b = bits.RotateLeft64(s.b, 13) ^ s.a
		s.a = bits.RotateLeft64(s.a, 32)
		s.c += s.d
		s.d = bits.RotateLeft64(s.d, 16) ^ s.c
		s.a += s.d
		s.d = bits.RotateLeft64(s.d, 21) ^ s.a
		s.c += s.b
		s.b = bits.RotateLeft64(s.b, 17) ^ s.c
		s.c = bits.RotateLeft64(s.c, 32)
	}
	return s
}
