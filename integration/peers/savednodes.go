package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// savedNodes is the path of a file as nodedns saves its cluster's nodes, with
// both families and, by label, their readable names. The daemon's package of that
// file describes it.
func (s *shelf) savedNodes(n naming, nodes int) (string, error) {
	path := filepath.Join(s.Dir, "names", fmt.Sprintf("%s-v%d-%d", n.of("saved"), savedVersion, nodes))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	order := make([]int, nodes)
	keys := make([][16]byte, nodes)
	for i := range nodes {
		order[i], keys[i] = i, nodeKey(i)
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(keys[a][:], keys[b][:]) })
	return path, replaceFile(path, func(w io.Writer) error {
		sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
		both := io.MultiWriter(w, sum)
		if _, err := both.Write(savedHeader(nodes)); err != nil {
			return err
		}
		for _, i := range order {
			if _, err := both.Write(savedNode(n, keys[i], i)); err != nil {
				return err
			}
		}
		_, err := w.Write(sum.Sum(nil))
		return err
	})
}

// savedVersion is that of the format.
const savedVersion = 4

func savedHeader(nodes int) []byte {
	b := []byte("nodedns\n")
	b = append(b, 0, savedVersion)
	b = append(b, 0) // the cluster is unknown
	b = append(b, byte(len(prefix)))
	b = append(b, prefix...)
	b = binary.BigEndian.AppendUint64(b, uint64(time.Now().Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(nodes))
}

func savedNode(n naming, key [16]byte, i int) []byte {
	const bothFamilies, named, noRoles, up = 3, 32, 0, 3
	parts, names := byte(bothFamilies), []byte(nil)
	if n == byLabel {
		const one, fromCluster = 1, 1
		parts |= named
		names = append([]byte{one, fromCluster, byte(len(label(i)))}, label(i)...)
	}
	b := append(key[:], parts, noRoles, up, 0, 0) // no curator port
	b = binary.BigEndian.AppendUint32(b, uint32(time.Now().Unix()))
	v4, v6 := node4(i).As4(), node6(i).As16()
	return append(append(append(b, v4[:]...), v6[:]...), names...)
}
