package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/nodedns/nodedns"
)

// A machine's daemon from its start to its end, queried by every command.
func TestRun(t *testing.T) {
	t.Parallel()
	r := newMachine(t).start()

	t.Run("status", func(t *testing.T) {
		r.command("status").expect(t, exitOK, "state      ready\n", "")
		o := r.command("status", "--json")
		var status nodedns.Status
		if err := json.Unmarshal([]byte(o.stdout), &status); err != nil {
			t.Fatalf("%v in %s", err, o.stdout)
		}
		if status.NodeID != nodeID || !status.Ready || len(status.Listeners) != 1 || len(status.Files) == 0 {
			t.Errorf("got %+v", status)
		}
	})
	t.Run("nodes", func(t *testing.T) {
		r.command("nodes").expect(t, exitOK, "\n"+nodeID+"  -      192.0.2.10  -      unknown  local   ", "")
		r.command("nodes", "--json").expect(t, exitOK, "[\n  {\"id\":\""+nodeID+`","names":[],"contested_names":[],"file_names":[],"addresses":["192.0.2.10"]`, "")
		r.command("nodes", "--departed", "--json").expect(t, exitOK, "[]\n", "")
		r.command("nodes", "--departed=false", "192.0").expect(t, exitOK, nodeID, "")
	})
	t.Run("query", func(t *testing.T) {
		r.command("query", nodeID).expect(t, exitOK, nodeID+".  10  A  192.0.2.10\n", "")
		r.command("query", strings.ToUpper(nodeID), "a", "--json").expect(t, exitOK, `"data": "192.0.2.10"`, "")
		r.command("query", "192.0.2.10").expect(t, exitOK, "PTR  "+nodeID+".\n", "")
		r.command("query", nodeID, "AAAA").expect(t, exitFailed, "no AAAA record", "has no AAAA record")
		r.command("query", "metropolis-"+strings.Repeat("f", 32)).expect(t, exitFailed, "NXDOMAIN", "does not exist")
		r.command("query", "www.example.com").expect(t, exitFailed, "REFUSED", "cannot be resolved (REFUSED)")
		r.command("query", nodeID, "NONSENSE").expect(t, exitUsage, "", "NONSENSE")
		r.command("query", "").expect(t, exitUsage, "", "the name is empty")
		r.command("query", nodeID, "--json").expect(t, exitOK, `"type": "A,AAAA"`, "")
		r.command("query", "00010203").expect(t, exitOK, nodeID+".  10  A  192.0.2.10\n", "00010203 is the beginning of "+nodeID)
		r.command("query", "00010203", "TXT").expect(t, exitOK, nodeID, "00010203 is the beginning of "+nodeID)
		r.command("query", "printer").expect(t, exitFailed, "nodedns explain printer", "printer has no A or AAAA record")
	})
	t.Run("explain", func(t *testing.T) {
		r.command("explain", nodeID, "A").expect(t, exitOK, "zone          settled      a node\n", "")
		r.command("explain", nodeID[:20], "A").expect(t, exitOK, "zone          settled      a node\n", "is the beginning of "+nodeID)
		r.command("explain", "192.0.2.10").expect(t, exitOK, "reverse       settled      the address of a node\n", "")
		r.command("explain", "www.example.com", "MX", "--dry-run", "--json").expect(t, exitOK, `"rcode": "REFUSED"`, "")
		r.command("explain", nodeID, "NONSENSE").expect(t, exitUsage, "", "NONSENSE")
		r.command("explain", "").expect(t, exitUsage, "", "the name is empty")
	})
	t.Run("flush", func(t *testing.T) {
		r.command("flush").expect(t, exitOK, "nothing to forget\n", "")
		r.command("flush", "www.example.com", "--json").expect(t, exitOK, "{\n  \"flushed\": 0\n}\n", "")
		r.command("flush", "192.0.2.10").expect(t, exitOK, "nothing to forget\n", "")
		r.command("flush", "a..b").expect(t, exitUsage, "", `"a..b"`)
		r.command("flush", "").expect(t, exitUsage, "", "the name is empty")
		r.command("flush", "a", "b").expect(t, exitUsage, "", "")
	})
	t.Run("restore", func(t *testing.T) {
		r.command("restore").expect(t, exitFailed, "", "stop it first")
	})
	t.Run("a second daemon", func(t *testing.T) {
		r.command("run").expect(t, exitFailed, "", "another nodedns daemon is running")
	})
	t.Run("files", func(t *testing.T) {
		eventually(t, "the hosts file has the node", func() bool {
			return strings.Contains(r.read("root/etc/hosts"), "\n192.0.2.10 "+nodeID+"\n")
		})
	})

	o := r.end()
	o.expect(t, exitOK, "", "level=INFO msg=stopping")
	if strings.Contains(o.stderr, "level=ERROR") || strings.Contains(o.stderr, "nodedns: ") {
		t.Errorf("the log has errors:\n%s", o.stderr)
	}
	if _, err := os.Stat(r.path("control.sock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is there after the end: %v", err)
	}
	r.command("status").expect(t, exitFailed, "", "no nodedns daemon answers")

	t.Run("restore after the end", func(t *testing.T) {
		r.command("restore").expect(t, exitOK, r.path("root/etc/hosts")+"  ", "")
		if got := r.read("root/etc/hosts"); got != "127.0.0.1 localhost\n" {
			t.Errorf("the hosts file is %q", got)
		}
		r.command("restore").expect(t, exitOK, "nothing to put back", "")
		r.command("restore", "--json").expect(t, exitOK, "[]\n", "")
	})
}

func TestRunWhatCannotBeBound(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	address := taken.Addr().String()
	for _, key := range []string{"dns.listen", "metrics.listen"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			o := m.command("run", "--"+key, address)
			o.expect(t, exitFailed, "", "nodedns: ")
			o.expect(t, exitFailed, "", address)
			if got := m.read("root/etc/hosts"); got != "127.0.0.1 localhost\n" {
				t.Errorf("the hosts file was touched: %q", got)
			}
			if _, err := os.Stat(m.path("control.sock")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the socket is there after the end: %v", err)
			}
		})
	}
}

// Names are answered even if the status is not available.
func TestRunWithoutControlSocket(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("file", "")
	m.configure(`metrics.listen = "127.0.0.1:0"`)
	m.options = append(m.options, "--control.socket", m.path("file/control.sock"))
	log := m.launch().log
	eventually(t, "the daemon is ready", func() bool { return strings.Contains(log.String(), "msg=ready") })
	if !strings.Contains(log.String(), "level=WARN msg=\"no control socket") {
		t.Errorf("the log does not say so:\n%s", log)
	}
	address := regexp.MustCompile(`msg="metrics are served" address=(\S+)`).FindStringSubmatch(log.String())
	if address == nil {
		t.Fatalf("the log does not say where the metrics are:\n%s", log)
	}
	response, err := http.Get("http://" + address[1] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the metrics: %s", response.Status)
	}
}
