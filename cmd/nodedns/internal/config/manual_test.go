package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the manual shows of the configuration is valid. A block for another
// program begins with the name of its file.
func TestManual(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("pages %v, %v", pages, err)
	}
	for _, page := range append(pages, "../../../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "```toml\n")[1:] {
			settings, _, _ := strings.Cut(block, "```")
			if strings.HasPrefix(settings, "# /etc/") {
				continue
			}
			c, err := Parse(filepath.Base(page), []byte(settings), nil)
			if err != nil {
				t.Errorf("%v in\n%s", err, settings)
			}
			if warnings := c.Warnings(); len(warnings) > 0 {
				t.Errorf("%s: %q in\n%s", page, warnings, settings)
			}
		}
	}
}
