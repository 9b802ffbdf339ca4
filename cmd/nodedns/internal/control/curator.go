package control

import (
	"context"
	"net/http"
	"net/url"
)

// CuratorChange is a decision that was made on which nodes may act as curators.
type CuratorChange struct {
	// Trusted is the node that may do so from now on, or absent.
	Trusted string `json:"trusted,omitempty"`
	// Reset means that all decisions, and what backlogs reported, were deleted.
	Reset bool `json:"reset,omitempty"`
}

func (d *Daemon) serveTrust(w http.ResponseWriter, r *http.Request) {
	node := r.URL.Query().Get(nameParameter)
	if err := d.TrustCurator(node); err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	reply(w, http.StatusOK, CuratorChange{Trusted: node})
}

func (d *Daemon) serveReset(w http.ResponseWriter, _ *http.Request) {
	d.ResetCurators()
	reply(w, http.StatusOK, CuratorChange{Reset: true})
}

// TrustCurator allows a node to act as a curator.
func (c *Client) TrustCurator(ctx context.Context, node string) (CuratorChange, error) {
	var done CuratorChange
	return done, c.change(ctx, trustPath, url.Values{nameParameter: {node}}, &done)
}

// ResetCurators makes the daemon forget which nodes may act as curators.
func (c *Client) ResetCurators(ctx context.Context) (CuratorChange, error) {
	var done CuratorChange
	return done, c.change(ctx, resetPath, nil, &done)
}
