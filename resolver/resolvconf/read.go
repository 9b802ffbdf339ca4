package resolvconf

import "github.com/nodedns/nodedns/internal/osfile"

// maxSize is the most that is read of a file, in bytes. One that is larger is
// not replaced either: it could not be backed up.
const maxSize = 64 << 10

// Read returns what the resolv.conf of a Location lists now, and whether it is
// the one that points at us.
func (p Location) Read() (c Contents, stub bool, err error) {
	text, err := read(p.Root, p.Path)
	return Parse(text), isStub(text), err
}

// read returns a file's text.
func read(root, path string) (string, error) {
	text, err := osfile.ReadIn(root, path, maxSize)
	return string(text), err
}
