package follow

import (
	"slices"

	"golang.org/x/sys/unix"
)

// localTypes are the file systems (statfs(2)) that only this kernel changes, so
// that inotify reports every change. By inotify(7) it does not report what
// another machine changes on a network file system, nor what changes by itself
// in a pseudo-file system such as proc; FUSE and 9p may be either. A type that
// is not listed counts as one of those.
//
// These are the types that stat.c of GNU coreutils calls local, as far as a
// file of ours may lie on one, and besides overlayfs: its documentation forbids
// changing the layers of a mounted one, and what went wrong with inotify there
// were watches of files that were copied up, not those of directories.
var localTypes = []uint32{
	unix.BCACHEFS_SUPER_MAGIC,
	unix.BTRFS_SUPER_MAGIC,
	unix.CRAMFS_MAGIC,
	unix.ECRYPTFS_SUPER_MAGIC,
	unix.EROFS_SUPER_MAGIC_V1,
	unix.EXFAT_SUPER_MAGIC,
	unix.EXT4_SUPER_MAGIC, // ext2 and ext3 too
	unix.F2FS_SUPER_MAGIC,
	unix.ISOFS_SUPER_MAGIC,
	unix.JFFS2_SUPER_MAGIC,
	unix.MSDOS_SUPER_MAGIC,
	unix.NILFS_SUPER_MAGIC,
	unix.OVERLAYFS_SUPER_MAGIC,
	unix.RAMFS_MAGIC,
	unix.REISERFS_SUPER_MAGIC,
	unix.SQUASHFS_MAGIC,
	unix.TMPFS_MAGIC,
	unix.UDF_SUPER_MAGIC,
	unix.XFS_SUPER_MAGIC,
	ubifsMagic,
	zfsMagic,
}

// Types that package unix does not have.
const (
	ubifsMagic = 0x24051905
	zfsMagic   = 0x2fc12fc1
)

// isLocal reports whether the kernel notifies of all changes of a path.
func isLocal(path string) bool {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return false
	}
	return slices.Contains(localTypes, uint32(s.Type))
}
