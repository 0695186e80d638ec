"""The trusted root of public Sigstore, without opening a connection: cached by a Sigstore client, else embedded.

A cache is a place that others may write to, so a cached root counts only if its TUF metadata leads to it again from the
root keys that the sigstore package embeds (design, 4.4.10). Expiry is not judged here: offline is a way to work, and
what was trusted when something was signed stays trusted for that signature.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp  # type: ignore[attr-defined]  # no __all__
from tuf.api.serialization import DeserializationError

from model_provenance.errors import ModelProvenanceError

_REPOSITORY = quote("https://tuf-repo-cdn.sigstore.dev", safe="")
_TARGET = "trusted_root.json"
_LIMIT = 8 * 1024 * 1024
#: The public instance changes its root twice or three times a year.
_ROOTS = 256
#: Sigstore's clients refresh daily; the public root changes a few times a year.
OLD = 30 * 24 * 3600


def production_root(metadata: Path | None = None, targets: Path | None = None) -> bytes:
    """Trusted root JSON; `metadata` and `targets` are folders of a TUF client, by default those of sigstore-python."""
    if metadata is None or targets is None:
        metadata, targets = _client_folders()
    return _cached(metadata, targets) or _embedded(_TARGET)


def cached_age(*, now: float) -> float | None:
    """Seconds since the cached root that is used was refreshed; None where the embedded one is used."""
    metadata, targets = _client_folders()
    if _cached(metadata, targets) is None:
        return None
    return max(0.0, now - (metadata / "timestamp.json").stat().st_mtime)


def _client_folders() -> tuple[Path, Path]:
    from platformdirs import user_cache_dir, user_data_dir  # noqa: PLC0415 - with the default folders only

    name = ("sigstore-python", "sigstore")
    return Path(user_data_dir(*name)) / "tuf" / _REPOSITORY, Path(user_cache_dir(*name)) / "tuf" / _REPOSITORY


def _embedded(name: str) -> bytes:
    try:
        return (files("sigstore._store") / _REPOSITORY / name).read_bytes()
    except (OSError, ModuleNotFoundError) as error:
        raise ModelProvenanceError(
            "trust.root_invalid",
            f"the sigstore package embeds no {name}",
            remedy="Install sigstore again, or give --trusted-root.",
        ) from error


def _cached(metadata: Path, targets: Path) -> bytes | None:
    """The cached trusted root if its whole chain verifies from the embedded root, else None."""
    try:
        root = _newest_root(metadata)
        timestamp = _signed_by(root, _read(metadata / "timestamp.json"), Timestamp)
        data = _read(metadata / "snapshot.json")
        timestamp.snapshot_meta.verify_length_and_hashes(data)
        snapshot = _signed_by(root, data, Snapshot, version=timestamp.snapshot_meta.version)
        data, named = _read(metadata / "targets.json"), snapshot.meta["targets.json"]
        named.verify_length_and_hashes(data)
        listed = _signed_by(root, data, Targets, version=named.version)
        data = _read(targets / _TARGET)
        listed.targets[_TARGET].verify_length_and_hashes(data)
    except (OSError, KeyError, ValueError, RepositoryError, DeserializationError):
        return None
    return data


def _newest_root(metadata: Path) -> Root:
    """Follow the root versions after the embedded one: each is signed by the one before and by itself."""
    root = _signed_by(None, _embedded("root.json"), Root)
    for _ in range(_ROOTS):
        path = metadata / "root_history" / f"{root.version + 1}.root.json"
        if not path.exists():
            break
        data = _read(path)
        following = _signed_by(root, data, Root, version=root.version + 1)
        root = _signed_by(following, data, Root)
    return root


S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


def _signed_by(root: Root | None, data: bytes, kind: type[S], *, version: int | None = None) -> S:
    """Parse metadata and check its signatures by `root` (None: by itself)."""
    parsed = Metadata[S].from_bytes(data)
    if not isinstance(parsed.signed, kind) or (version is not None and parsed.signed.version != version):
        msg = "another kind or version of metadata"
        raise ValueError(msg)
    signer = root if root is not None else parsed.signed
    if not isinstance(signer, Root):
        msg = "only a root signs itself"
        raise TypeError(msg)
    signer.verify_delegate(kind.type, parsed.signed_bytes, parsed.signatures)
    return parsed.signed


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        msg = "too large to be metadata"
        raise ValueError(msg)
    return data
