"""Which kind of file system an open file lies on."""

from __future__ import annotations

from pathlib import Path

_PROC = Path("/proc/self")
#: File systems of this machine alone: whoever changes a file there changes its times, too. On all others a second machine
#: may write, or times and inode numbers may be made up; whatever is not listed counts as one of those.
LOCAL = frozenset(
    {"bcachefs", "btrfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "squashfs", "tmpfs", "xfs", "zfs"}
)


def file_system(descriptor: int, proc: Path = _PROC) -> str | None:
    """The type of the file system, e.g. `ext4` or `nfs4`; None where the system does not say."""
    try:
        info = (proc / f"fdinfo/{descriptor}").read_text()
        mounts = (proc / "mountinfo").read_text(errors="replace")
    except OSError:
        return None
    mount = next((line.split()[1] for line in info.splitlines() if line.startswith("mnt_id:")), None)
    for line in mounts.splitlines():
        # proc(5): `36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw`
        before, _, after = line.partition(" - ")
        if mount is not None and before.split(" ", 1)[0] == mount:
            return after.split(" ", 1)[0]
    return None
