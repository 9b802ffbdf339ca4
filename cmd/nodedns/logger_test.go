package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
)

// Not parallel: it sets the environment.
func TestLoggerInTheJournal(t *testing.T) {
	for _, tt := range []struct {
		name    string
		format  config.LogFormat
		journal bool
		want    []string // regular expressions, by line
	}{
		{"text in the journal", config.LogText, true, []string{
			`^<7>level=DEBUG msg=small$`,
			`^<6>level=INFO msg=plain part=x a="1\\n<0>2"$`,
			`^<4>level=WARN msg=odd part=x g\.a=1$`,
			`^<3>level=ERROR msg=broken$`,
		}},
		{"JSON in the journal", config.LogJSON, true, []string{
			`^<7>{"time":.*"msg":"small"}$`,
			`^<6>{"time":.*"part":"x","a":"1\\n<0>2"}$`,
			`^<4>{"time":.*"part":"x","g":{"a":1}}$`,
			`^<3>{"time":.*"msg":"broken"}$`,
		}},
		{"text elsewhere", config.LogText, false, []string{
			`^time=\S+ level=DEBUG msg=small$`,
			`^time=\S+ level=INFO msg=plain part=x a="1\\n<0>2"$`,
			`^time=\S+ level=WARN msg=odd part=x g\.a=1$`,
			`^time=\S+ level=ERROR msg=broken$`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reader, stderr, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			t.Setenv("JOURNAL_STREAM", stream(t, stderr, tt.journal))
			log := newLogger(stderr, tt.format, slog.LevelDebug)
			log.Debug("small")
			log.With("part", "x").Info("plain", "a", "1\n<0>2")
			log.With("part", "x").WithGroup("g").Warn("odd", "a", 1)
			log.Error("broken")
			stderr.Close()

			var got []string
			for lines := bufio.NewScanner(reader); lines.Scan(); {
				got = append(got, lines.Text())
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %d lines, want %d:\n%s", len(got), len(tt.want), strings.Join(got, "\n"))
			}
			for i, line := range got {
				if !regexp.MustCompile(tt.want[i]).MatchString(line) {
					t.Errorf("got  %s\nwant %s", line, tt.want[i])
				}
				if _, object, found := strings.Cut(line, ">{"); found && !json.Valid([]byte("{"+object)) {
					t.Errorf("no JSON behind the priority: %s", line)
				}
			}
		})
	}
}

// stream is the value of JOURNAL_STREAM where a file is the journal, or where
// the journal is another one.
func stream(t *testing.T, file *os.File, journal bool) string {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	if !journal {
		stat.Ino++
	}
	return fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// The level can be changed while running, in the journal too.
func TestLoggerTakesAnotherLevel(t *testing.T) {
	t.Parallel()
	var out logbook
	level := new(slog.LevelVar)
	log := slog.New(newJournaldHandler(&out, func(w io.Writer) slog.Handler {
		return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
	}))
	log.Debug("one")
	level.Set(slog.LevelDebug)
	log.Debug("two")
	log.Log(t.Context(), slog.LevelDebug-4, "never")
	if got := out.String(); strings.Contains(got, "one") || !strings.Contains(got, "<7>") || strings.Contains(got, "never") {
		t.Errorf("got %q", got)
	}
}
