"""A TUF repository as a private Sigstore publishes its trust: four roles, consistent snapshots, in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

_WEEK = timedelta(days=7)
S = TypeVar("S", Targets, Snapshot, Timestamp)


class TufMirror:
    """Publishes targets into `folder`; each `publish` is a new version of everything but the root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = Root(consistent_snapshot=True)
        self._version = 0
        self.signers = {role: CryptoSigner.generate_ed25519() for role in ("root", "targets", "snapshot", "timestamp")}
        self._write_root(self.signers["root"])

    def first_root(self) -> bytes:
        """What clients are given out of band."""
        return (self.folder / "1.root.json").read_bytes()

    def rotate_root(self, signer: CryptoSigner) -> None:
        """A next root under another key, signed by the old one and the new one."""
        old = self.signers["root"]
        self.signers["root"] = signer
        self._root.version += 1
        self._write_root(old)

    def _write_root(self, old: CryptoSigner) -> None:
        signer = self.signers["root"]
        self._root.expires = datetime.now(timezone.utc) + _WEEK
        for role, owner in self.signers.items():
            self._root.roles[role].keyids = [owner.public_key.keyid]
            self._root.keys[owner.public_key.keyid] = owner.public_key
        metadata = Metadata(self._root)
        for each in {id(s): s for s in (old, signer)}.values():
            metadata.sign(each, append=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        metadata.to_file(str(self.folder / f"{self._root.version}.root.json"))

    def publish(self, targets: Mapping[str, bytes], *, life: timedelta = _WEEK, version: int | None = None) -> None:
        """Targets by name, and the metadata that leads to them; a negative `life` has expired."""
        self._version = version or self._version + 1
        number, expires = self._version, datetime.now(timezone.utc) + life
        listed = {}
        for name, data in targets.items():
            listed[name] = TargetFile.from_data(name, data)
            place = self.folder / "targets" / f"{listed[name].hashes['sha256']}.{name}"
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(data)
        self._write(Targets(version=number, expires=expires, targets=listed), "targets", f"{number}.targets.json")
        snapshot = Snapshot(version=number, expires=expires, meta={"targets.json": MetaFile(number)})
        self._write(snapshot, "snapshot", f"{number}.snapshot.json")
        timestamp = Timestamp(version=number, expires=expires, snapshot_meta=MetaFile(number))
        self._write(timestamp, "timestamp", "timestamp.json")

    def _write(self, signed: S, role: str, name: str) -> None:
        metadata = Metadata(signed)
        metadata.sign(self.signers[role])
        metadata.to_file(str(self.folder / name))
