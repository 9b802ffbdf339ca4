package changelog

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// DuplicateKeyRemedy is what to do about a key that two machines have, as
// machines made from one image do.
const DuplicateKeyRemedy = `run "nodedns init --force" on one of the two and enrol it again`

// DuplicateKeyText is the conflict as a sentence, or empty without one.
func DuplicateKeyText(snapshot *zone.Snapshot) string {
	conflict, found := snapshot.DuplicateKey()
	if !found {
		return ""
	}
	return fmt.Sprintf("another machine has this node's key, since %s: %s; %s",
		conflict.Since.UTC().Format(time.RFC3339), conflict.Reason, DuplicateKeyRemedy)
}

// logDuplicateKey logs when a conflict begins and when it is over.
func logDuplicateKey(log *slog.Logger, was, is *zone.Snapshot) bool {
	before, after := DuplicateKeyText(was), DuplicateKeyText(is)
	switch {
	case before == "" && after != "":
		conflict, _ := is.DuplicateKey()
		log.Error("another machine has this node's key", "node", is.Local().ID(), "reason", conflict.Reason, "remedy", DuplicateKeyRemedy)
	case before != "" && after == "":
		log.Info("duplicate node key no longer seen", "node", is.Local().ID())
	default:
		return false
	}
	return true
}
