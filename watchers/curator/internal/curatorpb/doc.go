// Package curatorpb holds the curator's API as far as nodedns uses it: the
// messages and the service of curator.proto, and the Go code made from it.
//
// Only the field numbers and the names of the service and its method are on
// the wire. They are those of Monogon Metropolis.
package curatorpb

// DefaultNameLabel is the key of the label that usually has a node's readable name.
const DefaultNameLabel = "nodedns/name"

//go:generate ./generate.sh
