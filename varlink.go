package nodedns

import "github.com/nodedns/nodedns/resolver/varlink"

// VarlinkStatus is how the socket for glibc's nss-resolve stands.
type VarlinkStatus struct {
	Socket string `json:"socket"`
	varlink.Stats
	// Error is why it is not served now, or empty.
	Error string `json:"error"`
}

// varlinkStatus is nil where there is no socket.
func (s *Service) varlinkStatus() *VarlinkStatus {
	if s.varlink == nil {
		return nil
	}
	status := &VarlinkStatus{Socket: s.varlink.Path, Stats: s.varlink.Stats()}
	if err := s.varlink.Err(); err != nil {
		status.Error = err.Error()
	}
	return status
}
