package config

import (
	"log/slog"
	"math"
	"net/netip"
	"time"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// keys is the table of all keys, in the order of the file's sections. Listeners,
// identity, and what the files and credentials are, are taken at the start and
// kept: they are restartRequired.
var keys = []key{
	stringKey("identity.public_key", "/var/lib/nodedns/node.pub",
		"`FILE` with the node's ed25519 public key, certificate or private key",
		func(c *Config) *string { return &c.KeyFile }, optional(absolute)).restartRequired(),
	stringKey("identity.node_id", "",
		"this node's `NAME`, instead of the one derived from the key",
		func(c *Config) *zone.ID { return &c.NodeID }, optional(nodeID)).restartRequired(),
	stringKey("identity.prefix", string(zone.DefaultPrefix),
		"`TEXT` before the 32 hex digits in a node ID",
		func(c *Config) *zone.Prefix {
			if c.Prefix == nil {
				c.Prefix = new(zone.Prefix)
			}
			return c.Prefix
		}, prefix).restartRequired(),

	listKey("zone.domains", none,
		"`DOMAINS` below which nodes are answered too",
		func(c *Config) *[]string { return &c.DNS.Domains }, domain),
	stringKey("zone.ttl", "10s",
		"`TIME` for which clients may keep an answer",
		func(c *Config) *time.Duration { return &c.DNS.TTL }, ttl),
	stringKey("zone.retain_departed", "168h",
		"`TIME` for which a departed node is still answered, or forever",
		func(c *Config) *zone.Retention { return &c.RetainDeparted }, unmarshal),
	stringKey("zone.name_label", curator.DefaultNameLabel,
		"`KEY` of the label by which a node of the cluster has a readable name; empty: none has",
		func(c *Config) *string { return &c.NameLabel }, optional(labelKey)),
	enumKey("zone.ptr", resolver.PTRName,
		"first name of a node, in PTR records and the hosts file, as `FORM` name or id",
		func(c *Config) *resolver.PTR { return &c.DNS.PTR }, resolver.PTRName, resolver.PTRID),

	listKey("nodes.files", []any{"/etc/nodedns/nodes.d"},
		"`PATHS` of files of nodes, *.hosts and *.json, or of directories of them",
		func(c *Config) *[]string { return &c.NodeFiles }, absolute),

	listKey("local.interfaces", none,
		"interfaces whose address is ours, as `GLOBS`; empty: that of the default route",
		func(c *Config) *[]string { return &c.Interfaces }, glob),
	listKey("local.addresses", none,
		"static `ADDRESSES` of this node, instead of those of its interfaces",
		func(c *Config) *[]netip.Addr { return &c.Addresses }, address),

	listKey("curator.endpoints", none,
		"curators to ask for the nodes, as `HOST:PORT`, HOST:PORT#NODE-ID or node ID",
		func(c *Config) *[]curator.Endpoint { return &c.Endpoints }, unmarshal),
	stringKey("curator.recover_after", "15m",
		"`TIME` without a known curator after which an unknown one is believed",
		func(c *Config) *curator.RecoverAfter { return &c.RecoverAfter }, unmarshal),
	stringKey("curator.credentials", "/var/lib/nodedns/credentials",
		"`DIRECTORY` with ca.crt, node.crt and node.key, which may appear later",
		func(c *Config) *string { return &c.Credentials }, optional(absolute)).restartRequired(),
	boolKey("curator.insecure", false,
		"talk plain text to the curator; for loopback endpoints only",
		func(c *Config) *bool { return &c.Insecure }).restartRequired(),
	boolKey("curator.report", false,
		"report this node's address to the curator",
		func(c *Config) *bool { return &c.Report }),

	stringKey("files.root", "",
		"`DIRECTORY` that stands for / in the paths of all managed files",
		func(c *Config) *string { return &c.Files.Root }, optional(absolute)).restartRequired(),
	stringKey("files.hosts", "/etc/hosts",
		"hosts `FILE` to keep; empty: none",
		func(c *Config) *string { return &c.Files.Hosts }, optional(absolute)).restartRequired(),
	enumKey("files.hosts_mode", hostsfile.HostsBlock,
		"share of the hosts file that is ours, as `MODE` block or own",
		func(c *Config) *hostsfile.HostsMode { return &c.Files.HostsMode }, hostsfile.HostsBlock, hostsfile.HostsOwn).restartRequired(),
	countKey("files.hosts_max_nodes", 10_000, math.MaxInt32,
		"`NUMBER` of nodes above which only we and the consensus members are written; 0: no limit",
		func(c *Config) *int { return &c.Files.HostsMaxNodes }).restartRequired(),
	stringKey("files.machine_id", "/etc/machine-id",
		"machine-id `FILE` to keep; empty: none",
		func(c *Config) *string { return &c.Files.MachineID }, optional(absolute)).restartRequired(),
	enumKey("files.machine_id_format", hostsfile.MachineIDAuto,
		"content of the machine-id file, as `FORMAT` auto, node-id or hex",
		func(c *Config) *hostsfile.MachineIDFormat { return &c.Files.MachineIDFormat },
		hostsfile.MachineIDAuto, hostsfile.MachineIDNode, hostsfile.MachineIDHex).restartRequired(),
	boolKey("files.hostname", true,
		"set the machine's hostname to the node ID",
		func(c *Config) *bool { return &c.Files.Hostname }).restartRequired(),
	stringKey("files.hostname_file", "",
		"`FILE` to write the hostname to as well; empty: none",
		func(c *Config) *string { return &c.Files.HostnameFile }, optional(absolute)).restartRequired(),
	stringKey("files.resolv_conf", "/etc/resolv.conf",
		"`FILE` with the machine's own name servers; empty: none",
		func(c *Config) *string { return &c.ResolvConf.Path }, optional(absolute)).restartRequired(),
	enumKey("files.resolv_conf_mode", resolvconf.ModeOff,
		"what is done with resolv.conf, as `MODE` off or stub",
		func(c *Config) *resolvconf.Mode { return &c.ResolvConf.Mode }, resolvconf.ModeOff, resolvconf.ModeStub),

	listKey("dns.listen", []any{"127.0.0.53:53"},
		"`ADDRESS:PORT` to answer on, over UDP and TCP",
		func(c *Config) *[]netip.AddrPort { return &c.Listen }, listener).restartRequired(),
	listKey("dns.allow", []any{"127.0.0.0/8", "::1/128"},
		"`NETWORKS` whose queries are answered",
		func(c *Config) *[]netip.Prefix { return &c.DNS.Allow }, network),
	boolKey("dns.single_label", false,
		"forward names of one label, instead of answering that they have no address",
		func(c *Config) *bool { return &c.DNS.SingleLabel }),
	boolKey("dns.fast_path", true,
		"answer everyday queries without taking them apart; false only costs time",
		func(c *Config) *bool { return &c.DNS.DisableFastPath }).inverted(),

	listKey("upstream.servers", []any{"auto"},
		"`SERVERS` for names that are not ours, or auto for the machine's own; empty: refuse them",
		func(c *Config) *[]upstream.Server { return &c.DNS.Upstreams.Servers }, server),
	stringKey("upstream.timeout", "2s",
		"`TIME` for one exchange with one server",
		func(c *Config) *time.Duration { return &c.DNS.Upstreams.Timeout }, timeout),
	boolKey("upstream.trust_ad", false,
		"trust servers that report an answer as validated, and pass that on to clients",
		func(c *Config) *bool { return &c.DNS.Upstreams.TrustAD }),
	boolKey("upstream.randomize_case", false,
		"mix the case of the names sent, against forgers",
		func(c *Config) *bool { return &c.DNS.Upstreams.RandomizeCase }),
	boolKey("upstream.rebind_protection", false,
		"keep answers with addresses that are not public from clients",
		func(c *Config) *bool { return &c.DNS.Upstreams.RebindProtection }),
	listKey("upstream.rebind_allow", none,
		"`DOMAINS` whose names may point to such addresses all the same",
		func(c *Config) *[]string { return &c.DNS.Upstreams.RebindAllow }, siteDomain),
	routesKey("upstream.route", func(c *Config) *[]resolver.Route { return &c.DNS.Upstreams.Routes }),

	stringKey("cache.size", "16MiB",
		"`SIZE` of the memory for other servers' answers, as 16MiB; 0: none are kept",
		func(c *Config) *int64 { return &c.DNS.Cache.Size }, size),
	stringKey("cache.serve_stale", "1h",
		"`TIME` for which an expired answer is given when no server answers",
		func(c *Config) *time.Duration { return &c.DNS.Cache.ServeStale }, duration),

	stringKey("state.dir", "/var/lib/nodedns",
		"`DIRECTORY` for what survives a restart",
		func(c *Config) *string { return &c.StateDir }, absolute).restartRequired(),
	stringKey("control.socket", "/run/nodedns/control.sock",
		"`FILE` of the socket for the other commands",
		func(c *Config) *string { return &c.Control.Socket }, socket).restartRequired(),
	stringKey("varlink.socket", "",
		"`FILE` of the socket for glibc's nss-resolve; empty: none",
		func(c *Config) *string { return &c.VarlinkSocket }, optional(varlinkSocket)).restartRequired(),
	stringKey("metrics.listen", "",
		"`ADDRESS:PORT` of the Prometheus endpoint; empty: none",
		func(c *Config) *netip.AddrPort { return &c.Metrics.Listen }, optional(listener)).restartRequired(),
	stringKey("log.level", "info",
		"`LEVEL` from which on is logged: debug, info, warn or error",
		func(c *Config) *slog.Level { return &c.Log.Level }, level).oneOf("debug", "info", "warn", "error"),
	enumKey("log.format", LogText,
		"encoding of log lines, as `FORMAT` text or json",
		func(c *Config) *LogFormat { return &c.Log.Format }, LogText, LogJSON).restartRequired(),
}

// none is the default of a list that is empty.
var none = []any{}
