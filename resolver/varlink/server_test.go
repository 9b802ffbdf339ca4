package varlink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/unixsocket"
)

// Shows io.systemd.Resolve service.
func TestService(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	start(t, s)
	c := dial(t, s)
	info := c.call(`{"method":"org.varlink.service.GetInfo"}`)
	for _, want := range []string{`"product":"nodedns"`, `"interfaces":["org.varlink.service","io.systemd.Resolve"]`} {
		if !strings.Contains(info, want) {
			t.Errorf("%s lacks %s", info, want)
		}
	}
	for _, tt := range []struct{ name, call, want string }{
		{"no such method", `{"method":"io.systemd.Resolve.Resolve"}`, `{"parameters":{"method":"io.systemd.Resolve.Resolve"},"error":"org.varlink.service.MethodNotFound"}`},
		{"no such interface", `{"method":"io.systemd.Login.List"}`, `{"parameters":{"interface":"io.systemd.Login"},"error":"org.varlink.service.InterfaceNotFound"}`},
		{"no interface", `{"method":"List"}`, `{"parameters":{"method":"List"},"error":"org.varlink.service.MethodNotFound"}`},
		{"an interface as method", `{"method":"io.systemd.Resolve"}`, `{"parameters":{"interface":"io.systemd"},"error":"org.varlink.service.InterfaceNotFound"}`},
		{"an upgrade", `{"method":"org.varlink.service.GetInfo","upgrade":true}`, invalid("upgrade")},
		{"more, of what has one reply", `{"method":"org.varlink.service.GetInterfaceDescription","more":true}`, `{"parameters":{"interface":""},"error":"org.varlink.service.InterfaceNotFound"}`},
		{"no such description", `{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"x"}}`, `{"parameters":{"interface":"x"},"error":"org.varlink.service.InterfaceNotFound"}`},
	} {
		if got := c.call(tt.call); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// The descriptions have all methods and every error.
// Shows io.systemd.Resolve service.
func TestDescriptions(t *testing.T) {
	t.Parallel()
	all := []Interface{Resolve(host()), Monitor(nil)}
	all = append(all, service(all))
	for _, i := range all {
		if !strings.Contains(i.Description, "\ninterface "+i.Name+"\n") {
			t.Errorf("%s: not named", i.Name)
		}
		described := strings.Count(i.Description, "\nmethod ")
		for name := range i.Methods {
			if !strings.Contains(i.Description, "\nmethod "+name+"(") {
				t.Errorf("%s: %s is not described", i.Name, name)
			}
		}
		if described != len(i.Methods) {
			t.Errorf("%s: %d methods are described, and %d are there", i.Name, described, len(i.Methods))
		}
	}
	for _, err := range []*Error{
		ErrNetworkDown, ErrNoNameServers, ErrMaxAttemptsReached, ErrNameError, ErrNoSuchResourceRecord, ErrCNAMELoop,
		ErrNoSource, ErrBadAddressSize, ErrPermissionDenied, errExpectedMore,
		ErrInvalidParameter(""), errInterfaceNotFound(""), errMethodNotFound(""),
	} {
		dot := strings.LastIndexByte(err.ID, '.')
		i := slices.IndexFunc(all, func(i Interface) bool { return i.Name == err.ID[:dot] })
		if i < 0 || !strings.Contains(all[i].Description, "\nerror "+err.ID[dot+1:]+" (") {
			t.Errorf("%s is not described", err.ID)
		}
	}
}

// Shows io.systemd.Resolve messages, oneway.
func TestCallsAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	start(t, s)
	c := dial(t, s)
	const calls = 100
	var all []string
	for i := range calls {
		all = append(all, fmt.Sprintf(hostnameCall, fmt.Sprintf(`{"name":"name%d","family":2}`, i)))
		// A oneway call gets no reply, not even an error.
		all = append(all, `{"method":"org.varlink.service.GetInfo","oneway":true}`, `{"method":"x.y.Z","oneway":true}`)
	}
	c.send(all...)
	for i := range calls {
		reply, err := c.receive()
		if want := fmt.Sprintf(`"canonical.name%d"`, i); err != nil || !strings.Contains(reply, want) {
			t.Fatalf("got %s, %v, want %s", reply, err, want)
		}
	}
}

// A client that sends an invalid call is disconnected, and no other client is.
// Shows io.systemd.Resolve messages.
func TestMalformed(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	start(t, s)
	other := dial(t, s)
	for name, message := range map[string]string{
		"nothing":              "",
		"no JSON":              "GET / HTTP/1.1\r\n\r\n",
		"a list":               "[]",
		"no method":            `{"parameters":{}}`,
		"a method of no text":  `{"method":{}}`,
		"two objects":          `{"method":"a.b"}{"method":"a.b"}`,
		"cut":                  `{"method":"a.b"`,
		"no UTF-8":             "{\"method\":\"a.\xff\"}",
		"deep":                 `{"method":"a.b","parameters":` + strings.Repeat("[", 12_000),
		"too long":             `{"method":"` + strings.Repeat("a", maxMessage) + `"}`,
		"too long, and no end": strings.Repeat(" ", 2*maxMessage),
	} {
		c := dial(t, s)
		c.send(message)
		if reply, err := c.receive(); err == nil {
			t.Errorf("%s: got the reply %s", name, reply)
		}
	}
	if got := other.call(fmt.Sprintf(hostnameCall, `{"name":"a","family":2}`)); !strings.Contains(got, v4Entry) {
		t.Errorf("another connection got %s", got)
	}
}

// Of two values under one key the last counts, as everywhere; a long name and
// whatever its characters are passed on.
func TestOddButWellFormed(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	start(t, s)
	c := dial(t, s)
	for _, call := range []string{
		`{"method":"x.y.Z","method":"io.systemd.Resolve.ResolveHostname","parameters":{"name":1,"name":"a"},"parameters":{"name":"a","name":"b"}}`,
		fmt.Sprintf(hostnameCall, `{"name":"`+strings.Repeat("a", 10_000)+`"}`),
		" \n" + fmt.Sprintf(hostnameCall, `{"name":"\ud800\u0000\""}`) + " ",
		`{"method":"io.systemd.Resolve.ResolveHostname","parameters":{"name":"a"},"more":true}`,
	} {
		if got := c.call(call); !strings.Contains(got, v4Entry) {
			t.Errorf("%.100s: got %.200s", call, got)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	s.pool.perUser = 3
	start(t, s)
	const call = `{"method":"x.y.Z"}`
	var open []*client
	for range s.pool.perUser {
		c := dial(t, s)
		c.call(call)
		open = append(open, c)
	}
	late := dial(t, s)
	if reply, err := late.receive(); err == nil {
		t.Errorf("one too many gets %s", reply)
	}
	if stats := s.Stats(); stats.Connections != 3 || stats.Refused != 1 {
		t.Errorf("got %+v, want 3 and one refused", stats)
	}
	open[0].Close()
	for {
		// The server has to detect the end first.
		c := dial(t, s)
		c.send(call)
		if _, err := c.receive(); err == nil {
			break
		}
	}
}

// A client that sends nothing, or never ends a message, is disconnected.
func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	s.idle = 10 * time.Millisecond
	start(t, s)
	silent, halting := dial(t, s), dial(t, s)
	_, _ = halting.Write([]byte(`{"method":`))
	for name, c := range map[string]*client{"silent": silent, "halting": halting} {
		if reply, err := c.receive(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: got %q, %v, want the end of the connection", name, reply, err)
		}
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	start(t, s)
	c := dial(t, s)
	for _, parameters := range []string{`{"name":"a"}`, `{"name":"b"}`, `{"name":1}`} {
		c.call(fmt.Sprintf(hostnameCall, parameters))
	}
	c.call(`{"method":"a.b.C"}`)
	c.call(`{"method":"io.systemd.Resolve.Whatever"}`)
	want := []CallCount{
		{"", "org.varlink.service.InterfaceNotFound", 1},
		{"", "org.varlink.service.MethodNotFound", 1},
		{"io.systemd.Resolve.ResolveHostname", "", 2},
		{"io.systemd.Resolve.ResolveHostname", "org.varlink.service.InvalidParameter", 1},
	}
	if got := s.Stats(); !slices.Equal(got.Calls, want) || got.Connections != 1 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// At the end all clients are disconnected at once, whatever they are doing, and
// the path is free for the next server.
func TestEnd(t *testing.T) {
	t.Parallel()
	r, asked := host(), make(chan struct{})
	r.hostname = func(ctx context.Context, _ HostnameQuestion) (Addresses, error) {
		close(asked)
		<-ctx.Done()
		return Addresses{}, ErrNetworkDown
	}
	s := newTestServer(t, Resolve(r))
	end := start(t, s)
	if info, err := os.Stat(s.path); err != nil || info.Mode() != fs.ModeSocket|Everybody {
		t.Errorf("got %v, %v, want a socket for everybody", info, err)
	}
	idle, waiting := dial(t, s), dial(t, s)
	idle.call(`{"method":"x.y.Z"}`)
	waiting.send(fmt.Sprintf(hostnameCall, `{"name":"a"}`))
	<-asked
	end()
	for name, c := range map[string]*client{"idle": idle, "waiting": waiting} {
		if reply, err := c.receive(); err == nil {
			t.Errorf("%s: got %s", name, reply)
		}
	}
	if _, err := net.Dial("unix", s.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end: %v, want that there is no socket", err)
	}
	r.hostname = host().hostname
	start(t, s)
	dial(t, s).call(fmt.Sprintf(hostnameCall, `{"name":"a"}`))
}

// A running resolver is not displaced, and one that displaces us is detected.
func TestOtherResolvers(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	other, err := net.Listen("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context())
	if !errors.Is(err, unixsocket.ErrInUse) || !strings.Contains(err.Error(), "varlink.socket") ||
		!strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("got %v, want its server and what to do", err)
	}
	other.Close()

	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	if other, err = net.Listen("unix", s.path); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("got %v, want that another program took the path", err)
	}
	if _, err := os.Lstat(s.path); err != nil {
		t.Errorf("the other one's socket is gone: %v", err)
	}
}
