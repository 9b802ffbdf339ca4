package zone

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// Every byte at every place must be taken as encoding/hex takes it.
func TestHexKey(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for place := range hexLen {
		for c := range 256 {
			var text [hexLen]byte
			for i := range text {
				text[i] = "0123456789abcdefABCDEF"[r.IntN(22)]
			}
			text[place] = byte(c)
			got, ok := hexKey(&text)
			want, err := hex.DecodeString(string(text[:]))
			if ok != (err == nil) {
				t.Fatalf("%q: %v, want an error like %v", text, ok, err)
			}
			if ok && got != (key{binary.BigEndian.Uint64(want), binary.BigEndian.Uint64(want[8:])}) {
				t.Fatalf("%q is %x, want %x", text, got, want)
			}
			if back := string(got.appendID(nil, "")); ok && back != hex.EncodeToString(want) {
				t.Fatalf("%x is written as %q", want, back)
			}
		}
	}
}

func TestKeyBeyond(t *testing.T) {
	t.Parallel()
	k := key{0x0123456789abcdef, 0xfedcba9876543210}
	for bits, want := range map[int]key{
		0:   k,
		4:   {0x123456789abcdeff, 0xedcba98765432100},
		64:  {0xfedcba9876543210, 0},
		68:  {0xedcba98765432100, 0},
		128: {},
	} {
		if got := k.beyond(bits); got != want {
			t.Errorf("beyond %d bits: %x, want %x", bits, got, want)
		}
	}
}

// Neighbours must fall into different corners of a trie, and no two addresses
// may have one key.
func TestReverseKeysAreSpread(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]string{
		"IPv4":            "10.0.0.0",
		"IPv6 hosts":      "2001:db8::",
		"IPv6, one short": "2001:db8:0:1:ffff:ffff:ffff:0",
	} {
		var first [256]int
		seen := map[key]bool{}
		addr := netip.MustParseAddr(from)
		for range 1 << 14 {
			k := reverseKey(addr)
			seen[k] = true
			first[k.hi>>56]++
			addr = addr.Next()
		}
		if len(seen) != 1<<14 {
			t.Errorf("%s: %d keys of %d addresses", name, len(seen), 1<<14)
		}
		for b, n := range first {
			if n < 32 || n > 128 {
				t.Errorf("%s: %d of %d keys begin with %02x, want about 64", name, n, 1<<14, b)
			}
		}
	}
	if reverseKey(netip.MustParseAddr("::1.2.3.4")) == reverseKey(netip.MustParseAddr("1.2.3.4")) {
		t.Error("an IPv4 address has the key of an IPv6 one")
	}
}

func TestReverseKeysOfNetworksDiffer(t *testing.T) {
	t.Parallel()
	seen := map[key]bool{}
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 1 << 14 {
		addr := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 8), byte(i), 15: byte(r.IntN(2))})
		seen[reverseKey(addr)] = true
	}
	if len(seen) != 1<<14 {
		t.Errorf("%d keys of %d addresses", len(seen), 1<<14)
	}
}
