package nodefile

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// parser reads one format.
type parser func(text []byte, prefix zone.Prefix) (*content, error)

// parsers are those of the formats, by the endings of the files' names.
var parsers = map[string]parser{".hosts": parseHosts, ".json": parseJSON}

// isNodeFile reports whether a file in a directory has nodes, by its name: hidden
// ones and those of editors have not.
func isNodeFile(name string) bool {
	return !strings.HasPrefix(name, ".") && parsers[filepath.Ext(name)] != nil
}

var (
	errFormat = errors.New("the name ends neither in .hosts nor in .json, so that its format is not known")
	errBinary = errors.New("not a text: it has zero bytes, as UTF-16 has")
)

// parse reads the text of a file by the ending of its name.
func parse(name string, text []byte, prefix zone.Prefix) (*content, error) {
	read := parsers[filepath.Ext(name)]
	if read == nil {
		return nil, errFormat
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, errBinary
	}
	return read(bytes.TrimPrefix(text, []byte("\ufeff")), prefix)
}
