package memory

import (
	"context"
	"crypto/tls"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

// securely are the options of a server with a certificate. As real curators do,
// it takes connections of any client, since CuratorLocal is for those too that
// have no certificate yet, and checks the client's at each call.
func (s *Server) securely() []grpc.ServerOption {
	config := s.Credentials.ServerConfig(s.Prefix)
	config.ClientAuth = tls.RequestClientCert
	config.VerifyConnection = nil
	return []grpc.ServerOption{
		grpc.Creds(credentials.NewTLS(config)),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			if err := s.authenticate(ctx, info.FullMethod); err != nil {
				return nil, err
			}
			return handle(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			if err := s.authenticate(stream.Context(), info.FullMethod); err != nil {
				return err
			}
			return handle(srv, stream)
		}),
	}
}

// authenticate refuses a call of the Curator service by a client without the
// certificate of a node of the cluster.
func (s *Server) authenticate(ctx context.Context, method string) error {
	if !strings.HasPrefix(method, "/"+curatorpb.Curator_ServiceDesc.ServiceName+"/") {
		return nil
	}
	var shown [][]byte
	for _, cert := range peerState(ctx).PeerCertificates {
		shown = append(shown, cert.Raw)
	}
	if len(shown) == 0 {
		return status.Error(codes.Unauthenticated, "no client certificate")
	}
	if _, err := nodetls.VerifyPeer(shown, s.Credentials.CA, s.Prefix); err != nil {
		return status.Errorf(codes.Unauthenticated, "client %v", err)
	}
	return nil
}

// caller is the node that calls, by its certificate; unknown in plain text.
func caller(ctx context.Context) (id string, known bool) {
	shown := peerState(ctx).PeerCertificates
	if len(shown) == 0 {
		return "", false
	}
	return shown[0].Subject.CommonName, true
}

// peerState is what a handshake has proven of the client: nothing in plain text.
func peerState(ctx context.Context) tls.ConnectionState {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			return info.State
		}
	}
	return tls.ConnectionState{}
}
