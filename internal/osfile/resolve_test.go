package osfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	must(t, os.MkdirAll(root+"/a/b", 0o755))
	must(t, os.WriteFile(root+"/a/b/file", nil, 0o600))
	for link, target := range map[string]string{
		"/absolute": "/a/b/file", "/relative": "a/b/../b/file", "/twice": "absolute",
		"/out": "../../../../a/b/file", "/dangling": "a/none/../../../x", "/loop": "loop", "/dir": "/a/b",
	} {
		must(t, os.Symlink(target, root+link))
	}
	tests := map[string]struct {
		path, want string
		components int
		fails      bool
	}{
		"plain":                   {path: "/a/b/file", want: "/a/b/file", components: 3},
		"untidy":                  {path: "//a/./b/../b/file", want: "/a/b/file", components: 5},
		"absolute symlink":        {path: "/absolute", want: "/a/b/file", components: 4},
		"relative symlink":        {path: "/relative", want: "/a/b/file", components: 6},
		"symlink to a symlink":    {path: "/twice", want: "/a/b/file", components: 5},
		"symlink on the way":      {path: "/dir/file", want: "/a/b/file", components: 4},
		"not out of the root":     {path: "/out", want: "/a/b/file", components: 4},
		"missing":                 {path: "/a/c/d/file", want: "/a/c/d/file", components: 2},
		"dangling, with dots":     {path: "/dangling", want: "/x", components: 3},
		"the root":                {path: "/", want: "", components: 0},
		"a loop":                  {path: "/loop", fails: true, components: maxSymlinks + 1},
		"a file on the way":       {path: "/a/b/file/x", want: "/a/b/file/x", fails: true, components: 4},
		"a name that is too long": {path: "/" + strings.Repeat("x", 300), want: "/" + strings.Repeat("x", 300), fails: true, components: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Walk(root, tt.path)
			if (err != nil) != tt.fails || len(got.Components) != tt.components {
				t.Errorf("components %q, error %v; want %d, an error: %t", got.Components, err, tt.components, tt.fails)
			}
			if want := filepath.Join(root, tt.want); !tt.fails && got.File != want {
				t.Errorf("leads to %q, want %q", got.File, want)
			}
		})
	}
}
