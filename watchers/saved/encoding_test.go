package saved

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// FuzzDecode checks that no file crashes the decoder, and that a file which it
// accepts is the only encoding of its content.
func FuzzDecode(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, content []byte) {
		// With a wrong checksum nothing else would be reached.
		if len(content) >= sumSize {
			content = resummed(content)
		}
		var h header
		var nodes []node
		err := decode(bytes.NewReader(content), func(read header) { h = read }, func(n *node) { nodes = append(nodes, *n) })
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrOld) {
				t.Errorf("error %v is neither ErrDamaged, ErrVersion nor ErrOld", err)
			}
			return
		}
		var again bytes.Buffer
		e, err := newEncoder(&again, h)
		if err != nil {
			t.Fatal(err)
		}
		for i := range nodes {
			if err := e.node(&nodes[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.close(); err != nil {
			t.Fatal(err)
		}
		content[len(magic)+1] = version // of an older one nothing else differs
		if !bytes.Equal(again.Bytes(), resummed(content)) {
			t.Errorf("%x encodes again as %x", content, again.Bytes())
		}
	})
}

func TestDecodePassesOnReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	good := sample(t)
	for size := range len(good) + 1 {
		r := io.MultiReader(bytes.NewReader(good[:size]), failing{broken})
		err := decode(r, func(header) {}, func(*node) {})
		if !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
			t.Fatalf("error after %d bytes: %v", size, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestEncodePassesOnWriteErrors(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.backlog("A", live(1, "10.0.0.1"))
	full := errors.New("no space left")
	_, err := encode(writeFailing{full}, p.Store.Snapshot(), nil, time.Now())
	if !errors.Is(err, full) {
		t.Errorf("encode = %v", err)
	}
	p.backlog(strings.Repeat("x", maxString+1), live(1, "10.0.0.1"))
	if _, err := encode(io.Discard, p.Store.Snapshot(), nil, time.Now()); err == nil {
		t.Error("a cluster ID that does not fit was encoded")
	}
}

type writeFailing struct{ err error }

func (w writeFailing) Write([]byte) (int, error) { return 0, w.err }

func TestFormatIsStable(t *testing.T) {
	t.Parallel()
	const want = "6e6f6465646e730a" + "0004" + "0141" + "0b6d6574726f706f6c69732d" + "000000006b49d200" + "00000004" +
		"00000000000000000000000000000001" + "01" + "01" + "03" + "1e9b" + "00000000" + "0a000001" +
		"00000000000000000000000000000002" + "22" + "00" + "00" + "0000" + "00000000" + "20010db8000000000000000000000002" + "01" + "03" + "05" + "7765622d32" +
		"00000000000000000000000000000003" + "1f" + "00" + "00" + "0000" + "6553f100" + "0a000003" + "20010db8000000000000000000000003" + "00000e10" +
		"00000000000000000000000000000000" + "e1" + "00" + "00" + "0000" + "00000000" + "0a000004" + "02" + "00" + "03" + "6e6173" + "00" + "08" + "6e61732e686f6d65"
	if got := fmt.Sprintf("%x", sample(t)); got[:len(got)-2*sumSize] != want {
		t.Errorf("files of version 4 are written as\n%s, want\n%s", got, want)
	}
}
