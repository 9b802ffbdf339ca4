package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// promtool finds Prometheus's own tool: installed, or unpacked with the packages
// of integration/unpacked.txt.
func promtool(t *testing.T) string {
	t.Helper()
	unpacked := filepath.Join(os.Getenv("NODEDNS_UNPACKED"), "usr/bin/promtool")
	for _, name := range []string{unpacked, "promtool"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const reason = "needs promtool: install it, or run .ci/unpack DIRECTORY, and name that in NODEDNS_UNPACKED"
	if os.Getenv("NODEDNS_REQUIRE_ALL") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return ""
}

// Prometheus takes the metrics, the rules and the dashboard's expressions, and
// the alerts fire when they must and not when they must not.
func TestPromtool(t *testing.T) {
	t.Parallel()
	tool := promtool(t)
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
			cmd := exec.CommandContext(t.Context(), tool, tt.args...)
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
