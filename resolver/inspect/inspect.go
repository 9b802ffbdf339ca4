package inspect

import (
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/internal/wire"
)

// Inspector asks a Server what it answers, and why. Its methods may be called
// concurrently, also while nothing runs the Server.
type Inspector struct {
	Server *resolver.Server
	// Refusal, if not nil, returns why the cluster's entry for a name is refused,
	// as [zone.Store.Refusal] does. It may be called from any goroutine.
	Refusal func(name string) (reason string, refused bool)
}

// lookup is one of the Server, to be described.
type lookup struct {
	*resolver.Lookup
	refusal func(name string) (reason string, refused bool)
}

func (i Inspector) lookup(r *wire.Request) *lookup {
	return &lookup{i.Server.Lookup(r), i.Refusal}
}
