package memory

import (
	"crypto/ed25519"
	"crypto/x509"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// A client's certificate is checked at each call of the Curator service, and not
// in the handshake: any client may ask which curator leads.
func TestCallsAreAuthenticated(t *testing.T) {
	t.Parallel()
	cluster, foreign := authority(t), authority(t)
	s := &Server{Directory: &Directory{}, Prefix: zone.DefaultPrefix}
	s.Credentials = newNode(t, cluster)
	own := newNode(t, cluster)
	id := string(own.ID)
	s.Directory.Set(Node{ID: id})
	for name, test := range map[string]struct {
		shown  *nodetls.Credentials
		about  string
		watch  codes.Code
		update codes.Code
	}{
		"no certificate":      {&nodetls.Credentials{CA: cluster.CA()}, id, codes.Unauthenticated, codes.Unauthenticated},
		"of another cluster":  {with(newNode(t, foreign), cluster.CA()), id, codes.Unauthenticated, codes.Unauthenticated},
		"of a wrong shape":    {misshapen(t, cluster), id, codes.Unauthenticated, codes.Unauthenticated},
		"of a node":           {own, id, codes.OK, codes.OK},
		"of another node":     {newNode(t, cluster), id, codes.OK, codes.PermissionDenied},
		"of a node not in it": {own, "", codes.OK, codes.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := test.shown.ClientConfig(zone.DefaultPrefix, nil)
			if test.shown.Certificate.Certificate == nil {
				config.Certificates = nil
			}
			conn := connect(t, s, credentials.NewTLS(config))
			says, err := curatorpb.NewCuratorLocalClient(conn).GetCurrentLeader(t.Context(), &curatorpb.GetCurrentLeaderRequest{})
			must(t, err)
			if _, err := says.Recv(); err != nil {
				t.Errorf("GetCurrentLeader: %v", err)
			}
			client := curatorpb.NewCuratorClient(conn)
			if _, err := watch(t, client).Recv(); status.Code(err) != test.watch {
				t.Errorf("Watch: %v, want %v", err, test.watch)
			}
			_, err = client.UpdateNodeStatus(t.Context(), &curatorpb.UpdateNodeStatusRequest{
				NodeId: test.about, Status: &curatorpb.NodeStatus{ExternalAddress: "192.0.2.1"},
			})
			if status.Code(err) != test.update {
				t.Errorf("UpdateNodeStatus: %v, want %v", err, test.update)
			}
		})
	}
}

func authority(t *testing.T) *Cluster {
	t.Helper()
	c, err := NewCluster(zone.DefaultPrefix)
	must(t, err)
	return c
}

func newNode(t *testing.T, c *Cluster) *nodetls.Credentials {
	t.Helper()
	node, err := c.NewNode()
	must(t, err)
	return node
}

// with are the credentials of a node that takes the servers of a CA.
func with(own *nodetls.Credentials, ca *x509.Certificate) *nodetls.Credentials {
	changed := *own
	changed.CA = ca
	return &changed
}

// misshapen is a node whose certificate has another name than its key's.
func misshapen(t *testing.T, c *Cluster) *nodetls.Credentials {
	t.Helper()
	node := newNode(t, c)
	der, err := c.Issue(node.Certificate.Leaf.PublicKey.(ed25519.PublicKey), func(cert *x509.Certificate) { cert.Subject.CommonName = "other" })
	must(t, err)
	node.Certificate.Certificate = [][]byte{der}
	return node
}
