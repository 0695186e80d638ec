"""One blob out of a registry, however often the connection breaks: continued by Range, compared with its digest at the end."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import NoReturn, final

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.oci.connections import LostError
from model_provenance.oci.registry import Registry
from model_provenance.oci.transport import Answer, Download

_BLOCK = 512 * 1024
_PARTIAL, _NOT_SATISFIABLE = 206, 416
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)")

Take = Callable[[memoryview], None]


@final
class BlobFetch:
    """The bytes of one blob from its beginning, each once: first what is already here (`known`), then from the registry."""

    def __init__(self, registry: Registry, layer: Descriptor, take: Take, advance: Callable[[int], None]) -> None:
        self._registry = registry
        self._layer = layer
        self._take = take
        self._advance = advance
        self._hash = hashlib.sha256()
        self._offset = 0

    def known(self, data: memoryview) -> None:
        """Bytes that are here from an earlier run; the digest at the end tells whether they are right."""
        self._hash.update(data)
        self._take(data)
        self._offset += len(data)
        self._advance(len(data))

    def run(self) -> None:
        """Fetch the rest. Raises `registry.digest`, `registry.truncated`, `registry.missing`, `registry.unreachable`."""
        retrying = self._registry.session.retrying
        failures = 0
        while self._offset < self._layer.size:
            before = self._offset
            error: LostError | None = None
            try:
                self._once()
            except LostError as lost:
                error = lost
            if self._offset >= self._layer.size:
                break
            failures = 0 if self._offset > before else failures + 1
            if failures >= retrying.tries:
                self._give_up(error)
            retrying.pause(failures)
        if Digest(self._hash.hexdigest()) != self._layer.digest:
            self._refuse("its content is not what its digest says")

    def _once(self) -> None:
        headers = {"Range": f"bytes={self._offset}-"} if self._offset else {}
        url = self._registry.session.url(f"blobs/{self._layer.digest}")
        doing = f"read the layer {self._layer.digest}"
        download = self._registry.session.download(url, headers, doing)
        if isinstance(download, Answer):
            if download.status == _NOT_SATISFIABLE:
                self._refuse(f"it ends after {self._offset} bytes, and {self._layer.size} are named")
            raise self._registry.session.refusal(download, doing)
        try:
            self._read(download, self._skipped(download))
        finally:
            download.close()

    def _skipped(self, download: Download) -> int:
        """Bytes to read over: a server that ignores Range starts at the beginning."""
        if not self._offset:
            if download.status == _PARTIAL:
                self._refuse("a part came where the whole was asked for")
            return 0
        if download.status != _PARTIAL:
            return self._offset
        match = _RANGE.fullmatch(download.headers.get("content-range", ""))
        if match is None or int(match[1]) != self._offset:
            self._refuse("another part came than was asked for")
        return 0

    def _read(self, download: Download, skip: int) -> None:
        buffer = memoryview(bytearray(min(_BLOCK, self._layer.size + 1)))
        while count := download.readinto(buffer):
            start = min(skip, count)
            skip -= start
            piece = buffer[start:count]
            if not piece:
                continue
            if self._offset + len(piece) > self._layer.size:
                self._refuse(f"more than the {self._layer.size} bytes came that are named")
            self._hash.update(piece)
            self._take(piece)
            self._offset += len(piece)
            self._advance(len(piece))

    def _give_up(self, error: LostError | None) -> NoReturn:
        where = f"after {self._offset} of {self._layer.size} bytes"
        if error is None:
            raise ModelProvenanceError(
                "registry.truncated", f"the layer {self._layer.digest} ends {where}", location=self._registry.where
            )
        raise self._registry.session.lost(error, f"read the layer {self._layer.digest} {where}") from error

    def _refuse(self, why: str) -> NoReturn:
        raise ModelProvenanceError(
            "registry.digest", f"the layer {self._layer.digest}: {why}", location=self._registry.where
        )
