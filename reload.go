package nodedns

import "time"

// ReloadStatus is what became of the last attempt to load the configuration
// again.
type ReloadStatus struct {
	At time.Time `json:"at"`
	// Error is why it was refused, one line for each problem, or empty.
	Error string `json:"error"`
}

// ReportReload notes for the status that the configuration was loaded again just
// now or, with an error, why it was refused. What is in the files is the
// embedder's business, so the service cannot know by itself: [Service.Reload]
// does not call it. It may be called concurrently.
func (s *Service) ReportReload(err error) {
	r := &ReloadStatus{At: time.Now().UTC().Truncate(time.Millisecond)}
	if err != nil {
		r.Error = err.Error()
	}
	s.lastReload.Store(r)
}
