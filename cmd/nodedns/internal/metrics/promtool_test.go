package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// Prometheus takes the metrics, the rules and the dashboard's expressions, and
// the alerts fire when they must and not when they must not.
func TestPromtool(t *testing.T) {
	t.Parallel()
	dashboard := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(dashboard, []byte(asRules(t, expressions(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, stdin string
		args        []string
	}{
		{"metrics", scraped(t), []string{"check", "metrics"}},
		{"rules", "", []string{"check", "rules", rulesFile}},
		{"cases", "", []string{"test", "rules", casesFile}},
		{"dashboard", "", []string{"check", "rules", dashboard}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := testkit.Tool(t, "promtool", tt.args...)
			cmd.Stdin = strings.NewReader(tt.stdin)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", cmd, err, out)
			}
		})
	}
}

// asRules makes a file of rules that record each of the expressions.
func asRules(t *testing.T, expressions []string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for i, expression := range expressions {
		quoted, err := json.Marshal(expression)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "      - record: panel:%d\n        expr: %s\n", i, quoted)
	}
	return b.String()
}
