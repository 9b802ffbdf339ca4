package zone

import "encoding/binary"

// hexKey reads 32 hex digits of either case, and reports whether all of them
// were.
func hexKey(digits *[hexLen]byte) (k key, ok bool) {
	var bad uint64
	for at := 0; at < hexLen; at += 8 {
		value, odd := hexHalf(binary.BigEndian.Uint64(digits[at:]))
		k.hi, k.lo = k.hi<<32|k.lo>>32, k.lo<<32|value
		bad |= odd
	}
	return k, bad == 0
}

// hexHalf reads 8 hex digits at once, one in each byte of a word: a table, byte
// by byte, takes longer than the upper half of a lookup. Anything else among
// them makes bad differ from zero.
func hexHalf(text uint64) (value, bad uint64) {
	const each = 0x0101010101010101
	letter := text >> 6 & each // letters have bit 6 set, digits have not

	// With small letters moved behind the digits, all sixteen begin with the
	// upper half of '0'. No byte overflows into the next.
	row := (text | letter<<5) - ('a'-'0'-10)*letter
	value = row & (0xf * each)
	over9 := (value + 6*each) >> 4 & each
	bad = (row ^ '0'*each ^ value) | (over9 ^ letter)

	value = (value | value>>4) & 0x00ff00ff00ff00ff
	value = (value | value>>8) & 0x0000ffff0000ffff
	return (value | value>>16) & 0xffffffff, bad
}

// putHexWord writes a word as 16 hex digits, in lower case.
func putHexWord(digits []byte, word uint64) {
	binary.BigEndian.PutUint64(digits, hexDigits(word>>32))
	binary.BigEndian.PutUint64(digits[8:], hexDigits(word&0xffffffff))
}

// hexDigits undoes hexHalf.
func hexDigits(value uint64) (text uint64) {
	const each = 0x0101010101010101
	value = (value | value<<16) & 0x0000ffff0000ffff
	value = (value | value<<8) & 0x00ff00ff00ff00ff
	value = (value | value<<4) & (0xf * each)
	over9 := (value + 6*each) >> 4 & each
	return value + '0'*each + ('a'-'0'-10)*over9
}
