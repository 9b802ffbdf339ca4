package nodedns

import "github.com/nodedns/nodedns/resolver/listen"

// ListenerStatus is one of the addresses to answer on.
type ListenerStatus struct {
	Address string `json:"address"`
	// State is listening, waiting for the address to be there, or failed,
	// which is tried again.
	State listen.State `json:"state"`
	// Error is why it does not listen, or empty.
	Error string `json:"error"`
}

func (s *Service) listenerStatus() []ListenerStatus {
	all := []ListenerStatus{}
	for _, l := range s.dns.Listeners() {
		one := ListenerStatus{Address: l.Addr.String(), State: l.State}
		if l.Err != nil {
			one.Error = l.Err.Error()
		}
		all = append(all, one)
	}
	return all
}
