package zone

import "encoding/binary"

// hexWord reads 16 hex digits of either case. Anything else among them makes
// bad differ from zero.
func hexWord(digits []byte) (word, bad uint64) {
	hi, bad := hexHalf(binary.BigEndian.Uint64(digits))
	lo, badLo := hexHalf(binary.BigEndian.Uint64(digits[8:]))
	return hi<<32 | lo, bad | badLo
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

// hexHalf reads 8 hex digits at once, one in each byte of a word: a table, byte
// by byte, takes longer than the upper half of a lookup.
func hexHalf(text uint64) (value, bad uint64) {
	const each = 0x0101010101010101
	letter := text >> 6 & each // letters have bit 6 set, digits have not
	value = text&(0xf*each) + 9*letter

	// Writing the values down again tells whether these were hex digits. No
	// byte overflows into the next: none exceeds 0x18 here, nor 0x6f below.
	over9 := (value + 6*each) >> 4 & each
	lower := value + '0'*each + ('a'-'0'-10)*over9
	bad = lower ^ (text | letter<<5) | value&(0xf0*each)

	value = (value | value>>4) & 0x00ff00ff00ff00ff
	value = (value | value>>8) & 0x0000ffff0000ffff
	return (value | value>>16) & 0xffffffff, bad
}
