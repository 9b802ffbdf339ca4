package cookie

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"time"
)

const (
	clientLen = 8
	serverLen = 16 // what RFC 9018 gives a server's half

	// Len is the length of our cookies, both halves.
	Len = clientLen + serverLen

	// The limits of RFC 7873, section 4, for any server's half.
	minServerLen, maxServerLen = 8, 32

	version = 1
)

// The times of RFC 9018, section 4.3.
const (
	maxAge   = time.Hour       // older cookies are not valid
	renewAge = maxAge / 2      // older ones are replaced
	maxAhead = 5 * time.Minute // clocks may differ by this much
)

// Jar makes and checks cookies. Its zero value has a known secret: use New.
type Jar struct {
	secret [16]byte
}

// New returns a Jar with a random secret.
func New() *Jar {
	j := new(Jar)
	_, _ = rand.Read(j.secret[:]) // never fails
	return j
}

// WellFormed reports whether the octets of a COOKIE option have a possible
// length: a client's half, alone or with a server's (RFC 7873, section 5.2.2).
func WellFormed(option []byte) bool {
	n := len(option)
	return n == clientLen || n >= clientLen+minServerLen && n <= clientLen+maxServerLen
}

// Reply returns the cookie for the reply to a client that sent a well-formed
// one: the same while it is valid, else a new one. Now is the wall clock's.
func (j *Jar) Reply(sent []byte, client netip.Addr, now time.Time) [Len]byte {
	if len(sent) == Len {
		if age, ok := j.check(sent, client, now); ok && age <= renewAge {
			return [Len]byte(sent)
		}
	}
	var c [Len]byte
	copy(c[:clientLen], sent)
	c[clientLen] = version
	binary.BigEndian.PutUint32(c[12:16], uint32(now.Unix()))
	j.sign(&c, client)
	return c
}

// check reports whether a cookie is one of ours for that client, and its age.
func (j *Jar) check(sent []byte, client netip.Addr, now time.Time) (age time.Duration, ok bool) {
	c := [Len]byte(sent)
	// Serial number arithmetic stays correct beyond the year 2106.
	seconds := int32(uint32(now.Unix()) - binary.BigEndian.Uint32(c[12:16]))
	age = time.Duration(seconds) * time.Second
	if c[clientLen] != version || age > maxAge || age < -maxAhead {
		return 0, false
	}
	j.sign(&c, client)
	return age, subtle.ConstantTimeCompare(c[:], sent) == 1
}

// sign writes the hash at a cookie's end, over what comes before it and the
// client's address (RFC 9018, section 4.4).
func (j *Jar) sign(c *[Len]byte, client netip.Addr) {
	var buffer [16 + 16]byte
	message := append(buffer[:0], c[:16]...)
	if client = client.Unmap(); client.Is4() {
		ip := client.As4()
		message = append(message, ip[:]...)
	} else {
		ip := client.As16()
		message = append(message, ip[:]...)
	}
	binary.LittleEndian.PutUint64(c[16:], sipHash(j.secret, message))
}
