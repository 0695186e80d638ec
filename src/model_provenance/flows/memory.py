"""What is remembered between verifications, where somebody asked for it: two facts that cost much, and no verdict.

That a file which is still the same one (device, inode, size, both times) has the digest that was read from it, and that the
second verifier has accepted a bundle. All else is done again each time: signatures, expectations, policy, revocation.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import model_provenance
from model_provenance.cache.entries import Cache
from model_provenance.cache.secret import secret_place
from model_provenance.disk.failure import failure
from model_provenance.disk.mounts import LOCAL, file_system
from model_provenance.disk.opening import open_root
from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile, Role
from model_provenance.domain.finding import Finding, passed, warned
from model_provenance.domain.package import Layout, Package
from model_provenance.flows.places import refuse_planted
from model_provenance.pack.inventory import Inventory

#: A file that was written to this short a time ago may be written to again within one tick of the clock that its times are
#: taken from, and then look unchanged (git calls such an entry racy).
_SETTLED_NS = 2_000_000_000
#: Changes with the meaning of an entry.
_FORM = 1


@dataclass(frozen=True, slots=True)
class ReadBefore:
    """What an earlier reading of the same files found."""

    files: tuple[ModelFile, ...]
    package_digest: Digest
    manifest_digests: tuple[Digest, ...]


@final
class Memory:
    """For one verification. What was read is only kept by `commit`, once it has been verified."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._pending: list[tuple[Any, Any]] = []
        self._told: list[Finding] = []
        #: Whether the files were not read this time.
        self.recalled = False

    # --- files

    def recall(self, inventory: Inventory, layout: Layout) -> ReadBefore | None:
        """What was read from these very files before."""
        if self._foreign(inventory):
            return None
        value = self._cache.get("files", _files_key(inventory, layout))
        if value is None:
            return None
        self.recalled = True
        self._told.append(passed("cache", f"{len(value['files'])} files are the ones that were read before"))
        return ReadBefore(
            tuple(ModelFile(path, size, Digest(digest), Role(role)) for path, size, digest, role in value["files"]),
            Digest(value["package"]),
            tuple(Digest(digest) for digest in value["manifests"]),
        )

    def note(self, inventory: Inventory, layout: Layout, package: Package, *, start: int) -> None:
        """Have a reading kept, which began at `start` (Unix nanoseconds)."""
        newest = max(max(stamp.mtime_ns, stamp.ctime_ns) for stamp in inventory.stamps.values())
        if self._foreign(inventory) or newest > start - _SETTLED_NS:
            return
        value = {
            "files": [[file.path, file.size, file.digest.hex, file.role.value] for file in package.files],
            "package": package.package_digest.hex,
            "manifests": [digest.hex for digest in package.manifest_digests],
        }
        self._pending.append((_files_key(inventory, layout), value))

    def findings(self) -> tuple[Finding, ...]:
        """What a report says of the memory."""
        if self._cache.refused:
            what = f"{self._cache.refused} entries of the cache were not written by this user on this machine, and do not count"
            self._told.append(warned("cache.refused", what))
        return tuple(dict.fromkeys(self._told))

    def commit(self) -> None:
        """Keep what was read: it has been verified."""
        while self._pending:
            self._cache.put("files", *self._pending.pop())

    # --- the second verifier (domain.verification.Opinions)

    def accepted(self, root: Digest, bundle: Digest, blob: Digest | None) -> bool:
        """Whether the library that is installed now has accepted this bundle before."""
        return self._cache.get("opinion", _opinion_key(root, bundle, blob)) is True

    def accept(self, root: Digest, bundle: Digest, blob: Digest | None) -> None:
        """Remember that it has."""
        self._cache.put("opinion", _opinion_key(root, bundle, blob), value=True)

    def unused(self, why: str) -> None:
        """Have the report say that what is looked at is read each time."""
        self._told.append(warned("cache.unused", f"{why}, so it is read each time"))

    def _foreign(self, inventory: Inventory) -> bool:
        """Whether some file lies where its times prove nothing; said once."""
        folder = inventory.root if inventory.root.is_dir() else inventory.root.parent
        try:
            descriptor = open_root(folder)
        except OSError as error:
            raise failure(error, str(folder), doing="open the model") from error
        kind, device = file_system(descriptor), os.fstat(descriptor).st_dev
        os.close(descriptor)
        if kind in LOCAL and all(stamp.device == device for stamp in inventory.stamps.values()):
            return False
        place = f"on {kind}" if kind not in LOCAL else "on several file systems"
        self.unused(f"the model lies {place}, where the times of a file prove nothing")
        return True


def open_memory(folder: Path | None, env: Mapping[str, str], *, decided_about: Sequence[Path] = ()) -> Memory | None:
    """The memory in `folder`; None where nobody asked for one. Raises `cache.place`, also for one in the model, `machine.*`."""
    if folder is None:
        return None
    refuse_planted({"--cache": folder}, decided_about)
    return Memory(Cache(folder, secret_place(env)))


def _files_key(inventory: Inventory, layout: Layout) -> Any:
    """All that a reading depends on. Numbers as text: times exceed what JSON keeps exactly."""
    stamps = inventory.stamps
    files = []
    for entry in inventory.entries:
        stamp = stamps[entry.path]
        numbers = (stamp.device, stamp.inode, stamp.size, stamp.mtime_ns, stamp.ctime_ns)
        files.append([entry.path, *map(str, numbers)])
    return [_FORM, model_provenance.__version__, layout.value, files]


def _opinion_key(root: Digest, bundle: Digest, blob: Digest | None) -> Any:
    from sigstore import __version__ as library  # noqa: PLC0415 - the name alone, without what makes it heavy

    return [_FORM, model_provenance.__version__, library, root.hex, bundle.hex, None if blob is None else blob.hex]
