"""From an inventory to a package in one read of its bytes: the sentence of this room."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from model_provenance.disk.crew import Crew
from model_provenance.disk.lanes import Consumer
from model_provenance.disk.pour import StreamDigest
from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile, Role, in_oms_order
from model_provenance.domain.package import (
    BlobLostError,
    BlobSink,
    BlobWriter,
    Descriptor,
    KnownBlobs,
    Layout,
    Package,
)
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.model_index import (
    Form,
    file_layer,
    layer_media_type,
    model_index,
    raw_layer,
    small_files_layer,
)
from model_provenance.formats.oci import TITLE
from model_provenance.formats.oms import files_digest, model_digest
from model_provenance.pack.archive import ArchiveOutput
from model_provenance.pack.blob import read_plan
from model_provenance.pack.inventory import Inventory
from model_provenance.pack.plan import BlobPlan, plan_blobs

Progress = Callable[[int], None]

#: Times that one blob is read for a sink that loses it.
_TRIES = 8
#: Stands for the digest of a layer that has not been read: only its title is looked at.
_UNKNOWN = Digest("0" * 64)


def read(
    inventory: Inventory,
    *,
    layout: Layout,
    archive: Path | None = None,
    archive_name: str | None = None,
    sink: BlobSink | None = None,
    known: KnownBlobs | None = None,
    progress: Progress | None = None,
    want_sha1: bool = False,
) -> Package:
    """Read every file once; hash, serialise and describe the model.

    The bytes of layers also go to `sink`, those of an archive layout to the file `archive`, which appears whole or not
    at all; without either only digests are computed. `archive_name` is recorded as the archive's name where it differs
    from the file's. `known` says which layers are hashed before they are sent, and then only where they are missing: those
    are read twice, and nothing else is. `progress` is called with the bytes read since the last call, from one thread at a time.
    `want_sha1` adds SHA-1 per file (SPDX 2.x), at about the cost of another SHA-256.
    Raises `pack.changed`, `pack.vanished`, `machine.*`, and whatever the sink raises.
    """
    if layout.is_archive:
        if sink is not None:
            raise ModelProvenanceError(
                "usage.invalid",
                f"an OCI layout holds layers, and `{layout.value}` makes one archive",
                remedy="Use the layout `layers` or `raw`, or do without an OCI layout.",
            )
        return _read_archive(inventory, layout, archive, archive_name, progress, want_sha1=want_sha1)
    return _read_layers(inventory, layout, _Reader(inventory, sink, known, want_sha1=want_sha1), progress)


def read_files(inventory: Inventory, *, progress: Progress | None = None) -> tuple[ModelFile, ...]:
    """The files of a model with their digests, in order of names, for verifying a directory. Raises as `read`."""
    return _files(_read_blobs(inventory, Layout.RAW, _Reader(inventory, None, None, want_sha1=False), progress))


@dataclass(frozen=True, slots=True)
class _ReadBlob:
    plan: BlobPlan
    digest: Digest
    files: tuple[ModelFile, ...]


def _read_layers(inventory: Inventory, layout: Layout, reader: _Reader, progress: Progress | None) -> Package:
    start = time.perf_counter()
    blobs = _read_blobs(inventory, layout, reader, progress)
    layers = [_layer(blob.plan, blob.digest) for blob in blobs]
    described = model_index(layers, with_image=layout is Layout.LAYERS)
    files = _files(blobs)
    return Package(
        layout,
        files,
        model_digest(files),
        files_digest(files),
        described.index.digest,
        layers=described.layers,
        documents=described.documents,
        index=described.index,
        links=inventory.links,
        ignored=inventory.ignored,
        seconds=time.perf_counter() - start,
    )


def _read_blobs(inventory: Inventory, layout: Layout, reader: _Reader, progress: Progress | None) -> list[_ReadBlob]:
    blobs = Crew(reader.work, progress=progress).run(plan_blobs(inventory.entries, layout), lambda plan: plan.size)
    inventory.recheck()
    return blobs


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the blobs of one model into its sink."""

    inventory: Inventory
    sink: BlobSink | None
    known: KnownBlobs | None
    want_sha1: bool = field(kw_only=True)

    def work(self, plan: BlobPlan, crew: Crew[BlobPlan, _ReadBlob]) -> _ReadBlob:
        """One blob; read again, a bounded number of times, where the sink lost it on the way."""
        for attempt in range(_TRIES):
            try:
                return self._stored(plan, crew)
            except BlobLostError as lost:
                if attempt == _TRIES - 1:
                    raise lost.error from lost
        raise AssertionError  # the last try returns or raises

    def _stored(self, plan: BlobPlan, crew: Crew[BlobPlan, _ReadBlob]) -> _ReadBlob:
        known = self.known
        if known is None or not known.hash_first(dict(_layer(plan, _UNKNOWN).annotations)[TITLE], plan.size):
            return self._read(plan, crew, self.sink)
        blob = self._read(plan, crew, None)
        sink = known.missing(blob.digest, plan.size)
        if sink is not None:
            crew.advance(-plan.content)
            self._read(plan, crew, sink)
        return blob

    def _read(self, plan: BlobPlan, crew: Crew[BlobPlan, _ReadBlob], sink: BlobSink | None) -> _ReadBlob:
        whole = StreamDigest()
        writer = None if sink is None else sink.writer(plan.size, _layer_type(plan))
        consumers: list[Consumer] = [whole] if plan.is_tar else []
        if writer is not None:
            consumers.append(_pushing(writer))
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            crew.advance(count)

        try:
            files = read_plan(
                plan, self.inventory, consumers=consumers, idle=crew.idle, advance=advance, want_sha1=self.want_sha1
            )
            digest = whole.digest if plan.is_tar else files[0].digest
            if writer is not None:
                writer.commit(digest, plan.size)
        except BaseException as error:
            if writer is not None:
                writer.abort()
            if isinstance(error, BlobLostError):
                crew.advance(-done)
            raise
        return _ReadBlob(plan, digest, files)


