package main

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"
)

// churn gives nodes new addresses, from 10.128.0.0 on, in random order and at a
// steady rate, each node as often as any other. It answers when the time is
// over, with the number of changes.
func (c *console) churn(args []string) (string, error) {
	if len(args) != 2 {
		return "", errUsage
	}
	rate, err := number(args[:1])
	if err != nil || rate == 0 {
		return "", errUsage
	}
	seconds, err := strconv.ParseFloat(args[1], 64)
	if err != nil || seconds < 0 || seconds > 3600 {
		return "", errUsage
	}
	nodes := c.server.Directory.Nodes()
	if len(nodes) == 0 {
		return "0", nil
	}
	rand.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	changed := 0
	for began := time.Now(); ; <-tick.C {
		passed := min(time.Since(began).Seconds(), seconds)
		for due := int(passed * float64(rate)); changed < due; changed++ {
			node := nodes[changed%len(nodes)]
			node.Address = churnAddr(changed).String()
			c.server.Directory.Set(node)
		}
		if passed == seconds {
			return strconv.Itoa(changed), nil
		}
	}
}

// churnAddr is the address of the n-th change. It comes again after eight
// million others.
func churnAddr(n int) netip.Addr {
	const room = 1 << 23
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 10<<24|room|uint32(n%room))))
}
