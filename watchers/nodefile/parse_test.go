package nodefile

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/zone"
)

const (
	ours   = "metropolis-00000000000000000000000000000000"
	theirs = "metropolis-11111111111111111111111111111111"
)

// shown is a content in a short form: a line for each node, then the problems.
func shown(c *content) string {
	var lines []string
	for i := range c.nodes {
		n := c.entry(i)
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s=%s %v %v", n.id(), strings.Join(n.names(), ","), slices.Collect(n.addrs), n.roles)))
	}
	return strings.Join(append(lines, c.texts...), "\n")
}

// input is a file, and what is made of it.
type input struct {
	name string
	text string
	want string // shown, or the error
	// beyond is set for what is refused though the schema cannot state it.
	beyond bool
}

func (in *input) check(t *testing.T, file string) {
	t.Helper()
	parsed, err := parse(file, []byte(in.text), zone.DefaultPrefix)
	got := ""
	if err != nil {
		got = err.Error()
	} else {
		got = shown(parsed)
	}
	if got != in.want {
		t.Errorf("got\n%s\nwant\n%s", got, in.want)
	}
}

var hostsInputs = []input{
	{name: "empty"},
	{name: "comments and blank lines", text: "# a comment\n\n   \t\n#10.0.0.1 a\n"},
	{name: "a line", text: "10.0.0.1 web-1 db.corp.example", want: "web-1=db.corp.example [10.0.0.1]"},
	{name: "letter case", text: "10.0.0.1 Web-1 WEB-1 DB\n", want: "web-1=db [10.0.0.1]"},
	{name: "both families", text: "10.0.0.1 web-1\n2001:db8::1 web-1 db\n", want: "web-1=db [10.0.0.1 2001:db8::1]"},
	{name: "an ID", text: "10.0.0.1 web-1 " + strings.ToUpper(theirs) + " db\n", want: theirs + "=web-1,db [10.0.0.1]"},
	{
		name: "two IDs", text: "10.0.0.1 " + theirs + " " + ours + "\n",
		want: theirs + "= [10.0.0.1]\nline 1: name \"" + ours + "\": it is another node's ID",
	},
	{
		name: "below a node ID", text: "10.0.0.1 web-1 " + theirs + ".nodes.example\n",
		want: "web-1= [10.0.0.1]\nline 1: name \"" + theirs + ".nodes.example\": it looks like a node ID",
	},
	{name: "CRLF and a mark of byte order", text: "\ufeff10.0.0.1 a\r\n10.0.0.2 b\r\n", want: "a= [10.0.0.1]\nb= [10.0.0.2]"},
	{
		name: "the usual lines about localhost", text: "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\n10.0.0.1 a\n",
		want: "a= [10.0.0.1]",
	},
	{
		name: "loopback", text: "127.0.1.1 web-1\n",
		want: "line 1: " + zone.CheckAddr(addr("127.0.1.1")).Error(),
	},
	{
		name: "a scope", text: "fe80::1%lo0 web-1\n10.0.0.2 b\n",
		want: "b= [10.0.0.2]\nline 1: \"fe80::1%lo0\": an address with a scope",
	},
	{
		name: "a further address of a family", text: "10.0.0.1 a\n10.0.0.2 a b\n",
		want: "a=b [10.0.0.1]\nline 2: address 10.0.0.2: a has 10.0.0.1, and a node has one address of each family",
	},
	{name: "a line twice", text: "10.0.0.1 a\n10.0.0.1 a\n", want: "a= [10.0.0.1]"},
	{name: "no name", text: "10.0.0.1 # spare\n", want: "line 1: address 10.0.0.1: it has no name"},
	{
		name: "a bad name", text: "10.0.0.1 a_b good localhost\n", want: "good= [10.0.0.1]\n" +
			"line 1: " + nameError("a_b") + "\nline 1: " + nameError("localhost"),
	},
	{
		name: "no good name", text: "\n10.0.0.1 a_b\n",
		want: "line 2: " + nameError("a_b") + "\nline 2: no ID or name of the entry can be used",
	},
	{
		name: "too many names", text: "10.0.0.1 id n1 n2 n3 n4 n5 n6 n7 n8 n9\n",
		want: "id=n1,n2,n3,n4,n5,n6,n7,n8 [10.0.0.1]\nline 1: name \"n9\": a node has at most 8 besides its ID",
	},
	{name: "a conflict of a merge", text: "10.0.0.1 a\n<<<<<<< HEAD\n", want: "line 2: \"<<<<<<<\" is no address"},
	{name: "no address", text: "web-1 10.0.0.1\n", want: "line 1: \"web-1\" is no address"},
	{name: "an address beyond its range", text: "10.0.0.256 web-1\n", want: "line 1: \"10.0.0.256\" is no address"},
	{name: "binary", text: "10.0.0.1 a\x00b\n", want: errBinary.Error()},
	{name: "UTF-16", text: "1\x000\x00", want: errBinary.Error()},
}

