package nodefile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nodedns/nodedns/zone"
)

// Of what the manual's recipes make, everything has effect.
func TestRecipes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/recipes/nodes/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parse(file, text, zone.DefaultPrefix)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if len(c.nodes) == 0 || c.count > 0 {
			t.Errorf("%s: %d nodes, problems %q", file, len(c.nodes), c.texts)
		}
	}
}
