package curator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

const (
	// maxDeaf is the longest time between two attempts to listen to a curator.
	// A new leader is to be known within five seconds, even if the only
	// curators that know it were out of reach before.
	maxDeaf = 4 * time.Second
	// olderDelay is the time between two attempts to listen to a curator that
	// cannot tell who leads.
	olderDelay = 30 * time.Second
	// breath is the least time between two things that a curator says.
	breath = 20 * time.Millisecond
	// maxSaying is the largest message about the leader, in bytes.
	maxSaying = 64 << 10
)

// listen hears one curator until ctx ends.
func (c *council) listen(ctx context.Context, endpoint Endpoint) {
	delays := backoff{most: maxDeaf}
	for ctx.Err() == nil {
		began := time.Now()
		err := c.hear(ctx, endpoint)
		if ctx.Err() != nil {
			return
		}
		delays.succeeded(time.Since(began))
		delay := delays.next()
		if status.Code(err) == codes.Unimplemented {
			err, delay = errors.New("it is an older one, which does not tell who leads"), olderDelay
		}
		c.tell(ctx, voice{endpoint: endpoint, fault: wordFailure(err)})
		sleep(ctx, delay)
	}
}

// hear opens one stream of who leads and hears it to its end.
func (c *council) hear(ctx context.Context, endpoint Endpoint) error {
	var first cause
	conn, err := c.w.newClient(c.plan, endpoint, &first)
	if err != nil {
		return err
	}
	defer conn.Close()
	says, err := curatorpb.NewCuratorLocalClient(conn).GetCurrentLeader(ctx,
		&curatorpb.GetCurrentLeaderRequest{}, grpc.MaxCallRecvMsgSize(maxSaying))
	for err == nil {
		var m *curatorpb.GetCurrentLeaderResponse
		if m, err = says.Recv(); err == nil {
			c.tell(ctx, understand(endpoint, m, peerCertificate(says.Context()), c.w.cfg.Prefix, c.w.cfg.Insecure))
			sleep(ctx, breath)
		}
	}
	return first.or(err)
}

// Statement is what one curator says of who leads.
type Statement struct {
	// Endpoint where it was asked.
	Endpoint string
	// ID of the curator's own node, where that is known.
	ID zone.ID
	// Leader that it names, or empty.
	Leader zone.ID
	// Fault is why it is not heard now, or empty.
	Fault string
}

// statements lists what is heard, for the status.
func (c *council) statements() []Statement {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Statement, 0, len(c.voices))
	for _, v := range c.voices {
		all = append(all, Statement{v.endpoint.Address(), v.self, v.leader, v.fault})
	}
	slices.SortFunc(all, func(a, b Statement) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	return all
}
