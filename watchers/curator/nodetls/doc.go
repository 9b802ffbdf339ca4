// Package nodetls holds the rules of mutual TLS between the nodes of a
// cluster: what a node's certificate looks like, which one of a peer is
// accepted, and how a node's own credentials are read from a directory.
//
// A cluster has one ed25519 certificate authority. Each node has one ed25519
// key, whose public half gives the node its ID, and one certificate for it,
// signed directly by the authority. Both sides of a connection present theirs and
// must meet the same rules, see [VerifyPeer]. The name that was dialled does not
// count, since addresses move between nodes, and neither do the validity dates: a
// machine often boots for the first time with a wrong clock, and would lock
// itself out. [Dates] finds what there is to report about them.
//
// The package starts no goroutine and keeps no state.
package nodetls
