package doctor

import (
	"os"
	"strings"
	"testing"
)

// The manual states for each check what to do about its finding.
func TestManual(t *testing.T) {
	t.Parallel()
	const page = "../../../../docs/troubleshooting.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range Checks() {
		if !strings.Contains(string(text), "`"+check.ID+"`") {
			t.Errorf("%s does not mention %s", page, check.ID)
		}
	}
}
