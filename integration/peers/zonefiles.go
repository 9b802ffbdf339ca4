package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// format is how names and addresses are written down.
type format struct {
	name string
	head func(w io.Writer, serial int)
	node func(w io.Writer, name string, i int, c change)
}

var (
	// hostsFormat serves reverse records too, in every server that reads it. To nodedns
	// it is a file of nodes.
	hostsFormat = format{name: "nodes.hosts", node: func(w io.Writer, name string, i int, c change) {
		fmt.Fprintf(w, "%s %s\n%s %s\n", c.of(i), name, node6(i), name)
	}}
	// masterFormat is the root zone, by RFC 1035: the nodes' IDs have one label.
	masterFormat = format{name: "master", head: func(w io.Writer, serial int) {
		fmt.Fprintf(w, "$TTL 10\n. SOA localhost. nobody.invalid. %d 3600 600 86400 10\n. NS localhost.\n", serial)
	}, node: func(w io.Writer, name string, i int, c change) {
		fmt.Fprintf(w, "%s. A %s\n%s. AAAA %s\n", name, c.of(i), name, node6(i))
	}}
	unboundFormat = format{name: "unbound", head: func(w io.Writer, serial int) {
		fmt.Fprintf(w, "local-zone: \".\" static\nlocal-data: \". 10 IN SOA localhost. nobody.invalid. %d 3600 600 86400 10\"\n", serial)
	}, node: func(w io.Writer, name string, i int, c change) {
		fmt.Fprintf(w, "local-data: \"%s. 10 IN A %s\"\nlocal-data: \"%s. 10 IN AAAA %s\"\n", name, c.of(i), name, node6(i))
	}}
)

// names is the path of a file with that many nodes, which is kept.
func (s *shelf) names(f format, n naming, nodes int) (string, error) {
	path := filepath.Join(s.Dir, "names", fmt.Sprintf("%s-%d", n.of(f.name), nodes))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, writeNames(path, f, n, nodes, change{})
}

// writeNames writes a file with that many nodes, after a change. It is at its
// place when it is complete.
func writeNames(path string, f format, n naming, nodes int, c change) error {
	return replaceFile(path, func(w io.Writer) error {
		if f.head != nil {
			f.head(w, 1+c.nth)
		}
		for i := range nodes {
			f.node(w, n.node(i), i, c)
		}
		return nil
	})
}

// replaceFile writes a temporary file, and renames it when it is complete.
func replaceFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path + ".partial")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	err = write(w)
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(path+".partial", path)
}

// writeCachedNames writes the upstream's names as a hosts file.
func writeCachedNames(path string) error {
	return replaceFile(path, func(w io.Writer) error {
		for i := range cachedNames {
			fmt.Fprintf(w, "%s %s\n%s %s\n", node4(i), cachedName(i), node6(i), cachedName(i))
		}
		return nil
	})
}
