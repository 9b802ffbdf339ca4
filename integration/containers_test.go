package integration

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// containerNet is a bridge on a node with containers, which are machines too.
type containerNet struct {
	node       *node
	containers []*machine
}

const (
	bridgeV4   = "172.17.0.1"
	bridgeLink = "fe80::17"
)

// build makes the bridge and plugs the containers into it: 172.17.0.2 and so
// on. An earlier one is removed completely.
func (c *containerNet) build() {
	c.node.t.Helper()
	c.node.run("ip", "link", "add", "docker0", "type", "bridge")
	c.node.run("ip", "link", "set", "docker0", "up")
	for i, m := range c.containers {
		port := fmt.Sprintf("veth%d", i)
		c.node.run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(m.tid))
		c.node.run("ip", "link", "set", port, "master", "docker0", "up")
		m.run("ip", "link", "set", "eth0", "addrgenmode", "none") // it has one such address
		m.run("ip", "addr", "add", fmt.Sprintf("172.17.0.%d/16", i+2), "dev", "eth0")
		m.run("ip", "addr", "add", fmt.Sprintf("fe80::%d/64", i+2), "dev", "eth0", "nodad")
		m.run("ip", "link", "set", "eth0", "up")
	}
	c.assign("add")
}

// assign adds the addresses of the bridge, or deletes them.
func (c *containerNet) assign(verb string) {
	c.node.t.Helper()
	v6 := []string{"addr", verb, bridgeLink + "/64", "dev", "docker0"}
	if verb == "add" {
		v6 = append(v6, "nodad")
	}
	c.node.run("ip", "addr", verb, bridgeV4+"/16", "dev", "docker0")
	c.node.run("ip", v6...)
}

func (c *containerNet) raze() {
	c.node.t.Helper()
	c.node.run("ip", "link", "delete", "docker0")
	for i := range c.containers {
		c.node.run("ip", "link", "delete", fmt.Sprintf("veth%d", i))
	}
}

// listens fails unless the listeners of the bridge are in this state.
func (c *containerNet) listens(state string) error {
	var s struct {
		State          string   `json:"state"`
		Listeners      []string `json:"listeners"`
		ListenerStatus []struct {
			Address string `json:"address"`
			State   string `json:"state"`
			Error   string `json:"error"`
		} `json:"listener_status"`
	}
	if err := c.node.readStatus(&s); err != nil {
		return err
	}
	bound := 1
	for i, l := range s.ListenerStatus {
		want := state
		if i == 0 {
			want = "listening"
		}
		if l.State != want || (l.State == "listening") != (l.Error == "") {
			return fmt.Errorf("listener %s is %s (%s), want %s", l.Address, l.State, l.Error, want)
		}
		if i > 0 && l.State == "listening" {
			bound++
		}
	}
	if len(s.ListenerStatus) != 3 || len(s.Listeners) != bound || s.State != "ready" {
		return fmt.Errorf("status is %+v, want it ready with %d of 3 listeners", s, bound)
	}
	return nil
}

// serves fails unless the first container is answered, and the second one, which
// is not in dns.allow, refused.
func (c *containerNet) serves() error {
	for _, transport := range []string{"udp", "tcp"} {
		for _, server := range []string{bridgeV4, bridgeLink} {
			r, err := c.containers[0].askBridge(transport, server, c.node.id)
			if err == nil {
				err = r.expectAnswer(c.node.v4().String())
			}
			if err != nil {
				return fmt.Errorf("at %s with %s: %w", server, transport, err)
			}
			r, err = c.containers[1].askBridge(transport, server, c.node.id)
			if err == nil {
				err = r.expectStatus("REFUSED")
			}
			if err != nil {
				return fmt.Errorf("not in dns.allow, at %s with %s: %w", server, transport, err)
			}
			if !r.hasError(18, "") {
				return fmt.Errorf("refused without saying why:\n%s", r.text)
			}
		}
	}
	return nil
}

// lostWithin is when a query counts as lost, and is sent again: what comes before a
// bridge forwards is dropped.
const lostWithin = time.Second

