package nodedns_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// link matches where a link of Markdown leads to.
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// heading matches one that can be linked to.
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	// unslugged matches what a heading loses when it becomes an anchor.
	unslugged = regexp.MustCompile("[^a-z0-9 _-]")
)

// Each link between pages, or to a file of the project, leads somewhere.
func TestManualLinks(t *testing.T) {
	t.Parallel()
	for page, text := range pages(t) {
		for _, target := range targets(text) {
			file, anchor, _ := strings.Cut(target, "#")
			path := filepath.Join(filepath.Dir(page), file)
			if file == "" {
				path = page
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(t, path), anchor) {
				t.Errorf("%s: %s has no heading %q", page, path, anchor)
			}
		}
	}
}

// A reader who begins at the index comes to every page.
func TestManualIndex(t *testing.T) {
	t.Parallel()
	all := pages(t)
	index := targets(all["docs/README.md"])
	decisions := targets(all["docs/architecture.md"])
	for page := range all {
		name, inDocs := strings.CutPrefix(page, "docs/")
		switch {
		case !inDocs, name == "README.md":
		case strings.HasPrefix(name, "adr/"):
			if !slices.Contains(decisions, name) {
				t.Errorf("docs/architecture.md does not lead to %s", page)
			}
		case !slices.Contains(index, name):
			t.Errorf("docs/README.md does not lead to %s", page)
		}
	}
}

// pages are the texts of all pages, by their paths.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = string(text)
		}
	}
	return all
}

// targets are where the links of a page lead to, as far as that is here.
func targets(text string) (found []string) {
	for _, match := range link.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(match[1], "://") {
			found = append(found, match[1])
		}
	}
	return found
}

// anchors are the headings of a page as links spell them.
func anchors(t *testing.T, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range heading.FindAllStringSubmatch(string(text), -1) {
		all = append(all, slug(match[1]))
	}
	return all
}

// slug is the anchor of a heading.
func slug(heading string) string {
	return strings.ReplaceAll(unslugged.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
