"""A folder of entries, each authenticated: what this user did not write on this machine is as good as not there."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from model_provenance.cache.secret import refuse_shared, secret
from model_provenance.disk.failure import failure
from model_provenance.disk.mounts import LOCAL, file_system
from model_provenance.disk.opening import open_named, open_root
from model_provenance.disk.publish import PublishedFile
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical

#: An entry lists every file of a model; 100,000 names of 2 KB would be more, and are then simply read again.
_SIZE_LIMIT = 64 * 1024 * 1024
#: Entries that are kept; the ones that were written longest ago go.
_COUNT_LIMIT = 4096
_SUFFIX = ".entry"


@final
class Cache:
    """`get` and `put` by kind and key; both are authenticated together with the value, so that none can be exchanged."""

    def __init__(self, folder: Path, key_file: Path) -> None:
        """Open or make `folder`. Raises `cache.place` where somebody else could write to it, `machine.*`."""
        self._secret = secret(key_file)
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            refuse_shared(folder, os.lstat(folder))
            descriptor = open_root(folder)
            kind = file_system(descriptor)
            os.close(descriptor)
        except OSError as error:
            raise failure(error, str(folder), doing="open the cache") from error
        if kind not in LOCAL:
            what = f"the cache lies on {kind}" if kind else "it is not known on which file system the cache lies"
            raise ModelProvenanceError("cache.place", what, location=shown(str(folder), 400))
        #: Entries that were there and were not written by this user on this machine.
        self.refused = 0

    def get(self, kind: str, key: Any) -> Any | None:
        """The value, or None: no entry, or none that is ours."""
        name = _name(kind, key)
        try:
            descriptor, stamp = open_named(self._folder / name)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(_SIZE_LIMIT + 1) if stamp.size <= _SIZE_LIMIT else b""
        except OSError:
            return None
        code, _, value = data.partition(b"\n")
        if not hmac.compare_digest(code, self._code(name, value)):
            self.refused += 1
            return None
        # Authenticated: these are the bytes that `put` wrote.
        return json.loads(value)

    def put(self, kind: str, key: Any, value: Any) -> None:
        """Keep a value. That it cannot be kept stops nobody: it will be found again."""
        name, data = _name(kind, key), canonical(value)
        if len(data) >= _SIZE_LIMIT:
            return
        with suppress(ModelProvenanceError), PublishedFile(self._folder / name) as file:
            file.write(self._code(name, data) + b"\n" + data)
            file.publish(durable=False)
        self._prune()

    def _code(self, name: str, value: bytes) -> bytes:
        return hmac.new(self._secret, name.encode() + b"\0" + value, hashlib.sha256).hexdigest().encode()

    def _prune(self) -> None:
        with suppress(OSError):
            entries = [entry for entry in os.scandir(self._folder) if entry.name.endswith(_SUFFIX)]
            if len(entries) > _COUNT_LIMIT:
                for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime)[: _COUNT_LIMIT // 8]:
                    Path(entry.path).unlink()


def _name(kind: str, key: Any) -> str:
    """Kind and key as a file name; part of what is authenticated."""
    return hashlib.sha256(kind.encode() + b"\0" + canonical(key)).hexdigest() + _SUFFIX
