package cookie

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"
)

// The first sixteen of the vectors published with SipHash: the message of
// vector n is the octets 0 to n-1, the key the octets 0 to 15.
// Shows RFC 9018 4.4.
func TestSipHashReferenceVectors(t *testing.T) {
	vectors := []string{
		"310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785",
		"b7877127e09427cf", "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab",
		"6224939a79f5f593", "b0e4a90bdf82009e", "f3b9dd94c5bb5d7a", "a7ad6b22462fb3f4",
		"fbe50e86bc8f1e75", "903d84c02756ea14", "eef27a8e90ca23f7", "e545be4961ca29a1",
	}
	var key [16]byte
	for i := range key {
		key[i] = byte(i)
	}
	for n, want := range vectors {
		got := binary.LittleEndian.AppendUint64(nil, sipHash(key, key[:n]))
		if hex.EncodeToString(got) != want {
			t.Errorf("of %d octets: %x, want %s", n, got, want)
		}
	}
}

// Shows RFC 7873 5.2.3.
// Shows RFC 9018 4.2, 4.3b, 4.4, A.
func TestVectorsOfRFC9018(t *testing.T) {
	const (
		secret    = "e5e973e5a6b2a43f48e7dc849e37bfcf"
		oldSecret = "dd3bdf9344b678b185a6f5cb60fca715"
		newSecret = "445536bcd2513298075a5d379663c962"
	)
	tests := map[string]struct {
		secret, client, sent string
		now                  int64
		want                 string
	}{
		"A.1 learning a new cookie": {
			secret, "198.51.100.100", "2464c4abcf10c957", 1559731985,
			"2464c4abcf10c957010000005cf79f111f8130c3eee29480",
		},
		"A.2 renewing it after 40 minutes": {
			secret, "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559734385,
			"2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
		},
		"A.3 renewing another client's with reserved octets set": {
			secret, "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 1559734700,
			"fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
		},
		"A.4 the secret has been changed": {
			newSecret, "2001:db8:220:1:59de:d0f4:8769:82b8", "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961,
			"22681ab97d52c298010000005cf7c609a6bb79d16625507a",
		},
		"A.4 with the old secret it is still good": {
			oldSecret, "2001:db8:220:1:59de:d0f4:8769:82b8", "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961,
			"22681ab97d52c298010000005cf7c57926556bd0934c72f8",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := Jar{secret: [16]byte(unhex(t, tt.secret))}
			got := j.Reply(unhex(t, tt.sent), netip.MustParseAddr(tt.client), time.Unix(tt.now, 0))
			if hex.EncodeToString(got[:]) != tt.want {
				t.Errorf("got %x, want %s", got, tt.want)
			}
		})
	}
}

// Shows RFC 7873 5.2.4, 5.2.5.
// Shows RFC 9018 4.1, 4.3a, 4.3b, 4.3c.
func TestWhichCookiesAreKept(t *testing.T) {
	j := New()
	client := netip.MustParseAddr("192.0.2.1")
	tests := map[string]struct {
		client string
		age    time.Duration
		tamper int  // with this octet
		signed bool // and sign it again
		keep   bool
	}{
		"fresh":              {client: "192.0.2.1", keep: true},
		"IPv4-mapped client": {client: "::ffff:192.0.2.1", keep: true},
		"half an hour old":   {client: "192.0.2.1", age: 30 * time.Minute, keep: true},
		"older":              {client: "192.0.2.1", age: 31 * time.Minute},
		"five minutes ahead": {client: "192.0.2.1", age: -5 * time.Minute, keep: true},
		"further ahead":      {client: "192.0.2.1", age: -6 * time.Minute},
		"another client":     {client: "192.0.2.2"},
		"another version":    {client: "192.0.2.1", tamper: 8, signed: true},
		"another hash":       {client: "192.0.2.1", tamper: 23},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			// The timestamp is about to wrap round, or has done so.
			for _, made := range []time.Time{time.Unix(1<<32-10, 0), time.Unix(1<<32+1000, 0)} {
				sent := j.Reply(make([]byte, clientLen), client, made)
				if tt.tamper > 0 {
					sent[tt.tamper] ^= 1
				}
				if tt.signed {
					j.sign(&sent, client)
				}
				got := j.Reply(sent[:], netip.MustParseAddr(tt.client), made.Add(tt.age))
				if kept := got == sent; kept != tt.keep {
					t.Errorf("made at %d: kept: %t, want %t", made.Unix(), kept, tt.keep)
				}
				if [clientLen]byte(got[:]) != [clientLen]byte(sent[:]) {
					t.Errorf("the client's half is %x, sent was %x", got[:clientLen], sent[:clientLen])
				}
			}
		})
	}
}

// Shows RFC 7873 5.2.2.
func TestWellFormed(t *testing.T) {
	good := map[int]bool{8: true}
	for n := 16; n <= 40; n++ {
		good[n] = true
	}
	for n := range 64 {
		if got := WellFormed(make([]byte, n)); got != good[n] {
			t.Errorf("%d octets: %t, want %t", n, got, good[n])
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
