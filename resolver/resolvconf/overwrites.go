package resolvconf

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// maxOverwrites within overwriteWindow are too many: two programs must not
	// overwrite each other for ever.
	maxOverwrites   = 10
	overwriteWindow = time.Minute

	// firstPause is how long another program's content stays the first time;
	// then it doubles up to maxPause, so that ten still fit into the window.
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// overwrites count how often another program overwrites what we wrote.
type overwrites struct {
	total  uint64
	by     string      // the last one
	recent []time.Time // those within the window
	due    time.Time   // when to take the file back; zero: it is ours
}

// record counts an overwrite. It reports whether it is the first within the window, and
// whether there were too many.
func (f *overwrites) record(now time.Time, by string) (first, lost bool) {
	for len(f.recent) > 0 && now.Sub(f.recent[0]) >= overwriteWindow {
		f.recent = f.recent[1:]
	}
	f.total++
	f.by = by
	f.recent = append(f.recent, now)
	f.due = now.Add(retry.Pause(len(f.recent), firstPause, maxPause))
	return len(f.recent) == 1, len(f.recent) >= maxOverwrites
}

// pending reports whether the file is still to be taken back.
func (f *overwrites) pending() bool { return !f.due.IsZero() }

// wait is how long until then.
func (f *overwrites) wait(now time.Time) time.Duration {
	if !f.pending() {
		return 0
	}
	return max(f.due.Sub(now), 0)
}

func (f *overwrites) takenOver() { f.due = time.Time{} }

// reset starts over; what was counted stays.
func (f *overwrites) reset() { f.recent, f.due = nil, time.Time{} }

// writers are the programs that are known to write resolv.conf, by the text of
// their comments.
var writers = []struct{ sign, name string }{
	{"NetworkManager", "NetworkManager"},
	{"tailscale", "tailscale"},
	{"resolvconf", "resolvconf"},
	{"systemd-resolved", "systemd-resolved"},
	{"dhclient", "dhclient"},
	{"dhcpcd", "dhcpcd"},
	{"Connection Manager", "ConnMan"},
	{"netconfig", "netconfig"},
	{"cloud-init", "cloud-init"},
	{"VPNC_GENERATED", "vpnc-script"},
}

// generator matches the wording of others.
var generator = regexp.MustCompile(`(?i)\b(?:generated|written|created|managed) by ([[:graph:]]{1,40})`)

// writer names the program that wrote a file, as far as its comments or its owner show.
func writer(c managed.Content) string {
	if !c.Exists {
		return "a program that removed it"
	}
	name := fmt.Sprintf("a program of user ID %d", c.Stat.Uid)
	for line := range strings.Lines(string(c.Bytes)) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			continue
		}
		if found := writerOf(line); found != "" {
			name = found
			break
		}
	}
	if c.Link != "" {
		name += fmt.Sprintf(", by a symlink to %q", c.Link)
	}
	return name
}

// writerOf reads one comment.
func writerOf(comment string) string {
	for _, a := range writers {
		if strings.Contains(comment, a.sign) {
			return a.name
		}
	}
	if match := generator.FindStringSubmatch(comment); match != nil {
		return match[1]
	}
	return ""
}
