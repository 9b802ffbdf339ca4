package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// console carries out commands.
type console struct {
	cluster *memory.Cluster // nil where the CA is elsewhere
	server  *memory.Server
	prefix  zone.Prefix
	ahead   atomic.Int64 // how far the curator's clock is ahead, a time.Duration
}

// command is one of the words that a line may begin with.
type command struct {
	usage string
	run   func(c *console, args []string) (answer string, err error)
}

var (
	errQuit  = errors.New("quit")
	errUsage = errors.New("wrong arguments")
)

var commands = map[string]command{
	"set":      {"set ID ADDRESS|- [roles=ROLE,…] [state=STATE] [port=PORT] [boot=TEXT] [name=TEXT] [label=KEY=TEXT]", (*console).set},
	"rename":   {"rename ID TEXT|-", (*console).rename},
	"remove":   {"remove ID…", (*console).remove},
	"fill":     {"fill N [named]", (*console).fill},
	"churn":    {"churn RATE SECONDS", (*console).churn},
	"follower": {"follower on|off", (*console).follower},
	"clock":    {"clock DURATION (ahead of this machine's)", (*console).clock},
	"marker":   {"marker on|off", (*console).marker},
	"cut":      {"cut NODES (0: off)", (*console).cut},
	"issue":    {"issue DIRECTORY [KEYFILE]", (*console).issue},
	"streams":  {"streams", (*console).streams},
	"drop":     {"drop", (*console).drop},
	"leads":    {"leads", (*console).leads},
	"leader":   {"leader ID|- [HOST PORT]", (*console).leader},
	"reach":    {"reach ID PORT", (*console).reach},
	"quit":     {"quit", func(*console, []string) (string, error) { return "", errQuit }},
}

// converse answers each line of in until it ends or a line is quit.
func (c *console) converse(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		answer, err := c.answer(words)
		switch {
		case errors.Is(err, errQuit):
			fmt.Fprintln(out, "ok")
			return nil
		case err != nil:
			fmt.Fprintln(out, "error", strings.ReplaceAll(err.Error(), "\n", "; "))
		default:
			fmt.Fprintln(out, strings.TrimSpace("ok "+answer))
		}
	}
	return lines.Err()
}

func (c *console) answer(words []string) (string, error) {
	cmd, ok := commands[words[0]]
	if !ok {
		return "", fmt.Errorf("unknown command %q", words[0])
	}
	answer, err := cmd.run(c, words[1:])
	if errors.Is(err, errUsage) {
		return "", fmt.Errorf("usage: %s", cmd.usage)
	}
	return answer, err
}

// set takes any ID and address, so that wrong ones can be tried too.
func (c *console) set(args []string) (string, error) {
	if len(args) < 2 {
		return "", errUsage
	}
	node := memory.Node{ID: args[0], State: zone.StateUp, Labels: map[string]string{}}
	if args[1] != "-" {
		node.Address = args[1]
	}
	for _, option := range args[2:] {
		name, value, _ := strings.Cut(option, "=")
		var err error
		switch name {
		case "roles":
			node.Roles, err = parseRoles(value)
		case "state":
			node.State, err = parseState(value)
		case "port":
			node.CuratorPort, err = parsePort(value)
		case "boot":
			node.BootID = value
		case "name":
			node.Labels[memory.NameLabel], err = unquote(value)
		case "label":
			key, text, _ := strings.Cut(value, "=")
			node.Labels[key], err = unquote(text)
		default:
			err = errUsage
		}
		if err != nil {
			return "", err
		}
	}
	c.server.Directory.Set(node)
	return "", c.server.Directory.Err()
}

// rename takes any text for a name, so that wrong ones can be tried too.
func (c *console) rename(args []string) (string, error) {
	if len(args) != 2 {
		return "", errUsage
	}
	name, err := unquote(args[1])
	if args[1] == "-" {
		name = ""
	}
	if err == nil && !c.server.Directory.Rename(args[0], name) {
		err = fmt.Errorf("there is no node %q", args[0])
	}
	return "", err
}

// unquote returns a text of which a word was made: one in double quotes is as in
// Go, without blanks, which a line of commands cannot have in a word: "a\x20b".
func unquote(word string) (string, error) {
	if !strings.HasPrefix(word, `"`) {
		return word, nil
	}
	text, err := strconv.Unquote(word)
	if err != nil {
		return "", fmt.Errorf("%s is no quoted text", word)
	}
	return text, nil
}

