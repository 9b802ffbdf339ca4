package nodedns

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// conflictRemedy is what to do about a key that two machines have, as those
// made from one image do.
const conflictRemedy = `run "nodedns init --force" on one of the two and enrol it again`

// conflictText is the conflict as a sentence, or empty without one.
func conflictText(snapshot *zone.Snapshot) string {
	conflict, found := snapshot.DuplicateKey()
	if !found {
		return ""
	}
	return fmt.Sprintf("another machine has this node's key, since %s: %s; %s",
		conflict.Since.UTC().Format(time.RFC3339), conflict.Reason, conflictRemedy)
}

// logConflict tells when a conflict begins and when it is over.
func logConflict(log *slog.Logger, was, is *zone.Snapshot) bool {
	before, after := conflictText(was), conflictText(is)
	switch {
	case before == "" && after != "":
		conflict, _ := is.DuplicateKey()
		log.Error("another machine has this node's key", "node", is.Local().ID(), "reason", conflict.Reason, "remedy", conflictRemedy)
	case before != "" && after == "":
		log.Info("duplicate node key no longer seen", "node", is.Local().ID())
	default:
		return false
	}
	return true
}
