package hostsfile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/hostsformat"
)

// block is our block with localhost and the lines given.
func block(lines string) string {
	return hostsformat.BeginMarker + "\n" + localhost4 + localhost6 + lines + hostsformat.EndMarker + "\n"
}

// merge does what a write does to the hosts file in block mode.
func merge(content, nodes string) (string, []string) {
	p := parse([]byte(content), form)
	return string(blockFile(p, table{lines: []byte(nodes)}, true)), p.findings
}

// Shows hosts(5) localhost.
func TestBlock(t *testing.T) {
	t.Parallel()
	const user = "192.0.2.1 printer\n"
	ours := peerLine(1)
	for _, c := range []struct {
		name, content, want string
		findings            int
		user                string // what is left without the block
	}{
		{"empty file", "", block(ours), 0, ""},
		{"at the end of the user's lines", user, user + block(ours), 0, user},
		{
			"localhost is written only where the user lacks it",
			"127.0.0.1\tlocalhost.localdomain LOCALHOST # mine\n",
			"127.0.0.1\tlocalhost.localdomain LOCALHOST # mine\n" +
				hostsformat.BeginMarker + "\n" + localhost6 + ours + hostsformat.EndMarker + "\n",
			0, "127.0.0.1\tlocalhost.localdomain LOCALHOST # mine\n",
		},
		{
			"localhost in a comment is none",
			"#127.0.0.1 localhost\n", "#127.0.0.1 localhost\n" + block(ours), 0, "#127.0.0.1 localhost\n",
		},
		{
			"no final newline", "192.0.2.1 printer",
			user + hostsformat.BeginMarker + "\n" + joinedNote + localhost4 + localhost6 + ours + hostsformat.EndMarker + "\n",
			1, "192.0.2.1 printer",
		},
		{
			"the newline stays when lines follow the block",
			user + hostsformat.BeginMarker + "\n" + joinedNote + hostsformat.EndMarker + "\n192.0.2.2 more",
			user + block(ours) + "192.0.2.2 more", 0, user + "192.0.2.2 more",
		},
		{
			"CRLF lines", "192.0.2.1 printer\r\n127.0.0.1 localhost\r\n::1 localhost\r\n",
			"192.0.2.1 printer\r\n127.0.0.1 localhost\r\n::1 localhost\r\n" +
				hostsformat.BeginMarker + "\n" + ours + hostsformat.EndMarker + "\n",
			1, "192.0.2.1 printer\r\n127.0.0.1 localhost\r\n::1 localhost\r\n",
		},
		{
			"the whole file turned to CRLF",
			"192.0.2.1 printer\r\n" + strings.ReplaceAll(block(peerLine(2)), "\n", "\r\n"),
			"192.0.2.1 printer\r\n" + block(ours), 4, "192.0.2.1 printer\r\n",
		},
		{
			"what is between the markers is ours",
			"# head\n" + hostsformat.BeginMarker + "\nanything\n" + hostsformat.EndMarker + "\n" + user,
			"# head\n" + block(ours) + user, 1, "# head\n" + user,
		},
		{
			"markers with white space", hostsformat.BeginMarker + " \t\n  " + hostsformat.EndMarker + "\r\n" + user,
			block(ours) + user, 2, user,
		},
		{
			"END at the end without newline", user + hostsformat.BeginMarker + "\n" + hostsformat.EndMarker,
			user + block(ours), 1, user,
		},
		{
			"a comment that is almost a marker", "# BEGIN nodedns2\n# END nodedns, really\n",
			"# BEGIN nodedns2\n# END nodedns, really\n" + block(ours), 0,
			"# BEGIN nodedns2\n# END nodedns, really\n",
		},
		{
			"BEGIN without END: the lines of nodes right after it are ours",
			hostsformat.BeginMarker + "\n" + localhost4 + peerLine(2) + peerLine(3) + user + peerLine(4),
			hostsformat.BeginMarker + "\n" + localhost6 + ours + hostsformat.EndMarker + "\n" + localhost4 + user + peerLine(4),
			1, localhost4 + user + peerLine(4),
		},
		{
			"BEGIN without END: a line that only looks like ours is the user's",
			hostsformat.BeginMarker + "\n10.0.0.2  " + peer(2) + "\n" + peerLine(3),
			block(ours) + "10.0.0.2  " + peer(2) + "\n" + peerLine(3),
			1, "10.0.0.2  " + peer(2) + "\n" + peerLine(3),
		},
		{
			"BEGIN without END, at the end", user + hostsformat.BeginMarker, user + block(ours), 2, user,
		},
		{
			"BEGIN twice, END once",
			hostsformat.BeginMarker + "\n" + user + hostsformat.BeginMarker + "\nold\n" + hostsformat.EndMarker + "\n",
			block(ours) + user, 2, user,
		},
		{
			"END without BEGIN: the lines of nodes right before it are ours",
			peerLine(4) + user + peerLine(2) + peerLine(3) + hostsformat.EndMarker + "\n# tail\n",
			peerLine(4) + user + block(ours) + "# tail\n", 1, peerLine(4) + user + "# tail\n",
		},
		{
			"END before BEGIN",
			hostsformat.EndMarker + "\n" + user + hostsformat.BeginMarker + "\n" + peerLine(2),
			block(ours) + user, 2, user,
		},
		{
			"several blocks",
			"# a\n" + block(peerLine(2)) + "# b\n" + block(peerLine(3)) + "# c",
			"# a\n" + block(ours) + "# b\n# c", 1, "# a\n# b\n# c",
		},
		{
			"bytes that are no text", "\x00\xff\xfe\n\n\n\r\n", "\x00\xff\xfe\n\n\n\r\n" + block(ours), 1, "\x00\xff\xfe\n\n\n\r\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, findings := merge(c.content, ours)
			if got != c.want {
				t.Errorf("merged\n%q\nwant\n%q", got, c.want)
			}
			if len(findings) != c.findings {
				t.Errorf("findings %q, want %d", findings, c.findings)
			}
			if again, _ := merge(got, ours); again != got {
				t.Errorf("a second time\n%q\nwant\n%q", again, got)
			}
			p := parse([]byte(got), form)
			if user := string(p.strip()); user != c.user {
				t.Errorf("without the block\n%q\nwant\n%q", user, c.user)
			}
		})
	}
}

func TestParseFindsTheLinesOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	own := "10.0.0.9 " + string(self) + "\n"
	for _, c := range []struct{ name, content, want string }{
		{"in a block", "x\n" + block(peerLine(2)+"foreign\n127.0.0.1 "+peer(3)+"\n"+own), peerLine(2) + own},
		{"after BEGIN", hostsformat.BeginMarker + "\n" + peerLine(2) + own + "x\n" + peerLine(3), peerLine(2) + own},
		{"before END", peerLine(3) + "x\n" + peerLine(2) + own + hostsformat.EndMarker, peerLine(2) + own},
		{"in two blocks", block(peerLine(2)) + peerLine(3) + block(own), peerLine(2) + own},
		{"none", peerLine(3), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if p := parse([]byte(c.content), form); string(p.ours) != c.want {
				t.Errorf("ours %q, want %q", p.ours, c.want)
			}
		})
	}
}

// FuzzBlock checks what must hold for any file at all: that each of the user's
// lines is kept, that a second write changes nothing, and that a file without
// a marker is got back to the byte.
func FuzzBlock(f *testing.F) {
	f.Add("192.0.2.1 printer", peerLine(1))
	f.Add("a\r\n"+hostsformat.BeginMarker+"\n"+peerLine(2)+"b\n"+hostsformat.EndMarker, "")
	f.Add(hostsformat.EndMarker+"\n"+hostsformat.BeginMarker+"\n"+localhost4+hostsformat.BeginMarker+"\r\n", peerLine(1))
	f.Add(hostsformat.BeginMarker+"\n"+joinedNote+hostsformat.EndMarker+"\nx", peerLine(1))
	f.Add("x\n"+hostsformat.BeginMarker+"\n"+joinedNote+peerLine(1)+hostsformat.EndMarker+"\n"+hostsformat.BeginMarker, peerLine(1))
	f.Fuzz(func(t *testing.T, content, nodes string) {
		nodes = onlyNodes(nodes)
		got, _ := merge(content, nodes)
		again, findings := merge(got, nodes)
		if again != got {
			t.Fatalf("not idempotent: %q, then %q", got, again)
		}
		for _, finding := range findings {
			if !strings.Contains(finding, "CR LF") {
				t.Errorf("not up to date after a write: %s", finding)
			}
		}
		p := parse([]byte(got), form)
		left := string(p.strip())
		if !strings.Contains(content, hostsformat.BeginMarker) && !strings.Contains(content, hostsformat.EndMarker) && left != content {
			t.Errorf("without the block %q, want %q", left, content)
		}
		rest := left
		for _, line := range usersLines(content) {
			if strings.Contains(content, joinedNote) {
				line = strings.TrimSuffix(line, "\n") // which may be ours
			}
			_, after, found := strings.Cut(rest, line)
			if !found {
				t.Fatalf("line %q is lost, or out of its order: %q", line, left)
			}
			rest = after
		}
	})
}

func onlyNodes(text string) string {
	var out []byte
	for line := range bytes.Lines([]byte(text)) {
		if form.isOurs(line) {
			out = append(out, line...)
		}
	}
	return string(out)
}

// usersLines returns the lines that are the user's without any doubt: neither
// markers, nor between a BEGIN and the END that follows it, nor just like ours.
func usersLines(content string) []string {
	var certain, held []string
	open := false
	for line := range strings.Lines(content) {
		switch marker, _ := hostsformat.Marker([]byte(line)); {
		case marker == hostsformat.BeginMarker:
			certain, held, open = append(certain, held...), nil, true
		case marker == hostsformat.EndMarker && open:
			held, open = nil, false
		case marker == hostsformat.EndMarker, form.isOurs([]byte(line)), line == joinedNote:
		case open:
			held = append(held, line)
		default:
			certain = append(certain, line)
		}
	}
	return append(certain, held...)
}
