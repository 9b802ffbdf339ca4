package config

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the manual's reference anew")

const reference = "../../../../docs/configuration.md"

// The manual's reference is made of the table of keys, and of the packaged
// configuration, which explains each.
func TestReference(t *testing.T) {
	t.Parallel()
	const begin, end = " -update -->\n", "<!-- END keys -->"
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s lacks the marks of the keys", reference)
	}
	want := describeKeys(t)
	if *update {
		if err := os.WriteFile(reference, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if old != want {
		t.Errorf("%s is not up to date: run go test ./cmd/nodedns/internal/config -update", reference)
	}
}

// describeKeys makes Markdown of all keys.
func describeKeys(t *testing.T) string {
	t.Helper()
	texts := explanations(string(readExample(t)))
	packaged := packagedValues(t)
	var b strings.Builder
	section := ""
	for _, k := range keys {
		if k.section() != section {
			section = k.section()
			fmt.Fprintf(&b, "\n## [%s]\n", section)
		}
		if texts[k.name] == "" {
			t.Errorf("%s: the packaged configuration does not explain it", k.name)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s\n", k.name, texts[k.name], facts(k, packaged))
	}
	return b.String() + "\n"
}

// packagedValues are the keys that the packaged configuration sets, as it
// spells their values.
func packagedValues(t *testing.T) map[string]string {
	t.Helper()
	settings, err := readDocument("nodedns.toml", readExample(t))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, s := range settings {
		values[s.name] = spell(s.raw)
	}
	return values
}

// facts is what a row of the table holds beside the meaning.
func facts(k key, packaged map[string]string) string {
	text := "Default: `" + spell(k.defaultValue) + "`."
	if k.isTables() {
		text = "Default: none. It has no flag."
	}
	if value, ok := packaged[k.name]; ok {
		text += " Packaged: `" + value + "`."
	}
	if _, obvious := k.defaultValue.(bool); len(k.words) > 0 && !obvious {
		text += " One of `\"" + strings.Join(k.words, "\"`, `\"") + "\"`."
	}
	if k.needsRestart {
		text += " A change takes a restart."
	}
	return text
}

// spell writes a value as TOML.
func spell(raw any) string {
	switch v := raw.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			words[i] = spell(item)
		}
		return "[" + strings.Join(words, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// explanations are the remarks above the keys of the packaged configuration, as
// Markdown. One that ends with an indented example is about the tables in it.
func explanations(example string) map[string]string {
	texts := map[string]string{}
	section := ""
	var remark, sample []string
	for line := range strings.SplitSeq(example, "\n") {
		indented, isSample := strings.CutPrefix(line, "#     ")
		text, isRemark := strings.CutPrefix(line, "# ")
		name, _, isKey := strings.Cut(strings.TrimPrefix(line, "#"), " = ")
		switch {
		case isSample:
			sample = append(sample, indented)
		case isRemark:
			remark = append(remark, text)
		case line == "#":
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case isKey:
			if texts[section+"."+name] == "" { // its value below the default has none
				texts[section+"."+name] = codeSpans(strings.Join(remark, " "))
			}
		}
		if len(sample) > 0 && !isSample {
			texts[strings.Trim(sample[0], "[]")] = codeSpans(strings.Join(remark, " ")) +
				"\n\n```toml\n" + strings.Join(sample, "\n") + "\n```"
			sample = nil
		}
		if !isRemark && line != "#" {
			remark = nil
		}
	}
	return texts
}

// quoted matches what a remark has in the spelling of the file.
var quoted = regexp.MustCompile("`[^`]*`|\\[\"[^]]*\\]|\"[^\"]*\"|\\[[a-z]+\\]")

// codeSpans marks the values in a remark as such.
func codeSpans(text string) string {
	return quoted.ReplaceAllStringFunc(text, func(value string) string {
		return "`" + strings.Trim(value, "`") + "`"
	})
}
