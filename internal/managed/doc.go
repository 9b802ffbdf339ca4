// Package managed replaces files that belong to others, and keeps what
// was there before.
//
// [File.Update] brings a file to a content. A reader finds the old file or the
// new one, never a part and never none: a new file with the owner, mode and
// extended attributes of the old one is renamed into its place. Only where that
// cannot work, because the file is a mount point, its directory is read-only,
// or we lack the permission to give a new file the attributes of the old one,
// the file is overwritten in place. Then a reader may see a mixture for a
// moment. A copy of the old content lies in the state directory until the new
// one is complete, so that the next write or [RecoverOverwrites] repairs what a
// crash left half written.
//
// A new file gets the SELinux label of its kind, as far as there is one; see
// File.Kin.
//
// A symlink is followed, or replaced and kept as a symlink; see File.Links.
//
// [File.UpdateAfter] does the same and has what was there recorded first, as one
// of [Backups]. Those are in the state directory, and written by renameio. The
// managed files are not: it keeps neither owner nor attributes, does not sync the
// directory, and leaves temporary files behind after a crash that look like the
// user's. Each user of the package needs a state directory of its own, since All
// returns every record there.
//
// # Paths
//
// With a root set, a path lies below it, and a symlink is followed as a process
// with this root would: an absolute one does not lead out.
//
// # Goroutines
//
// The package starts none. A File must not be used concurrently.
package managed
