package hosts

import (
	"errors"
	"io/fs"
	"time"

	"github.com/nodedns/nodedns/internal/osfile"
)

// errUnchanged is returned for a file that still has the known stamp.
var errUnchanged = errors.New("unchanged")

// read returns the content of a file, and its stamp unless that could not show
// a further change. A file that does not exist is empty: it has no lines.
func read(root, path string, known osfile.Stamp) (text []byte, s osfile.Stamp, err error) {
	file, stat, err := osfile.OpenIn(root, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, osfile.Stamp{}, nil
	}
	if err != nil {
		return nil, osfile.Stamp{}, err
	}
	defer file.Close()
	s = osfile.StampOf(&stat)
	if s == known {
		return nil, s, errUnchanged
	}
	now := time.Now() // a write after this leaves a time that is not earlier
	text, err = osfile.ReadAll(file, &stat, maxSize)
	return text, s.AsOf(now), err
}