var jsonInputs = []input{
	{name: "no nodes", text: " [ ]\n"},
	{
		name: "a node", text: `[{"id": "web-1", "names": ["db", "DB.corp.example"], "addresses": ["10.0.0.1", "2001:db8::1"], "roles": ["consensus-member"]}]`,
		want: "web-1=db,db.corp.example [10.0.0.1 2001:db8::1] consensus-member",
	},
	{name: "a name only", text: `[{"names": ["web-1", "db"], "addresses": []}]`, want: "web-1=db []"},
	{name: "an ID only", text: `[{"addresses": ["10.0.0.1"], "id": "` + theirs + `"}]`, want: theirs + "= [10.0.0.1]"},
	{name: "an ID among the names", text: `[{"names": ["web-1", "` + theirs + `"], "addresses": []}]`, want: theirs + "=web-1 []"},
	{name: "escapes", text: `[{"id": "web\u002d1", "addresses": []}]`, want: "web-1= []"},
	{name: "CRLF and a mark of byte order", text: "\ufeff[\r\n{\"id\":\"a\",\"addresses\":[]}\r\n]\r\n", want: "a= []"},
	{
		name: "two entries of a node", text: `[{"id":"a","addresses":["10.0.0.1"]},{"id":"a","addresses":["2001:db8::1"],"names":["b"]}]`,
		want: "a=b [10.0.0.1 2001:db8::1]",
	},

	{name: "empty", want: "line 1, column 1: unexpected end of JSON input"},
	{name: "half a file", text: "[\n{\"id\": \"a\",", want: "line 2, column 11: unexpected end of JSON input"},
	{name: "a comma too many", text: "[\n  {\"id\": \"a\", \"addresses\": []},\n]", want: "line 3, column 1: invalid character ']' looking for beginning of value"},
	{name: "two documents", text: "[]\n[]", want: "line 2, column 1: invalid character '[' after top-level value"},
	{name: "no array", text: `{"id": "a"}`, want: "line 1, column 1: want an array of nodes"},
	{name: "null", text: "null", want: "line 1, column 1: want an array of nodes"},
	{name: "no object", text: `["web-1"]`, want: "line 1, column 2: want a node, which is an object"},
	{
		name: "an unknown key", text: "[\n {\"id\": \"a\", \"adresses\": []}]",
		want: "line 2, column 14: unknown key \"adresses\": want id, names, addresses or roles",
	},
	{name: "another case", text: `[{"ID": "a", "addresses": []}]`, want: "line 1, column 3: unknown key \"ID\": want id, names, addresses or roles"},
	{name: "a key twice", text: `[{"id": "ä", "id": "b", "addresses": []}]`, want: "line 1, column 14: the key \"id\" is there twice", beyond: true},
	{name: "an ID that is a number", text: `[{"id": 1, "addresses": []}]`, want: "line 1, column 9: want a text, the ID"},
	{name: "an ID that is null", text: `[{"id": null, "addresses": []}]`, want: "line 1, column 9: want a text, the ID"},
	{name: "names that are a text", text: `[{"names": "a", "addresses": []}]`, want: "line 1, column 12: want an array of names"},
	{name: "a name that is a number", text: `[{"names": [1], "addresses": []}]`, want: "line 1, column 13: want a text"},
	{name: "an address that is an array", text: `[{"id": "a", "addresses": [[]]}]`, want: "line 1, column 28: want a text"},
	{name: "roles that are a text", text: `[{"id": "a", "addresses": [], "roles": "b"}]`, want: "line 1, column 40: want an array of roles"},
	{name: "nothing", text: `[{}]`, want: "line 1, column 2: the node has no addresses: without any known it has an empty array of them"},
	{name: "no addresses", text: `[{"id": "a"}]`, want: "line 1, column 2: the node has no addresses: without any known it has an empty array of them"},
	{name: "neither an ID nor a name", text: `[{"addresses": []}]`, want: "line 1, column 2: the node has neither an id nor a name"},
	{name: "no name among the names", text: `[{"addresses": [], "names": []}]`, want: "line 1, column 2: the node has neither an id nor a name"},
	{name: "binary", text: "[\x00]", want: errBinary.Error()},
	{name: "no UTF-8", text: "[{\"id\": \"\xff\"}]", want: "line 1, column 10: not UTF-8, as JSON has to be"},

	{
		name: "a bad name", text: `[{"names": ["a_b", "good"], "addresses": []}]`,
		want: "good= []\nline 1, column 13: " + nameError("a_b"),
	},
	{
		name: "a bad ID", text: `[{"id": "a_b", "names": ["good"], "addresses": []}]`,
		want: "line 1, column 9: " + nameError("a_b") + "\nline 1, column 2: no ID or name of the entry can be used",
	},
	{
		name: "an empty name", text: `[{"id": "a", "names": [""], "addresses": []}]`,
		want: "a= []\nline 1, column 24: " + nameError(""),
	},
	{
		name: "a line break in a name", text: `[{"id": "a", "names": ["b\nc"], "addresses": []}]`,
		want: "a= []\nline 1, column 24: " + nameError("b\nc"),
	},
	{
		name: "a name of ID shape", text: `[{"id": "a", "names": ["` + theirs + `"], "addresses": []}]`, beyond: true,
		want: "a= []\nline 1, column 24: name \"" + theirs + "\": it is another node's ID",
	},
	{
		name: "a name of ID shape before the ID", text: `[{"names": ["` + theirs + `"], "id": "a", "addresses": []}]`, beyond: true,
		want: "a= []\nline 1, column 13: name \"" + theirs + "\": it is another node's ID",
	},
	{name: "the ID among the names", text: `[{"names": ["` + theirs + `"], "id": "` + theirs + `", "addresses": []}]`, want: theirs + "= []"},
	{
		name: "too many names", text: `[{"id": "a", "names": ["1a","2a","3a","4a","5a","6a","7a","8a","9a"], "addresses": []}]`,
		want: "a=1a,2a,3a,4a,5a,6a,7a,8a []\nline 1, column 2: name \"9a\": a node has at most 8 besides its ID",
	},
	{name: "no address", text: `[{"id": "a", "addresses": ["web-1"]}]`, want: "a= []\nline 1, column 28: \"web-1\" is no address"},
	{name: "an empty address", text: `[{"id": "a", "addresses": [""]}]`, want: "a= []\nline 1, column 28: \"\" is no address"},
	{name: "a scope", text: `[{"id": "a", "addresses": ["fe80::1%eth0"]}]`, want: "a= []\nline 1, column 28: \"fe80::1%eth0\": an address with a scope"},
	{
		name: "loopback", text: `[{"id": "a", "addresses": ["127.0.0.1"]}]`, beyond: true,
		want: "a= []\nline 1, column 28: " + zone.CheckAddr(addr("127.0.0.1")).Error(),
	},
	{
		name: "two addresses of a family", text: `[{"id": "a", "addresses": ["10.0.0.1", "10.0.0.2"]}]`, beyond: true,
		want: "a= [10.0.0.1]\nline 1, column 40: address 10.0.0.2: the entry has 10.0.0.1, and a node has one address of each family",
	},
	{
		name: "an unknown role", text: `[{"id": "a", "addresses": [], "roles": ["worker"]}]`,
		want: "a= []\nline 1, column 41: unknown role \"worker\": want one of consensus-member, kubernetes-controller, kubernetes-worker",
	},
}

