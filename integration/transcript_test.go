package integration

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// step is a command that a page shows, and its output on the page; empty for
// one whose output is not shown.
type step struct {
	line    int
	command string
	output  []string
}

// steps are the commands in the blocks "console", "sh" and "cron" of a page. In
// the first, "$ " begins a command, "> " goes on with it, and what follows is its
// output. The second is one command as a whole, and the third has one in each line
// after when and as which user it is run.
func steps(page string) (found []step) {
	block := ""
	for i, line := range strings.Split(page, "\n") {
		info, isFence := strings.CutPrefix(line, "```")
		last := len(found) - 1
		switch {
		case isFence && block == "":
			block = "in " + info
			if info == "sh" {
				found = append(found, step{line: i + 1})
			}
		case isFence:
			block = ""
		case block == "in sh":
			found[last].command += line + "\n"
		case block == "in cron":
			found = append(found, step{line: i + 1, command: strings.SplitN(line, " ", 7)[6]})
		case block != "in console":
		case strings.HasPrefix(line, "$ "):
			found = append(found, step{line: i + 1, command: line[2:]})
		case strings.HasPrefix(line, "> "):
			found[last].command += "\n" + line[2:]
		default:
			found[last].output = append(found[last].output, line)
		}
	}
	return found
}

// What differs from run to run, though the page shows an example of it: times
// of the day, ages, and the width of columns.
var (
	moment = regexp.MustCompile(`\b(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d(\.\d+)?Z?\b`)
	age    = regexp.MustCompile(`\b(\d+(\.\d+)?(ns|µs|ms|s|m|h|d))+\b`)
	blanks = regexp.MustCompile(`[ \t]+`)
	digits = regexp.MustCompile(`[0-9a-f]{32}`)
)

func normal(line string) string {
	line = moment.ReplaceAllString(line, "TIME")
	line = age.ReplaceAllString(line, "AGE")
	return strings.TrimSpace(blanks.ReplaceAllString(line, " "))
}

// names are the node IDs of a page with those that they stand for, by their
// digits. A page shows IDs of its own, since every key is another one.
type names map[string]string

// matches says whether a command has printed what the page shows: "..." stands
// for any text in a line, or for any lines, and an ID for another one that is
// always the same.
func (n names) matches(shown []string, printed string) bool {
	var pattern strings.Builder
	var unbound []string
	for _, line := range shown {
		if line == "..." {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		line = strings.ReplaceAll(regexp.QuoteMeta(normal(line)), `\.\.\.`, `.*`)
		pattern.WriteString(digits.ReplaceAllStringFunc(line, func(id string) string {
			if bound, ok := n[id]; ok {
				return bound
			}
			unbound = append(unbound, id)
			return `([0-9a-f]{32})`
		}) + `\n`)
	}
	var text strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(printed, "\n"), "\n") {
		text.WriteString(normal(line) + "\n")
	}
	match := regexp.MustCompile(`^` + pattern.String() + `$`).FindStringSubmatch(text.String())
	if match == nil {
		return false
	}
	for i, id := range unbound {
		if bound, again := n[id]; again && bound != match[i+1] {
			return false
		}
		n[id] = match[i+1]
	}
	return true
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	first, second := strings.Repeat("1", 32), strings.Repeat("2", 32)
	for name, tt := range map[string]struct {
		shown   string
		printed string
		want    bool
	}{
		"equal":                 {"a b", "a b\n", true},
		"another text":          {"a b", "a c\n", false},
		"more lines":            {"a", "a\nb\n", false},
		"fewer lines":           {"a\nb", "a\n", false},
		"any text":              {"a ... c", "a b b c\n", true},
		"any lines":             {"a\n...\nc", "a\nb\nb\nc\n", true},
		"no lines":              {"a\n...\nc", "a\nc\n", true},
		"another age and width": {"up  3m12s", "up 250µs\n", true},
		"no age":                {"up  3m12s", "up long\n", false},
		"another ID":            {"n-" + first, "n-" + second + "\n", true},
		"no ID":                 {"n-" + first, "n-1\n", false},
		"the same ID twice":     {first + " " + first, second + " " + second + "\n", true},
		"two IDs for one":       {first + " " + first, second + " " + first + "\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (names{}).matches(strings.Split(tt.shown, "\n"), tt.printed); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// shell is a bash that a page is typed into.
type shell struct {
	cmd   *exec.Cmd
	keys  io.Writer
	lines *bufio.Reader
}

// endMark is the line that the shell prints after each command.
const endMark = "=== status "

// newShell starts a shell on a machine, with that path. What a page leaves
// running ends with the sandbox.
func (m *machine) newShell(path string) *shell {
	m.t.Helper()
	cmd := exec.Command("bash")
	cmd.Env = append(cmd.Environ(), "PATH="+path, "HOME=/root", "NO_COLOR=1")
	keys, err := cmd.StdinPipe()
	must(m.t, err)
	out, err := cmd.StdoutPipe()
	must(m.t, err)
	cmd.Stderr = cmd.Stdout
	must(m.t, m.start(cmd))
	m.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // says that it was killed
	})
	return &shell{cmd: cmd, keys: keys, lines: bufio.NewReader(out)}
}

// types runs a command in the shell. Its input is empty.
func (s *shell) types(command string) (printed string, ok bool, err error) {
	late := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	if _, err := fmt.Fprintf(s.keys, "{ %s\n} </dev/null\necho \"%s$?\"\n", command, endMark); err != nil {
		return "", false, err
	}
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return printed, false, fmt.Errorf("the shell ended: %w", err)
		}
		// What ends without a line break has the mark behind it.
		before, status, ended := strings.Cut(line, endMark)
		printed += before
		if ended {
			return printed, strings.TrimSpace(status) == "0", nil
		}
	}
}