func parseRoles(list string) (zone.Roles, error) {
	var roles zone.Roles
	for name := range strings.SplitSeq(list, ",") {
		known := false
		for _, role := range []zone.Roles{zone.ConsensusMember, zone.KubernetesController, zone.KubernetesWorker} {
			if role.String() == name {
				roles, known = roles|role, true
			}
		}
		if !known {
			return 0, fmt.Errorf("unknown role %q", name)
		}
	}
	return roles, nil
}

func parseState(name string) (zone.State, error) {
	for state := zone.StateUnknown; state <= zone.StateDecommissioned; state++ {
		if state.String() == name {
			return state, nil
		}
	}
	return 0, fmt.Errorf("unknown state %q", name)
}

func parsePort(text string) (uint16, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	return uint16(port), err
}

func (c *console) remove(args []string) (string, error) {
	if len(args) == 0 {
		return "", errUsage
	}
	c.server.Directory.Remove(args...)
	return "", nil
}

// fill adds N nodes, the same at each call, with addresses from 100.64.0.1 on and,
// if they are to be named, the names node-0, node-1 and so on.
func (c *console) fill(args []string) (string, error) {
	named := len(args) == 2 && args[1] == "named"
	if named {
		args = args[:1]
	}
	n, err := number(args)
	if err != nil || n > 1<<22 {
		return "", errUsage
	}
	nodes := make([]memory.Node, n)
	addr := netip.MustParseAddr("100.64.0.0")
	for i := range nodes {
		addr = addr.Next()
		sum := sha256.Sum256(strconv.AppendInt(nil, int64(i), 10))
		nodes[i] = memory.Node{
			ID:      string(c.prefix) + hex.EncodeToString(sum[:16]),
			Address: addr.String(),
			State:   zone.StateUp,
		}
		if named {
			nodes[i].Labels = memory.Named("node-" + strconv.Itoa(i))
		}
	}
	c.server.Directory.Set(nodes...)
	return strconv.Itoa(n), nil
}

func (c *console) follower(args []string) (string, error) {
	on, err := onOff(args)
	return "", c.behave(err, func(b *memory.Behaviour) { b.Follower = on })
}

func (c *console) marker(args []string) (string, error) {
	on, err := onOff(args)
	return "", c.behave(err, func(b *memory.Behaviour) { b.NoMarker = !on })
}

func (c *console) cut(args []string) (string, error) {
	n, err := number(args)
	return "", c.behave(err, func(b *memory.Behaviour) { b.Cut = n })
}

func (c *console) clock(args []string) (string, error) {
	if len(args) != 1 {
		return "", errUsage
	}
	ahead, err := time.ParseDuration(args[0])
	c.ahead.Store(int64(ahead))
	return "", err
}

func (c *console) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *console) behave(err error, change func(*memory.Behaviour)) error {
	if err != nil {
		return err
	}
	b := c.server.Behaviour()
	change(&b)
	c.server.Behave(b)
	return nil
}

// issue writes the credentials of the node that owns KEYFILE. Where that holds
// a private key, or where there is none and a key is made, node.key is written
// too; otherwise the node has to put it there.
func (c *console) issue(args []string) (string, error) {
	if len(args) != 1 && len(args) != 2 {
		return "", errUsage
	}
	if c.cluster == nil {
		return "", errors.New("this curator does not have its cluster's CA")
	}
	pub, key, err := readKey(args[1:])
	if err != nil {
		return "", err
	}
	return string(c.prefix.FromPublicKey(pub)), c.cluster.WriteCredentials(args[0], pub, key)
}

func readKey(files []string) (ed25519.PublicKey, ed25519.PrivateKey, error) {
	if len(files) == 0 {
		return ed25519.GenerateKey(rand.Reader)
	}
	text, err := osfile.Read(files[0], 64<<10)
	if err != nil {
		return nil, nil, err
	}
	if block, _ := pem.Decode(text); block != nil && block.Type == "PRIVATE KEY" {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if key, ok := parsed.(ed25519.PrivateKey); ok && err == nil {
			return key.Public().(ed25519.PublicKey), key, nil
		}
	}
	pub, err := zone.ParsePublicKey(text)
	return pub, nil, err
}

func (c *console) streams([]string) (string, error) {
	return strconv.Itoa(c.server.Streams()), nil
}

func (c *console) drop([]string) (string, error) {
	c.server.Drop()
	return "", nil
}

func onOff(args []string) (bool, error) {
	if len(args) != 1 || args[0] != "on" && args[0] != "off" {
		return false, errUsage
	}
	return args[0] == "on", nil
}

func number(args []string) (int, error) {
	if len(args) != 1 {
		return 0, errUsage
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 0 {
		return 0, errUsage
	}
	return n, nil
}
