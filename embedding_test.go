package nodedns

import (
	"os"
	"strings"
	"testing"
)

// The code in the manual is that of the examples, which are run.
func TestEmbeddingPageQuotesExamples(t *testing.T) {
	t.Parallel()
	var examples strings.Builder
	for _, name := range []string{"example_test.go", "example_source_test.go", "example_seed_test.go", "metrics/example_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		examples.WriteString(unindented(string(text)))
	}
	page, err := os.ReadFile("docs/embedding.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("docs/embedding.md has no code")
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		// An ellipsis stands for what the page leaves out.
		for part := range strings.SplitSeq(unindented(code), "\n...\n") {
			if part = strings.TrimSpace(part); !strings.Contains(examples.String(), part) {
				t.Errorf("docs/embedding.md has code that no example has:\n%s", part)
			}
		}
	}
}

func unindented(code string) string {
	var text strings.Builder
	for line := range strings.Lines(code) {
		text.WriteString(strings.TrimLeft(line, "\t "))
	}
	return text.String()
}
