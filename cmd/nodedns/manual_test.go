package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Each command line of the manual is one that there is: its command, its flags,
// and as many arguments as it takes.
func TestManualCommandLines(t *testing.T) {
	t.Parallel()
	mentioned := map[string]bool{}
	for page, text := range manualPages(t) {
		for _, line := range commandLines(text) {
			path, err := understand(line)
			if err != nil {
				t.Errorf("%s: %s: %v", page, line, err)
			}
			if words := strings.Fields(path); len(words) > 1 {
				mentioned[words[1]] = true
			}
		}
	}
	root, _ := newRoot()
	for _, cmd := range root.Commands() {
		if (cmd.Runnable() || cmd.HasSubCommands()) && !cmd.Hidden && !mentioned[cmd.Name()] {
			t.Errorf("the manual does not show %s", cmd.CommandPath())
		}
	}
}

// The test finds what is wrong with a command line.
func TestManualCommandLinesAreUnderstood(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"nodedns query NAME [TYPE]":     "",
		"nodedns run --zone.ttl 30s":    "",
		"nodedns resolvconf restore":    "",
		"nodedns frobnicate":            "unknown command",
		"nodedns status --frobnicate":   "unknown flag",
		"nodedns status now":            "unknown command",
		"nodedns query":                 "",
		"nodedns run --zone.frob 30s":   "unknown flag",
		"nodedns query --json NAME A B": "arg",
	} {
		_, err := understand(line)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

// manualPages are the texts of the manual by their paths.
func manualPages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: pages %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			pages[path] = string(text)
		}
	}
	return pages
}

var (
	// invocation matches a command line of ours, after what may start it.
	invocation = regexp.MustCompile(`^(?:[$>] )?(?:sudo |if |until |while |! |on \S+ |[A-Z]+=\S* |ip netns exec \S+ )*(?:\./)?(nodedns .*)$`)
	// between matches what is between two commands of a line, or ends them.
	between = regexp.MustCompile(`&&|\|\||[|;)]| & ?|&$| #.*$| \d?[<>].*$`)
	// span matches a command line in the text.
	span = regexp.MustCompile("`(nodedns [^`\n]+)`")
)

// commandLines are those in the fenced or indented code of a page and in its
// text. What a transcript shows as output is none.
func commandLines(page string) (found []string) {
	fence := ""
	for line := range strings.SplitSeq(page, "\n") {
		code, indented := strings.CutPrefix(line, "    ")
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && fence == "":
			fence = "```" + info
			continue
		case isFence:
			fence = ""
			continue
		case fence != "":
			code = line
		case !indented:
			for _, match := range span.FindAllStringSubmatch(line, -1) {
				found = append(found, match[1])
			}
			continue
		}
		if fence == "```console" && !strings.HasPrefix(code, "$ ") && !strings.HasPrefix(code, "> ") {
			continue
		}
		for _, part := range between.Split(code, -1) {
			if match := invocation.FindStringSubmatch(strings.TrimSpace(part)); match != nil {
				found = append(found, match[1])
			}
		}
	}
	return found
}

// understand parses a command line without running it, and returns the path of
// its command.
func understand(line string) (path string, err error) {
	words := strings.Fields(strings.NewReplacer("[", "", "]", "", "'", "", `"`, "").Replace(line))
	root, _ := newRoot(words...)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(words[1:])
	if err != nil {
		return "", err
	}
	if err := cmd.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return "", err
	}
	// A text may name a command without its arguments.
	if args := cmd.Flags().Args(); len(args) > 0 {
		err = cmd.ValidateArgs(args)
	}
	return cmd.CommandPath(), err
}
