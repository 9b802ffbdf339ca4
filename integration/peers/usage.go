package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// processes lists those of the server's group.
func (s *server) processes() []int {
	var all []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// After the name, which may have anything in it: state, parent, group.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		group, err := strconv.Atoi(string(fields[2]))
		if err == nil && group == s.cmd.Process.Pid {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path))) // all digits
			all = append(all, pid)
		}
	}
	return all
}

// cpu is the time that the server's threads have run, to the nanosecond where
// the clock ticks of /proc/PID/stat are 10 ms.
func (s *server) cpu() time.Duration {
	var sum time.Duration
	for _, pid := range s.processes() {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, path := range tasks {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // the thread has ended meanwhile
			}
			first, _, _ := strings.Cut(string(text), " ")
			ns, _ := strconv.ParseInt(first, 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// memory is what the server has of its own, in bytes: RssAnon, where a page
// that several of its processes share counts once.
func (s *server) memory() (int64, error) {
	var sum int64
	for _, pid := range s.processes() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, fmt.Errorf("read what %s takes: %w", s.peer.name, err)
		}
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) == 3 && words[0] == "Pss_Anon:" {
				kb, err := strconv.ParseInt(words[1], 10, 64)
				if err != nil {
					return 0, err
				}
				sum += kb << 10
			}
		}
	}
	return sum, nil
}

// drops is how many datagrams the kernel dropped because the server's socket
// buffers were full.
func (s *server) drops() (int64, error) {
	var sum int64
	for _, path := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if len(words) < 13 || !strings.HasSuffix(words[1], fmt.Sprintf(":%04X", s.site.port)) {
				continue
			}
			n, err := strconv.ParseInt(words[len(words)-1], 10, 64)
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return sum, nil
}