func TestParse(t *testing.T) {
	t.Parallel()
	for file, inputs := range map[string][]input{"nodes.hosts": hostsInputs, "nodes.json": jsonInputs} {
		for _, in := range inputs {
			t.Run(file+" "+in.name, func(t *testing.T) {
				t.Parallel()
				in.check(t, file)
			})
		}
	}
}

// All problems are counted, and the first ones kept.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	c, err := parse("x.hosts", []byte(strings.Repeat("10.0.0.1 a_b good\n", 1000)), zone.DefaultPrefix)
	if err != nil || c.count != 1000 || len(c.texts) != maxListed || len(c.nodes) != 1 {
		t.Errorf("%d problems, %d kept, error %v", c.count, len(c.texts), err)
	}
}

func TestFormatByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a.hosts": true, "a.json": true, "10-b.c.json": true,
		".a.hosts": false, "a.hosts~": false, ".a.json.swp": false, "a.HOSTS": false, "hosts": false, ".hosts": false, "a.toml": false, "#a.hosts#": false,
	} {
		if isNodeFile(name) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
	if _, err := parse("/srv/nodes", nil, zone.DefaultPrefix); !errors.Is(err, errFormat) {
		t.Errorf("error %v", err)
	}
}

// A file that has one node more than a zone has room for is refused.
func TestTooManyNodes(t *testing.T) {
	t.Parallel()
	b := newBuilder(zone.DefaultPrefix, nil)
	b.nodes = make([]node, maxNodes)
	b.beginEntry(mark{line: 7}).id = "a"
	err := b.endEntry()
	if err == nil || err.Error() != fmt.Sprintf("line 7: more than %d nodes", maxNodes) {
		t.Errorf("error %v", err)
	}
}

