package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
)

// DNS types that are queried.
const (
	typeA  = 1
	typeMX = 15
)

// query is the message that queries a name.
func query(name string, typ uint16) []byte {
	b := []byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0} // RD, one question
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	b = append(b, 0)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, typ), 1)
}

// workload is a file of queries, and what part of the replies is of which kind.
type workload struct {
	name                   string
	hits, nodata, nxdomain float64
	write                  func(ask func(name string, typ uint16), nodes int)
}

// fewQueries and manyQueries are the least and the most that a file has. With a
// million nodes it queries so many of them that no processor's cache helps.
const fewQueries, manyQueries = 1 << 14, 1 << 20

// oneName queries the address of the first node, again and again.
func oneName(n naming) workload {
	return workload{name: n.of("one"), hits: 1, write: func(ask func(string, uint16), _ int) {
		ask(n.node(0), typeA)
	}}
}

// randomNames queries addresses of nodes.
func randomNames(n naming) workload {
	return workload{name: n.of("random"), hits: 1, write: func(ask func(string, uint16), nodes int) {
		r := rand.New(rand.NewPCG(1, uint64(nodes)))
		for range min(max(nodes, fewQueries), manyQueries) {
			ask(n.node(r.IntN(nodes)), typeA)
		}
	}}
}

// mixedNames queries what nodes have, what they lack, and nodes that there are not.
func mixedNames(n naming) workload {
	return workload{name: n.of("mix"), hits: 0.7, nodata: 0.15, nxdomain: 0.15, write: func(ask func(string, uint16), nodes int) {
		r := rand.New(rand.NewPCG(2, uint64(nodes)))
		for range min(max(nodes, fewQueries), manyQueries) {
			switch i, kind := r.IntN(nodes), r.IntN(100); {
			case kind < 70:
				ask(n.node(i), typeA)
			case kind < 85:
				ask(n.node(i), typeMX)
			default:
				ask(n.stranger(i), typeA)
			}
		}
	}}
}

// cachedHits queries names of the upstream.
var cachedHits = workload{name: "cached", hits: 1, write: func(ask func(string, uint16), _ int) {
	r := rand.New(rand.NewPCG(3, 0))
	// Each once, in front, so that one pass of them fills a cache.
	for i := range cachedNames {
		ask(cachedName(i), typeA)
	}
	for range fewQueries {
		ask(cachedName(r.IntN(cachedNames)), typeA)
	}
}}

// queries writes the file that the load reads, each query after its length.
func (s *shelf) queries(w workload, nodes int) (string, error) {
	path := filepath.Join(s.Dir, "names", fmt.Sprintf("queries-%s-%d", w.name, nodes))
	return path, writeQueries(path, w, nodes)
}

func writeQueries(path string, w workload, nodes int) error {
	return replaceFile(path, func(out io.Writer) error {
		var err error
		w.write(func(name string, typ uint16) {
			message := query(name, typ)
			frame := append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
			if _, failed := out.Write(frame); err == nil {
				err = failed
			}
		}, nodes)
		return err
	})
}
