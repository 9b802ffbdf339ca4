package hostsfile

// Settings select which files are kept, and how. An empty path turns a file off.
type Settings struct {
	// Root is a directory that stands for / in the paths of the files, or "".
	// With a root the kernel's hostname is left alone, and the name goes to
	// etc/hostname there.
	Root string

	Hosts string
	// HostsMode is the share of the hosts file that is ours; "" is HostsBlock.
	HostsMode HostsMode
	// HostsMaxNodes is the number of nodes above which only this machine and
	// the consensus members are written. 0 is no limit.
	HostsMaxNodes int

	MachineID string
	// MachineIDFormat is what is written there; "" is MachineIDAuto.
	MachineIDFormat MachineIDFormat

	Hostname     bool   // whether to set the hostname
	HostnameFile string // a file besides, usually /etc/hostname
}
