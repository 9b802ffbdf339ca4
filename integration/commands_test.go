package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// From nothing to an answer: init makes the identity, run uses it.
func TestInit(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	h := newLAN(t).join("node").address()
	h.configure(noUpstream)
	var made struct {
		NodeID string `json:"node_id"`
	}
	must(t, h.decode(&made, "init"))
	if info, err := os.Stat(h.path(keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key: %v, %v, want mode 0600", info, err)
	}
	h.startDaemon()
	eventually(t, "the new name", func() error { return h.knows(made.NodeID, h.v4(), h.v6()) })

	public := h.read(publicKeyFile)
	if message, code := h.refuses("init"); code != 1 || !strings.Contains(message, "is there already") {
		t.Errorf("a second init: exit status %d, %s", code, message)
	}
	if h.read(publicKeyFile) != public {
		t.Error("a second init made another key")
	}
}

// "query" prints what DNS answers, because it is the same decision.
func TestQueryAndDigAgree(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n, peer := c.nodes[0], c.nodes[1]
	c.curator.tell("remove %s", peer.id)
	eventually(t, "the peer departs", func() error { return n.counts(2, 1, 0) })
	queries := []string{
		n.id + " A", n.id + " AAAA", n.id + " TXT", peer.id + " A", strangerID(t) + " A",
		"localhost A", "www.invalid A", "www.example.com A", "printer AAAA",
		"2.0.88.10.in-addr.arpa PTR",
	}
	replies, err := n.digAll(queries)
	must(t, err)
	for i, query := range queries {
		t.Run(query, func(t *testing.T) {
			r, words := replies[i], strings.Fields(query)
			var answer struct {
				Rcode   string
				Records []struct{ Data string }
				Errors  []struct{ Code int }
			}
			// It fails where there is no such record, and answers all the same.
			out, _ := n.nodedns(append([]string{"query", "--json", "--config", configFile}, words...)...)
			must(t, decodeJSON(out, &answer))
			var data []string
			for _, rec := range answer.Records {
				data = append(data, rec.Data)
			}
			must(t, r.expectStatus(answer.Rcode))
			must(t, r.expectAnswer(strings.Join(data, "\n")))
			if len(answer.Errors) != len(r.errors) {
				t.Errorf("query has %d extended errors: %s\ndig: %s", len(answer.Errors), out, r.text)
			}
			for _, e := range answer.Errors {
				if !r.hasError(e.Code, "") {
					t.Errorf("dig lacks the extended error %d:\n%s", e.Code, r.text)
				}
			}
		})
	}
}

// "status --json" prints what the daemon says of itself, which the other tests
// read without the command.
func TestStatusCommand(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newCluster(t, 1).nodes[0]
	eventually(t, "both have the same", func() error {
		var printed, said map[string]any
		must(t, n.decode(&printed, "status"))
		must(t, n.readStatus(&said))
		for key := range said {
			if fmt.Sprint(printed[key]) != fmt.Sprint(said[key]) {
				return fmt.Errorf("%s is %v in the command, %v in the daemon", key, printed[key], said[key])
			}
		}
		if len(printed) != len(said) {
			return fmt.Errorf("the command has %d keys, the daemon %d", len(printed), len(said))
		}
		return nil
	})
}

// Without a daemon the commands that query it fail, and print why.
func TestNoDaemon(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	for _, command := range []string{"status", "nodes"} {
		if message, code := n.refuses(command); code != 1 || !strings.Contains(message, "control.sock") {
			t.Errorf("nodedns %s: exit status %d, %s", command, code, message)
		}
	}
}

// Prometheus finds the daemon's activity.
func TestMetrics(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream, withMetrics)
	n.boot()
	eventually(t, "the daemon answers", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
	must(t, n.answers("NXDOMAIN", strangerID(t)))
	text, err := n.scrape()
	must(t, err)
	for _, want := range []string{
		"nodedns_zone_serial ",
		`nodedns_zone_nodes{state="live"} 1`,
		"nodedns_curator_connected 0",
		`source="zone"`,
		`rcode="NXDOMAIN"`,
		`nodedns_file_writes_total{path="/etc/hosts"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// scrape reads the metrics.
func (m *machine) scrape() (string, error) {
	text, err := m.get("tcp", "127.0.0.1:9353", "/metrics")
	return string(text), err
}
