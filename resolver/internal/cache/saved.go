package cache

import (
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"time"
)

// A saved cache is, all numbers with the highest octet first:
//
//	savedMagic
//	Origin.All, Origin.Foreign
//	when it was saved, eight octets
//	for each entry, of the main queue and then of the small one, the newest first:
//	    length of the message, two octets, not 0
//	    qualities, one octet
//	    when it expires, eight octets
//	    the message as it came, with the extended errors in an OPT record
//	0, two octets
//	CRC-32C of all that, four octets
//
// Times are nanoseconds of CLOCK_BOOTTIME, so that they hold within one boot.
// There is one encoding of a cache: what is odd is refused as a whole.
//
// The number in savedMagic is raised with any change of what may be kept, such as
// of the rules of package forward about what a server is believed, since a loaded
// answer is not judged by them again.
const savedMagic = "nodedns cache 1\n"

// Qualities of a saved entry, beside its Key.bits.
const (
	savedBits = bitDO | bitCD
	savedOpen = 1 << 2
	savedMain = 1 << 3 // it is in the main queue
	// savedHits is where the number of hits begins, which takes two bits.
	savedHits = 4
	savedAll  = savedBits | savedOpen | savedMain | fullHits<<savedHits
)

// maxGap is how long after it was saved a cache may be loaded. A restart takes a
// second or two; nothing notices meanwhile what would have flushed the cache, such
// as another network that came and went.
const maxGap = time.Minute

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Origin stands for what the answers in a cache depend on: a cache is loaded where
// it is the same. The digests are the caller's.
type Origin struct {
	// All answers depend on this.
	All [sha256.Size]byte
	// Foreign is what those depend on besides that FlushForeign takes out. Where it
	// differs they are left out.
	Foreign [sha256.Size]byte
}

// Why nothing was loaded.
var (
	ErrVersion = errors.New("it is of another version of nodedns")
	ErrOrigin  = errors.New("what its answers depend on has changed since")
	ErrAge     = errors.New("it was saved too long ago")
	ErrDamaged = errors.New("it is damaged")
)
