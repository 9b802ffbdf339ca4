// Package nodedns is the name service of a cluster node, to be run by the
// node's own daemon.
//
// A [Service] keeps one machine able to resolve its own name and those of its
// cluster's other nodes: before it joined, while the control plane is down,
// after a crash. What it knows goes one way:
//
//	netlink, curator, saved directory -> zone -> DNS, /etc/hosts, machine-id, hostname
//
// It needs no address, no cluster and no credentials to start. All of these may
// come, change and go while it runs; see [Service.SetClusterDialer] for the
// cluster's side.
//
// # Failures
//
// A source or a writer that fails is run again by itself after a pause, and
// shows in [Service.Status] meanwhile. Only what cannot get better ends
// [Service.Run] early: a listener that cannot be bound.
//
// # Concurrency
//
// The methods of Service may be called from any goroutine. Nothing is started
// by [New]; every goroutine belongs to Run and has ended when it returns.
package nodedns
