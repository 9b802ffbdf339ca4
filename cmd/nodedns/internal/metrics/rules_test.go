package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/verdict"
)

const (
	rulesFile     = "../../../../packaging/prometheus/nodedns.rules.yml"
	casesFile     = "../../../../packaging/prometheus/nodedns.test.yml"
	dashboardFile = "../../../../packaging/grafana/nodedns.json"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// alert is one of the alert rules, as far as the tests need it.
type alert struct {
	name, expr, after, severity string
	annotations                 map[string]string
}

// alerts reads the rules by their indentation, which the file keeps to. Whether
// Prometheus accepts them is for promtool to check.
func alerts(t *testing.T) (all []alert) {
	t.Helper()
	for _, block := range strings.Split(read(t, rulesFile), "\n      - ")[1:] {
		a := alert{after: "at once", annotations: map[string]string{}}
		var last *string
		var annotation string
		for i, line := range strings.Split(block, "\n") {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch {
			case i == 0 && key == "alert":
				a.name = value
			case strings.HasPrefix(line, "        expr:"):
				a.expr, last = value, &a.expr
			case strings.HasPrefix(line, "        for:"):
				a.after = value
			case strings.HasPrefix(line, "          severity:"):
				a.severity = value
			case strings.HasPrefix(line, "          summary:"), strings.HasPrefix(line, "          description:"):
				annotation, last = key, nil
				a.annotations[annotation] = value
			case last != nil:
				*last += " " + strings.TrimSpace(line)
			case annotation != "":
				a.annotations[annotation] += " " + strings.TrimSpace(line)
			}
		}
		if a.name != "" {
			all = append(all, a)
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d alerts were read, want all", len(all))
	}
	return all
}

// Each alert states how severe it is, on which machine, and what to do; and the
// cases show it firing, and not firing.
func TestAlertsAreComplete(t *testing.T) {
	t.Parallel()
	cases := strings.Split(read(t, casesFile), "\n  - name: ")
	for _, a := range alerts(t) {
		if a.severity != "critical" && a.severity != "warning" {
			t.Errorf("%s has the severity %q", a.name, a.severity)
		}
		if strings.Contains(a.expr, "nodedns_") && !strings.Contains(a.annotations["summary"], "{{ $labels.instance }}") {
			t.Errorf("the summary of %s lacks the instance", a.name)
		}
		if len(a.annotations["description"]) < 80 {
			t.Errorf("the description of %s does not say what to do", a.name)
		}
		i := slices.IndexFunc(cases, func(c string) bool { return strings.HasPrefix(c, a.name+"\n") })
		if i < 0 {
			t.Errorf("%s has no cases", a.name)
			continue
		}
		asks := strings.Split(cases[i], "- expr: ")[1:]
		fires := slices.IndexFunc(asks, func(ask string) bool { return strings.Contains(ask, "value: 1") })
		quiet := slices.IndexFunc(asks, func(ask string) bool { return strings.Contains(ask, "exp_samples: []") })
		if fires < 0 || quiet < 0 || strings.Count(cases[i], `alertname="`+a.name+`"`) != len(asks) {
			t.Errorf("the cases of %s do not show it firing and not firing", a.name)
		}
	}
}

// What rules, their cases and the dashboard name is there, with these labels.
func TestNamesInPackagingExist(t *testing.T) {
	t.Parallel()
	known := knownSeries(t)
	for _, path := range []string{rulesFile, casesFile, dashboardFile} {
		text := read(t, path)
		checkLabels(t, path, text, known)
		if path == dashboardFile {
			text = strings.Join(expressions(t), "\n")
		}
		seen := checkNames(t, path, text, known)
		if seen < 25 {
			t.Errorf("%s names %d metrics, want many", path, seen)
		}
	}
}

// The reasons that the alerts select are those that a verdict may have.
func TestReasonsInRulesExist(t *testing.T) {
	t.Parallel()
	for _, path := range []string{rulesFile, casesFile} {
		found := regexp.MustCompile(`reason=~?"([^"]+)"`).FindAllStringSubmatch(read(t, path), -1)
		if len(found) == 0 {
			t.Errorf("%s selects no reason", path)
		}
		for _, match := range found {
			for code := range strings.SplitSeq(match[1], "|") {
				if !slices.ContainsFunc(verdict.Reasons(), func(r verdict.Description) bool { return r.Code == code }) {
					t.Errorf("%s selects the reason %s, which there is not", path, code)
				}
			}
		}
	}
}

// series are names of time series with their labels, those that Prometheus adds
// included.
type series map[string][]string

// knownSeries are those of the daemon, of Prometheus itself, and of the rules.
func knownSeries(t *testing.T) series {
	t.Helper()
	targets := []string{"job", "instance"}
	known := series{"up": targets, "ALERTS": {"alertname", "alertstate", "severity", "job", "instance"}}
	families, err := registry(collector(sample), process).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		name, labels := family.GetName(), slices.Clone(targets)
		if strings.HasPrefix(name, "nodedns_") {
			for _, label := range family.GetMetric()[0].GetLabel() {
				labels = append(labels, label.GetName())
			}
		}
		known[name] = labels
		if family.GetMetric()[0].GetHistogram() != nil {
			known[name+"_bucket"] = append(labels, "le")
		}
	}
	for _, record := range regexp.MustCompile(`record: (\S+)`).FindAllStringSubmatch(read(t, rulesFile), -1) {
		known[record[1]] = slices.Concat(targets, []string{"server"})
	}
	return known
}

var (
	// named matches a series and its selector: one with an underline or a colon,
	// or one of those that Prometheus makes.
	named    = regexp.MustCompile(`\b((?:nodedns|process|go|promhttp)_\w+|\w+:\w+:\w+|up|ALERTS)\b(\{[^}]*\})?`)
	selected = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	grouped  = regexp.MustCompile(`\b(?:by|without|on|ignoring) \(([^)]*)\)|\$labels\.(\w+)|\{\{(\w+)\}\}`)
)

// checkNames looks up all that a text names, and returns how many that were.
func checkNames(t *testing.T, path, text string, known series) int {
	t.Helper()
	seen := map[string]bool{}
	for _, match := range named.FindAllStringSubmatch(text, -1) {
		name := match[1]
		labels, found := known[name]
		if !found {
			t.Errorf("%s names %s, which there is not", path, name)
			continue
		}
		seen[name] = true
		for _, label := range selected.FindAllStringSubmatch(match[2], -1) {
			if !slices.Contains(labels, label[1]) {
				t.Errorf("%s asks %s for the label %s", path, name, label[1])
			}
		}
	}
	return len(seen)
}

// checkLabels looks up the labels that a text groups by or writes out.
func checkLabels(t *testing.T, path, text string, known series) {
	t.Helper()
	everything := []string{}
	for _, labels := range known {
		everything = append(everything, labels...)
	}
	for _, match := range grouped.FindAllStringSubmatch(text, -1) {
		for label := range strings.SplitSeq(match[1]+match[2]+match[3], ", ") {
			if !slices.Contains(everything, label) {
				t.Errorf("%s speaks of the label %s", path, label)
			}
		}
	}
}

// expressions are those of the dashboard, with its variables filled in.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			ID      int
			Type    string
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] || panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %q has another one's number, or nothing to show", panel.Title)
		}
		ids[panel.ID] = true
		for _, target := range panel.Targets {
			if !strings.Contains(target.Expr, "$instance") {
				t.Errorf("panel %q does not keep to the instances that are chosen", panel.Title)
			}
			all = append(all, strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*").Replace(target.Expr))
		}
	}
	return all
}
