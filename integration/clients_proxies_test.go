package integration

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// proxyPrograms are proxies on the machine that look up, by resolvers of their own,
// where they pass a request on to.
func proxyPrograms(t testing.TB) []clientProgram {
	t.Helper()
	needUnpacked(t, "nginx", "haproxy")
	lookup := func(address, filter string) func(string) *exec.Cmd {
		return func(name string) *exec.Cmd {
			script := fmt.Sprintf("curl -sS 'http://%s/?name='$0 | %s", address, filter)
			return exec.Command("sh", "-c", script, name)
		}
	}
	const nginx, haproxy, haproxyTCP = "127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:8082"
	return []clientProgram{
		{name: "nginx", command: lookup(nginx, `sed 's/:9,/ /g; s/:9$//; s/[][]//g'`), serve: startNginx(nginx)},
		{name: "haproxy", command: lookup(haproxy, "cat"), serve: startHAProxy(haproxy, "127.0.0.53:53"), ofMany: nothing},
		{name: "haproxy, over TCP", command: lookup(haproxyTCP, "cat"), serve: startHAProxy(haproxyTCP, "tcp@127.0.0.53:53"), ofMany: aPart},
	}
}

// startNginx starts one that answers with the addresses that it tried to pass the
// request on to.
func startNginx(address string) func(*host) {
	return func(h *host) {
		h.t.Helper()
		must(h.t, os.MkdirAll(h.path("/var/lib/nginx"), 0o755)) // where it spools
		h.write("/etc/nginx/nginx.conf", fmt.Sprintf(`
daemon off;
master_process off;
pid /run/nginx.pid;
events {}
http {
	access_log off;
	resolver 127.0.0.53 valid=1s;
	server {
		listen %s;
		location / {
			proxy_pass http://$arg_name:9;
			proxy_connect_timeout 20ms;
			error_page 502 504 = @tried;
		}
		location @tried {
			return 200 "$upstream_addr\n";
		}
	}
}
`, address))
		h.serve(unpacked(h.t, "nginx", "-e", "stderr", "-c", "/etc/nginx/nginx.conf"))
		h.listens(address)
	}
}

// startHAProxy starts one that answers with the address of each family that it would
// pass the request on to.
func startHAProxy(address, server string) func(*host) {
	return func(h *host) {
		h.t.Helper()
		h.write("/etc/haproxy/haproxy.cfg", fmt.Sprintf(`
defaults
	mode http
	timeout connect 5s
	timeout client 5s
	timeout server 5s
resolvers node
	nameserver nodedns %s
	accepted_payload_size 8192
	timeout retry 100ms
frontend asked
	bind %s
	http-request do-resolve(txn.four,node,ipv4) url_param(name)
	http-request do-resolve(txn.six,node,ipv6) url_param(name)
	http-request return status 200 content-type text/plain lf-string "%%[var(txn.four)]\n%%[var(txn.six)]\n"
`, server, address))
		h.serve(unpacked(h.t, "haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"))
		h.listens(address)
	}
}

// listens waits until something on the machine takes connections to an address.
func (m *machine) listens(address string) {
	m.t.Helper()
	eventually(m.t, address+" takes connections", func() error {
		conn, err := m.dial("tcp", address)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
}