def _read_archive(
    inventory: Inventory,
    layout: Layout,
    archive: Path | None,
    archive_name: str | None,
    progress: Progress | None,
    *,
    want_sha1: bool,
) -> Package:
    start = time.perf_counter()
    plans = plan_blobs(inventory.entries, layout)
    with ArchiveOutput(layout, archive, plans[0].size) as output:

        def work(plan: BlobPlan, crew: Crew[BlobPlan, tuple[ModelFile, ...]]) -> tuple[ModelFile, ...]:
            return read_plan(
                plan, inventory, consumers=[output], idle=crew.idle, advance=crew.advance, want_sha1=want_sha1
            )

        (files,) = Crew(work, progress=progress).run(plans, lambda plan: plan.size)
        inventory.recheck()
        made = output.publish(archive_name or (archive.name if archive else f"model.{layout.value}"))
    return Package(
        layout,
        files,
        model_digest(files),
        files_digest(files),
        made.digest,
        archive=made,
        links=inventory.links,
        ignored=inventory.ignored,
        seconds=time.perf_counter() - start,
    )


def _files(blobs: list[_ReadBlob]) -> tuple[ModelFile, ...]:
    return in_oms_order(file for blob in blobs for file in blob.files)


def _pushing(writer: BlobWriter) -> Consumer:
    return lambda block: writer.write(block.data)


def _layer(plan: BlobPlan, digest: Digest) -> Descriptor:
    entry = plan.own
    if entry is None:
        return small_files_layer(digest, plan.size)
    if not plan.is_tar:
        return raw_layer(entry.path, entry.role, digest, plan.size)
    return file_layer(entry.path, entry.role, digest, plan.size, content=entry.size)


def _layer_type(plan: BlobPlan) -> str:
    return layer_media_type(plan.own.role if plan.own else Role.OTHER, Form.TAR if plan.is_tar else Form.RAW)