func FuzzHosts(f *testing.F) { fuzz(f, "nodes.hosts", hostsInputs) }
func FuzzJSON(f *testing.F)  { fuzz(f, "nodes.json", jsonInputs) }

// fuzz checks what the zone relies on, whatever the file.
func fuzz(f *testing.F, file string, inputs []input) {
	f.Helper()
	for _, in := range inputs {
		f.Add([]byte(in.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse(file, text, zone.DefaultPrefix)
		if err != nil {
			var at *ParseError
			if errors.As(err, &at) && at.Line < 1 {
				t.Errorf("an error without a line: %v", err)
			}
			return
		}
		if len(c.texts) > maxListed || len(c.texts) > c.count {
			t.Errorf("%d problems are kept of %d", len(c.texts), c.count)
		}
		seen := map[string]bool{}
		for i := range c.nodes {
			n := c.entry(i)
			checkNode(t, &n)
			if seen[n.id()] {
				t.Errorf("%s is there twice", n.id())
			}
			seen[n.id()] = true
		}
		again, err := parse(file, text, zone.DefaultPrefix)
		if err != nil || c.text != again.text || !slices.Equal(c.nodes, again.nodes) {
			t.Error("another result the second time")
		}
	})
}

func checkNode(t *testing.T, n *entry) {
	t.Helper()
	if _, err := zone.DefaultPrefix.Parse(n.id()); err != nil {
		checkName(t, n.id())
	}
	for _, name := range n.names() {
		checkName(t, name)
	}
	if n.count() > zone.MaxNames || slices.Contains(n.names(), n.id()) || n.line < 1 {
		t.Errorf("the node %+v", n)
	}
	for addr := range n.addrs {
		if err := zone.CheckAddr(addr); err != nil {
			t.Error(err)
		}
	}
}

func checkName(t *testing.T, name string) {
	t.Helper()
	if canonical, err := zone.ParseName(name); err != nil || canonical != name {
		t.Errorf("the name %q: %v", name, err)
	}
}

// An entry takes memory for what a node can have, however much it lists.
func TestAnEntryIsBounded(t *testing.T) {
	t.Parallel()
	b := newBuilder(zone.DefaultPrefix, nil)
	d := b.beginEntry(mark{line: 1})
	const many = 1000
	for i := range many {
		b.addName(mark{line: 1}, fmt.Sprintf("n-%d", i))
		b.addName(mark{line: 1}, "n-0")
		b.addAddr(mark{line: 1}, netip.AddrFrom4([4]byte{198, 51, byte(100 + i>>8), byte(i)}))
	}
	if len(d.names) > 1+zone.MaxNames {
		t.Errorf("%d names are kept", len(d.names))
	}
	if err := b.endEntry(); err != nil {
		t.Fatal(err)
	}
	c := b.done()
	n := c.entry(0)
	if n.id() != "n-0" || n.count() != zone.MaxNames || !slices.Equal(slices.Collect(n.addrs), []netip.Addr{addr("198.51.100.0")}) {
		t.Errorf("got %+v", n)
	}
	if want := many - 1 - zone.MaxNames + many - 1; b.count != want {
		t.Errorf("%d problems, want %d", b.count, want)
	}
}
