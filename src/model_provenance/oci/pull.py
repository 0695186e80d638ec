"""Layers of a model out of a registry, several at a time: hashed and checked, and kept as files where a folder is given."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from model_provenance.disk.crew import Crew
from model_provenance.disk.failure import failure
from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile
from model_provenance.domain.package import Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.model_index import CONTENT_OFFSET, FILEPATH, Form, layer_form, model_file_path
from model_provenance.formats.tar import PREFIX
from model_provenance.formats.untar import TarDigests, TarMember
from model_provenance.oci.fetch import BlobFetch, Take
from model_provenance.oci.model import Model, files_of
from model_provenance.oci.registry import Registry
from model_provenance.oci.transport import Answer
from model_provenance.oci.unpack import FileWriter, Staging

_MALFORMED = "registry.malformed"
_BLOCK = 1 << 20
#: A header with its pax record; more is not one of ours, and then nothing is resumed.
_HEADER_LIMIT = 8192
_PARTIAL = 206

Members = tuple[TarMember, ...]


def read_layers(
    registry: Registry, model: Model, staging: Staging | None, progress: Callable[[int], None] | None
) -> tuple[ModelFile, ...]:
    """The files of a model, each blob and each file with its digest; written into `staging` where there is one.

    Raises `registry.*`, `archive.malformed` for a layer that can be read in two ways, `machine.*`.
    """
    unique = list({(*_blob(layer), _file(layer, staging)): layer for layer in model.layers}.values())

    def work(layer: Descriptor, crew: Crew[Descriptor, Members]) -> Members:
        return _Layer(registry, layer, staging, crew.advance).read()

    found = Crew(work, progress=progress).run(unique, lambda layer: layer.size)
    members = {(layer.digest, layer_form(layer)): each for layer, each in zip(unique, found, strict=True)}
    return files_of(model, members, code=_MALFORMED, location=registry.where)


def _blob(layer: Descriptor) -> tuple[Digest, int, Form]:
    return layer.digest, layer.size, layer_form(layer)


def _file(layer: Descriptor, staging: Staging | None) -> str | None:
    """The file to be written; equal files are one raw blob, and each of them is to lie there."""
    return model_file_path(layer) if staging is not None and layer_form(layer) is Form.RAW else None


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer on its way."""

    registry: Registry
    layer: Descriptor
    staging: Staging | None
    advance: Callable[[int], None]

    def read(self) -> Members:
        """Go on with what an earlier run left; where that turns out to be wrong, begin again."""
        name, kept = self._kept()
        if name is not None and kept:
            count = 0

            def advance(done: int) -> None:
                nonlocal count
                count += done
                self.advance(done)

            try:
                return self._fetched(name, kept, advance)
            except ModelProvenanceError as error:
                if error.code not in ("registry.digest", "archive.malformed"):
                    raise
                self.advance(-count)
        return self._fetched(name, 0, self.advance)

    def _kept(self) -> tuple[str | None, int]:
        """The one file of this layer, and how much of it lies in the staging folder."""
        if self.staging is None:
            return None, 0
        if layer_form(self.layer) is Form.RAW:
            path = model_file_path(self.layer)
        else:
            annotations = dict(self.layer.annotations)
            named = annotations.get(FILEPATH, "")
            path = named.removeprefix(PREFIX) if CONTENT_OFFSET in annotations and named.startswith(PREFIX) else None
        if path is None:
            return None, 0
        return path, min(self.staging.size(path), self.layer.size)

    def _fetched(self, name: str | None, kept: int, advance: Callable[[int], None]) -> Members:
        head = self._head() if kept and name is not None else b""
        if head is None:
            kept, head = 0, b""
        writer = None if self.staging is None else FileWriter(self.staging, PREFIX if self._is_tar else "", kept)
        where = f"{self.registry.where}: layer {self.layer.digest}"
        tar = TarDigests(where, writer) if self._is_tar else None
        if tar is None and writer is not None:
            self._begin_raw(writer)
        take: Take = tar.feed if tar is not None else _nothing if writer is None else writer.take
        try:
            fetch = BlobFetch(self.registry, self.layer, take, advance)
            if kept and name is not None:
                self._known(fetch, name, head, kept)
            fetch.run()
            if tar is not None:
                return tar.close()
            if writer is not None:
                writer.end(self.layer.digest)
            return ()
        finally:
            if writer is not None:
                writer.close()

    def _begin_raw(self, writer: FileWriter) -> None:
        name = model_file_path(self.layer)
        if name is None:
            raise ModelProvenanceError(_MALFORMED, f"the layer {self.layer.digest} does not say its file's name")
        writer.begin(name, self.layer.size)

    @property
    def _is_tar(self) -> bool:
        return layer_form(self.layer) is Form.TAR

    def _head(self) -> bytes | None:
        """What stands before the content of a layer's one file; None where it cannot be had alone."""
        if not self._is_tar:
            return b""
        text = dict(self.layer.annotations).get(CONTENT_OFFSET, "")
        offset = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0  # noqa: PLR2004 - below the limit
        if not 0 < offset <= min(_HEADER_LIMIT, self.layer.size):
            return None
        url = self.registry.session.url(f"blobs/{self.layer.digest}")
        download = self.registry.session.download(
            url, {"Range": f"bytes=0-{offset - 1}"}, "read the beginning of a layer"
        )
        if isinstance(download, Answer):
            return None
        try:
            data = bytearray()
            buffer = memoryview(bytearray(offset))
            while len(data) < offset and (count := download.readinto(buffer)):
                data += buffer[:count]
            return bytes(data) if download.status == _PARTIAL and len(data) == offset else None
        finally:
            download.close()

    def _known(self, fetch: BlobFetch, name: str, head: bytes, kept: int) -> None:
        """Feed what is here, as if it had just come; at most up to the end of the layer."""
        assert self.staging is not None  # noqa: S101 - nothing is kept without one
        if head:
            fetch.known(memoryview(head))
        left = min(kept, self.layer.size - len(head))
        descriptor = self.staging.open(name)
        try:
            at = 0
            while left and (data := os.pread(descriptor, min(_BLOCK, left), at)):
                fetch.known(memoryview(data))
                at += len(data)
                left -= len(data)
        except OSError as error:
            raise failure(error, name, doing="read") from error
        finally:
            os.close(descriptor)


def _nothing(data: memoryview) -> None:
    """Keep nothing."""
