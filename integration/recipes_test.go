package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// recipeLists has what the tools print from which the manual makes a file of
// nodes.
const recipeLists = "../testdata/recipes"

// newListed is a node with everything switched on, with jq, and with these tools,
// which print such a list whatever they are told.
func newListed(t *testing.T) (m *machine, path string) {
	needUnpacked(t, "jq")
	m, path = newEnabled(t)
	unpackedProgram(t, path, "jq")
	for tool, list := range map[string]string{
		"kubectl":           "kubernetes",
		"curl":              "consul",
		"ansible-inventory": "ansible",
		"tailscale":         "tailscale",
		"terraform":         "terraform",
	} {
		file, err := filepath.Abs(filepath.Join(recipeLists, list+".json"))
		must(t, err)
		writeProgram(t, path, tool, "exec cat '"+file+"'")
	}
	return m, path
}

// unpackedProgram makes an unpacked program one of a directory's.
func unpackedProgram(t testing.TB, dir, name string) {
	t.Helper()
	writeProgram(t, dir, name, fmt.Sprintf(`LD_LIBRARY_PATH='%s' exec '%s' "$@"`, testkit.UnpackedLibraryPath(t), testkit.UnpackedPath(name)))
}

// writeProgram makes lines of a shell a program of a directory.
func writeProgram(t testing.TB, dir, name string, lines ...string) {
	t.Helper()
	text := "#!/bin/sh\n" + strings.Join(lines, "\n") + "\n"
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
}
