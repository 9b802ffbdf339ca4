package nodedns_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const operations = "docs/operations.md"

// anyLevel stands for a level that is chosen while running.
const anyLevel = "any"

// logMethods are those of [slog.Logger]: where the message is, and the level.
var logMethods = map[string]struct {
	message int
	level   string
}{
	"Debug": {0, "debug"}, "Info": {0, "info"}, "Warn": {0, "warn"}, "Error": {0, "error"},
	"DebugContext": {1, "debug"}, "InfoContext": {1, "info"}, "WarnContext": {1, "warn"}, "ErrorContext": {1, "error"},
	"Log": {2, anyLevel}, "LogAttrs": {2, anyLevel},
}

// The manual explains every line that the log can have, and none that it
// cannot. A new line needs a row in docs/operations.md.
func TestLogLinesAreInTheManual(t *testing.T) {
	t.Parallel()
	logged, explained := loggedMessages(t), explainedMessages(t)
	if len(logged) < 50 {
		t.Fatalf("%d messages were found, want most of them", len(logged))
	}
	for message, levels := range logged {
		row, found := explained[message]
		if !found {
			t.Errorf("%s lacks a row for %q, with the level %s", operations, message, strings.Join(levels, ", "))
			continue
		}
		chosen := slices.Contains(levels, anyLevel)
		for _, level := range levels {
			if level != anyLevel && !slices.Contains(row, level) {
				t.Errorf("%s: %q lacks the level %s", operations, message, level)
			}
		}
		if !chosen && len(row) != len(levels) {
			t.Errorf("%s: %q has the levels %v, want %v", operations, message, row, levels)
		}
	}
	for message := range explained {
		if _, found := logged[message]; !found {
			t.Errorf("%s explains %q, which nothing logs", operations, message)
		}
	}
}

// explainedMessages reads the rows of the manual, and their levels.
func explainedMessages(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(operations)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Log lines\n")
	section, _, ended := strings.Cut(section, "\n## ")
	if !found || !ended {
		t.Fatalf("%s lacks the section on log lines", operations)
	}
	explained := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(.+?)` \\| ([a-z, ]+) \\|").FindAllStringSubmatch(section, -1) {
		if _, twice := explained[row[1]]; twice {
			t.Errorf("%s explains %q twice", operations, row[1])
		}
		explained[row[1]] = strings.Split(row[2], ", ")
	}
	return explained
}

// loggedMessages collects what the source passes to a logger, and at which
// levels.
func loggedMessages(t *testing.T) map[string][]string {
	t.Helper()
	messages := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "integration" || entry.Name() == "testdata" || entry.Name() == ".git"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !isLogger(call) {
				return true
			}
			method := logMethods[call.Fun.(*ast.SelectorExpr).Sel.Name]
			message, ok := text(call.Args[method.message])
			if !ok {
				t.Errorf("%v: the message is no constant: the manual cannot have it", files.Position(call.Pos()))
			} else if !slices.Contains(messages[message], method.level) {
				messages[message] = append(messages[message], method.level)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

// isLogger reports whether a call is one of a method of a logger, which is called
// log or Logger wherever there is one: w.log.Info, d.log().Info, log.Info.
func isLogger(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	wanted, ok := logMethods[method.Sel.Name]
	if !ok || len(call.Args) <= wanted.message {
		return false
	}
	receiver := method.X
	if made, ok := receiver.(*ast.CallExpr); ok {
		receiver = made.Fun
	}
	name := ""
	switch r := receiver.(type) {
	case *ast.Ident:
		name = r.Name
	case *ast.SelectorExpr:
		name = r.Sel.Name
	}
	return slices.Contains([]string{"log", "logger", "Logger", "slog", "With"}, name)
}

// text is the value of a literal, or of several that are added up.
func text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.StringVal(constant.MakeFromLiteral(e.Value, e.Kind, 0)), e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := text(e.X)
		right, also := text(e.Y)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}
