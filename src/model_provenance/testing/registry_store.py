"""What a simulated registry holds; thread-safe, in memory, hashed where it arrives."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Session:
    """An upload under way."""

    repository: str
    data: bytearray = field(default_factory=bytearray)
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class RegistryStore:
    """Blobs and manifests by repository. `changed` is called with a word for every write."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.blobs: dict[str, dict[str, bytes]] = {}
        #: Blobs that were swallowed: digest -> size.
        self.swallowed: dict[str, dict[str, int]] = {}
        #: repository -> digest -> (media type, bytes)
        self.manifests: dict[str, dict[str, tuple[str, bytes]]] = {}
        #: repository -> tag -> digests, the last one counts
        self.tags: dict[str, dict[str, list[str]]] = {}
        self.sessions: dict[str, Session] = {}
        self.writes: list[str] = []
        self.watch: Callable[[str], None] | None = None

    def open_session(self, repository: str) -> str:
        """A new upload."""
        name = secrets.token_hex(8)
        with self.lock:
            self.sessions[name] = Session(repository)
        return name

    def put_blob(self, repository: str, digest: str, data: bytes) -> None:
        """Keep a blob."""
        with self.lock:
            self.blobs.setdefault(repository, {})[digest] = data
        self._wrote(f"blob {digest}")

    def swallow(self, repository: str, digest: str, size: int) -> None:
        """Remember that a blob was sent, without its bytes."""
        with self.lock:
            self.swallowed.setdefault(repository, {})[digest] = size
        self._wrote(f"blob {digest}")

    def blob_size(self, repository: str, digest: str) -> int | None:
        """Bytes of a blob."""
        with self.lock:
            data = self.blobs.get(repository, {}).get(digest)
            return len(data) if data is not None else self.swallowed.get(repository, {}).get(digest)

    def blob(self, repository: str, digest: str) -> bytes | None:
        """A blob."""
        with self.lock:
            return self.blobs.get(repository, {}).get(digest)

    def put_manifest(self, repository: str, media_type: str, data: bytes, tag: str | None) -> str:
        """Keep a manifest, under a tag as well."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        with self.lock:
            self.manifests.setdefault(repository, {})[digest] = (media_type, data)
            if tag is not None:
                self.tags.setdefault(repository, {}).setdefault(tag, []).append(digest)
        self._wrote(f"manifest {tag or digest}")
        return digest

    def tagged(self, repository: str, tag: str, age: int = 0) -> str | None:
        """The digest that a tag names, or named `age` writes ago."""
        with self.lock:
            named = self.tags.get(repository, {}).get(tag, [])
            return named[-1 - age] if len(named) > age else None

    def manifest(self, repository: str, digest: str) -> tuple[str, bytes] | None:
        """A manifest by digest."""
        with self.lock:
            return self.manifests.get(repository, {}).get(digest)

    def missing_parts(self, repository: str, data: bytes) -> list[str]:
        """What a manifest names and the repository does not hold."""
        value = json.loads(data)
        named = [value.get("config"), *value.get("layers", [])]
        gone = [part["digest"] for part in named if part and self.blob_size(repository, part["digest"]) is None]
        gone += [part["digest"] for part in value.get("manifests", []) if not self.manifest(repository, part["digest"])]
        return gone

    def referrers(self, repository: str, subject: str) -> list[dict[str, Any]]:
        """Descriptors of the manifests whose subject this is."""
        found = []
        with self.lock:
            for digest, (media_type, data) in self.manifests.get(repository, {}).items():
                value = json.loads(data)
                if (value.get("subject") or {}).get("digest") == subject:
                    artifact = value.get("artifactType") or (value.get("config") or {}).get("mediaType")
                    entry = {"mediaType": media_type, "digest": digest, "size": len(data), "artifactType": artifact}
                    found.append({**entry, "annotations": value.get("annotations") or {}})
        return found

    def _wrote(self, what: str) -> None:
        with self.lock:
            self.writes.append(what)
        if self.watch is not None:
            self.watch(what)
