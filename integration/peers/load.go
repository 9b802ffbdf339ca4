package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ask is one run of the load.
type ask struct {
	mode    string // of the load
	file    string // of queries
	window  int    // queries in flight, on each connection over TCP
	sockets int
	rate    float64 // queries a second
	seconds float64
	offset  float64 // of the first query in the file, from 0 to 1
	address string  // that is waited for
}

// report is what the load prints. Latencies are in nanoseconds.
type report struct {
	Sent        int64   `json:"sent,omitempty"`
	Answered    int64   `json:"answered,omitempty"`
	Hits        int64   `json:"hits,omitempty"`
	NoData      int64   `json:"nodata,omitempty"`
	NXDomain    int64   `json:"nxdomain,omitempty"`
	Other       int64   `json:"other,omitempty"`
	Lost        int64   `json:"lost,omitempty"`
	Late        int64   `json:"late,omitempty"`
	Reconnects  int64   `json:"reconnects,omitempty"`
	Connections int64   `json:"connections,omitempty"`
	InTime      int64   `json:"in_time,omitempty"`  // replies while still sending
	Seconds     float64 `json:"seconds,omitempty"`  // of sending
	LoadCPU     float64 `json:"load_cpu,omitempty"` // seconds
	P50         int64   `json:"p50,omitempty"`
	P90         int64   `json:"p90,omitempty"`
	P99         int64   `json:"p99,omitempty"`
	Max         int64   `json:"max,omitempty"`
}

// command makes the command of the load against a server.
func (a ask) command(s *server) *exec.Cmd {
	args := []string{
		a.mode, "-p", strconv.Itoa(s.site.port), "-f", a.file,
		"-t", fmt.Sprint(a.seconds), "-o", fmt.Sprint(a.offset),
	}
	if a.window > 0 {
		args = append(args, "-w", strconv.Itoa(a.window))
	}
	if a.sockets > 0 {
		args = append(args, "-c", strconv.Itoa(a.sockets))
	}
	if a.rate > 0 {
		args = append(args, "-r", fmt.Sprint(a.rate))
	}
	if a.address != "" {
		args = append(args, "-a", a.address)
	}
	cmd := exec.Command(s.bench.shelf.bin(theLoad), args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	return cmd
}

// cpus are those of the load: its own, or both if the server has both.
func (b *bench) cpus(s *server) []int {
	if s.site.cores > 1 {
		return []int{b.settings.server, b.settings.load}
	}
	return []int{b.settings.load}
}

// ask runs the load and returns its report.
func (b *bench) ask(s *server, a ask) (report, error) {
	var r report
	cmd := a.command(s)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := b.on(b.cpus(s), cmd.Start); err != nil {
		return r, fmt.Errorf("start the load: %w", err)
	}
	err = json.NewDecoder(out).Decode(&r)
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	if err != nil {
		err = fmt.Errorf("ask %s: %w", s.peer.name, err)
	}
	return r, err
}
