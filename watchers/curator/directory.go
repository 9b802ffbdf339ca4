package curator

import (
	"context"
	"path/filepath"

	"github.com/nodedns/nodedns/internal/follow"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

// followCredentials calls load soon after any of the files of the credentials
// may have changed, once at the beginning included, until ctx ends.
func (w *Watcher) followCredentials(ctx context.Context, load func()) {
	f := follow.Follower{Logger: w.log}
	dir := w.cfg.Credentials
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	for _, name := range []string{nodetls.CAFile, nodetls.CertFile, nodetls.KeyFile} {
		f.Files = append(f.Files, filepath.Join(dir, name))
	}
	f.Run(ctx, load)
}