// askBridge queries a listener on the bridge, whose link-local address is on a
// container's interface eth0.
func (m *machine) askBridge(network, server, name string) (reply, error) {
	if server == bridgeLink {
		server += fmt.Sprintf("%%%d", m.link("eth0").Attrs().Index)
	}
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	query.SetEdns0(1232, false)
	message, err := m.exchangeWithin(lostWithin, network, net.JoinHostPort(server, "53"), query)
	if err != nil {
		return reply{}, err
	}
	return replyOf(message), nil
}

// askSteadily has a machine query its resolver for a name, every millisecond at
// most, until stop is called. That fails the test if one was not answered.
func (m *machine) askSteadily(name string) (stop func()) {
	m.t.Helper()
	conn, err := m.dial("udp", "127.0.0.53:53")
	must(m.t, err)
	ended, done := make(chan struct{}), make(chan error, 1)
	asked := 0
	go func() {
		defer conn.Close()
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-ended:
				done <- nil
				return
			case <-pace.C:
			}
			if err := askOnce(conn, name); err != nil {
				done <- fmt.Errorf("query %d: %w", asked, err)
				return
			}
			asked++
		}
	}()
	return func() {
		m.t.Helper()
		close(ended)
		if err := <-done; err != nil || asked == 0 {
			m.t.Errorf("of %d steady queries one was lost: %v", asked, err)
		}
	}
}

func askOnce(conn net.Conn, name string) error {
	client := &dns.Conn{Conn: conn}
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := client.WriteMsg(query); err != nil {
		return err
	}
	reply, err := client.ReadMsg()
	if err != nil {
		return err
	}
	if reply.Id != query.Id || len(reply.Answer) != 1 {
		return fmt.Errorf("the reply is %v", reply)
	}
	return nil
}

// Listeners for containers: their bridge comes after the daemon, loses its
// addresses, and is deleted and made again. The machine's own programs, which
// query all the while, notice nothing.
func TestListenersForContainers(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream, "[dns]",
		`listen = ["127.0.0.53:53", "`+bridgeV4+`:53", "[`+bridgeLink+`%docker0]:53"]`,
		`allow = ["127.0.0.0/8", "::1/128", "172.17.0.2/32", "fe80::2/128"]`)
	d := n.boot()
	c := &containerNet{node: n, containers: []*machine{newMachine(t, "container"), newMachine(t, "stranger")}}
	eventually(t, "the daemon is ready without the bridge", func() error { return c.listens("waiting") })
	eventually(t, "the node knows itself", func() error { return n.knows(n.id, n.v4(), n.v6()) })
	stop := n.askSteadily(n.id)

	c.build()
	eventually(t, "the containers are served", c.serves)
	must(t, c.listens("listening"))
	c.assign("delete")
	eventually(t, "the loss of the addresses is noticed", func() error { return c.listens("waiting") })
	c.assign("add")
	eventually(t, "the containers are served again", c.serves)
	c.raze()
	eventually(t, "the loss of the bridge is noticed", func() error { return c.listens("waiting") })
	c.build()
	eventually(t, "the containers are served on the new bridge", c.serves)
	must(t, c.listens("listening"))
	stop()
	must(t, d.running())
}

// A family that is off does not keep the other from being answered, and is
// answered once it is on.
func TestListenerOfAFamilyThatIsOff(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.setIPv6("lo", false)
	n.configure(noUpstream, "[dns]", `listen = ["[::1]:53", "127.0.0.53:53"]`)
	d := n.boot()
	eventually(t, "IPv4 answers", func() error { return n.answers("NOERROR", n.id) })
	eventually(t, "what is missing is told", func() error { return d.logged("IPv6 is turned off") })
	n.setIPv6("lo", true)
	eventually(t, "::1 answers", func() error {
		r, err := n.digAt("::1", n.id)
		if err != nil {
			return err
		}
		return r.expectStatus("NOERROR")
	})
	must(t, d.running())
}

// setIPv6 turns IPv6 on an interface on or off.
func (m *machine) setIPv6(device string, on bool) {
	m.t.Helper()
	value := "1"
	if on {
		value = "0"
	}
	m.run("sysctl", "-qw", "net.ipv6.conf."+device+".disable_ipv6="+value)
}
