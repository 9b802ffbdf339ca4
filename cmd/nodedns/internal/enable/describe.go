package enable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// describe returns the state of a feature, and what it becomes when it is enabled.
func (m *Manager) describe(feature Feature) Row {
	switch feature {
	case Hosts:
		return Row{
			Feature: Hosts, Path: m.rooted(machine.Hosts), Now: m.describeHosts(),
			Becomes: "your lines, and a block with the nodes",
		}
	case MachineID:
		return Row{Feature: MachineID, Path: m.rooted(machine.MachineID), Now: m.firstLineOf(machine.MachineID), Becomes: m.machineID()}
	case Hostname:
		return Row{Feature: Hostname, Now: m.hostname(), Becomes: string(m.ID)}
	default:
		return Row{
			Feature: ResolvConf, Path: m.rooted(m.Config.ResolvConf.Path), Now: m.describeResolvConf(),
			Becomes: "names nodedns while it answers, and what it was at all other times",
		}
	}
}

// remark is what else the user should know of a feature that is enabled, with
// others.
func (m *Manager) remark(feature Feature, all []Feature) string {
	switch {
	case feature == MachineID && m.keepsMachineID():
		return "the ID of a live machine does not change under it"
	case feature == Hostname:
		return m.keepable(all)
	}
	return ""
}

// empty is what is shown of a file without a text.
const empty = "empty"

func (m *Manager) describeHosts() string {
	now, err := m.file(machine.Hosts).Read()
	switch {
	case err != nil:
		return err.Error()
	case !now.Exists:
		return "does not exist"
	}
	text := "1 line"
	if n := bytes.Count(now.Bytes, []byte("\n")); n != 1 {
		text = fmt.Sprintf("%d lines", n)
	}
	if bytes.Contains(now.Bytes, []byte("# BEGIN nodedns\n")) {
		text += ", with a block of nodedns"
	}
	return text
}

// firstLineOf is the beginning of a file.
func (m *Manager) firstLineOf(path string) string {
	now, err := m.file(path).Read()
	switch line, _, _ := strings.Cut(strings.TrimSpace(string(now.Bytes)), "\n"); {
	case err != nil:
		return err.Error()
	case !now.Exists:
		return "does not exist"
	case line == "":
		return empty
	default:
		return fmt.Sprintf("%.64s", line) // which may be anything
	}
}

// keepsMachineID reports whether the daemon leaves the machine's ID as it is.
func (m *Manager) keepsMachineID() bool {
	now := m.firstLineOf(machine.MachineID)
	has := now != empty && now != "uninitialized" && now != "does not exist"
	return m.Config.Files.MachineIDFormat == hostsfile.MachineIDAuto && m.files().Systemd() && has
}

// machineID is what the machine's ID becomes.
func (m *Manager) machineID() string {
	format := m.Config.Files.MachineIDFormat
	switch {
	case m.keepsMachineID():
		return unchanged
	case format == hostsfile.MachineIDHex, format == hostsfile.MachineIDAuto && m.files().Systemd():
		return "32 hex digits that stand for this node"
	default:
		return string(m.ID)
	}
}

func (m *Manager) describeResolvConf() string {
	path := m.Config.ResolvConf.Path
	if path == "" {
		return "off"
	}
	now, err := m.file(path).Read()
	switch {
	case err != nil:
		return err.Error()
	case !now.Exists:
		return "does not exist"
	case now.Link != "":
		return "a symlink to " + now.Link
	}
	var servers []string
	for _, s := range resolvconf.Parse(string(now.Bytes)).Servers {
		servers = append(servers, s.Addr().String())
	}
	if len(servers) == 0 {
		return "names no server"
	}
	return "nameserver " + strings.Join(servers, ", ")
}

// edit is what would become of nsswitch.conf.
type edit struct {
	now, becomes, note string
	change             bool
}

// previewNsswitch returns it, and changes nothing.
func (m *Manager) previewNsswitch(resolve bool) (edit, error) {
	f := m.nameService().file
	content, err := f.Read()
	if err != nil {
		return edit{}, err
	}
	if !content.Exists && m.files().Exists(vendorPath) {
		return edit{}, fmt.Errorf("this machine reads %s, which a new file would hide; copy it to %s first", vendorPath, machine.Nsswitch)
	}
	before, err := nsswitch.Hosts(content.Bytes)
	if err != nil {
		return edit{}, fmt.Errorf("%s: %w", f, err)
	}
	text, err := nsswitch.Edit(content.Bytes, resolve)
	if err != nil {
		return edit{}, fmt.Errorf("%s: %w", f, err)
	}
	after, err := nsswitch.Hosts(text)
	if err != nil {
		return edit{}, fmt.Errorf("%s: %w", f, err)
	}
	e := edit{now: "hosts: " + before.String(), becomes: "hosts: " + after.String(), change: !bytes.Equal(text, content.Bytes)}
	if !e.change {
		e.becomes = unchanged
	}
	if before.Number == 0 {
		e.now += " (glibc's default)"
	}
	if i := after.Index(nsswitch.Resolve); i >= 0 && after.Services[i].Then(nsswitch.NotFound) == nsswitch.Continue {
		e.note = "other services may know more names: they are still asked for names unknown to nodedns"
	}
	return e, nil
}

// hostsLine is that of nsswitch.conf.
func (m *Manager) hostsLine() string {
	e, err := m.previewNsswitch(false)
	if err != nil {
		return err.Error()
	}
	return e.now
}

func isOnPort53(a netip.AddrPort) bool { return a.Port() == 53 }

// obstacle returns why the daemon cannot do its work, or "": another program has
// its port.
func (m *Manager) obstacle(ctx context.Context) (string, error) {
	if m.running(ctx) {
		return "", nil
	}
	for _, l := range m.Config.Listen {
		conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", l.String())
		switch {
		case err == nil:
			if err := conn.Close(); err != nil {
				return "", err
			}
		case errors.Is(err, unix.EADDRINUSE) && m.files().Exists("/run/systemd/resolve/stub-resolv.conf"):
			return fmt.Sprintf("systemd-resolved has %s; write DNSStubListener=no into its configuration and restart it, "+
				"or set dns.listen = [\"127.0.0.2:53\"]", l), nil
		case errors.Is(err, unix.EADDRINUSE):
			return fmt.Sprintf("another program has %s; end it (ss -lupn shows it), or set dns.listen to another address", l), nil
		}
	}
	return "", nil
}

// isServed reports whether another program listens on a socket.
func isServed(ctx context.Context, path string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	return err == nil && conn.Close() == nil
}
