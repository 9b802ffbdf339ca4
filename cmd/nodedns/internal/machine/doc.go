// Package machine reads what the commands need to know of a machine: files
// below a root, the configuration of glibc, processes, and the service in
// systemd.
//
// Every read is bounded and waits for no writer. Nothing of the machine is
// changed but by [Systemctl], and nothing is cached.
package machine
