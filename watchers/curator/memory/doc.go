// Package memory is a curator that keeps its cluster in memory: the sample
// cluster of "nodedns try", the other side in tests, and, by being short, a
// description of the protocol.
//
//   - A [Cluster] is a certificate authority, which gives nodes their
//     certificates.
//   - A [Directory] is the set of nodes, with a way to follow its changes.
//   - A [Server] is one curator. It streams a Directory to clients, over real
//     gRPC with real mutual TLS on any listener, well-behaved unless a
//     [Behaviour] is set. Several that share a Directory are a control plane,
//     one of which leads; the others follow, and report where the [Leader] is.
//     Those of the command memcurator may be processes of their own.
//
// All of them may be used from any goroutine. [Server.Serve] owns the
// goroutines that serve its listener and ends them before it returns.
package memory
