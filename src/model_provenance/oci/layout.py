"""Write a model and its evidence into an OCI layout folder (image-spec v1.1, image-layout.md).

Blobs appear under their digest whole or not at all and `index.json` is replaced last, so a run that was interrupted
leaves nothing that is listed and can simply be run again. What the folder held before stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from model_provenance.disk.exclusive import alone_in
from model_provenance.disk.failure import failure
from model_provenance.disk.publish import PublishedFile
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Bundle
from model_provenance.domain.package import Blob, Descriptor, Package
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.oci import (
    INDEX,
    REF_NAME,
    bundle_referrer,
    descriptor_of,
    descriptor_value,
    parse_manifest,
)
from model_provenance.oci.store import LAYOUT_VERSION, LayoutStore, tag_of

#: What an interrupted run of ours, or any writer of layouts, may have left in a folder without `oci-layout`.
_OWN = frozenset({"blobs", "index.json"})
#: Listing a release takes milliseconds, and a sync of the disk seconds.
_PATIENCE_SECONDS = 120.0
_CREATED = "1970-01-01T00:00:00Z"


class LayoutSink:
    """A `BlobSink` that writes into a layout folder, which is made where it does not exist.

    Raises `layout.foreign` for a folder with something else in it, `layout.malformed`, `machine.*`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._blobs = directory / "blobs" / "sha256"
        _refuse_foreign(directory)
        try:
            self._blobs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise failure(error, str(directory), doing="write") from error

    def writer(self, size: int, media_type: str) -> _BlobFile:  # noqa: ARG002 - a folder needs neither beforehand
        """A writer for one blob."""
        return _BlobFile(self._directory, self._blobs)

    def put(self, blob: Blob) -> None:
        """Write a document."""
        file = self.writer(len(blob.data), blob.media_type)
        try:
            file.write(blob.data)
            file.commit(blob.digest, len(blob.data))
        finally:
            file.abort()


class _BlobFile:
    """A `BlobWriter`. Blobs are not synced one by one: `finish_layout` does that once, before anything is listed."""

    def __init__(self, directory: Path, blobs: Path) -> None:
        self._blobs = blobs
        self._file = PublishedFile(directory / "blob")

    def write(self, data: memoryview | bytes) -> None:
        """Append."""
        self._file.write(data)

    def commit(self, digest: Digest, size: int) -> None:  # noqa: ARG002 - readers compare sizes
        """Give the blob its name."""
        self._file.publish(self._blobs / digest.hex, durable=False)

    def abort(self) -> None:
        """Remove what has not been committed."""
        self._file.discard()


def finish_layout(
    directory: Path, package: Package, *, tag: str, bundles: Sequence[Bundle] = (), created: str = _CREATED
) -> None:
    """List a package whose layers a `LayoutSink` wrote, under `tag`, with its bundles attached to every manifest of it.

    `created` is RFC 3339 and stands in the attaching manifests. Bundles and models that were listed before stay, also those
    that another process lists at the same time.
    Raises `release.exists` where the tag names another package, `layout.malformed`, `layout.busy`, `machine.*`.
    """
    if package.index is None:
        raise ModelProvenanceError("internal.error", "an archive has no model index")
    LayoutSink(directory)
    with alone_in(directory, seconds=_PATIENCE_SECONDS, busy="layout.busy"):
        _finish(directory, package, package.index, tag, bundles, created)


def _finish(directory: Path, package: Package, index: Blob, tag: str, bundles: Sequence[Bundle], created: str) -> None:
    sink = LayoutSink(directory)
    entries = _listed(directory, tag, index.digest)
    listed = [descriptor_of(index, annotations={REF_NAME: tag})]
    for document in (*package.documents, index):
        sink.put(document)
    for subject in _subjects(package):
        for bundle in bundles:
            manifest, blobs = bundle_referrer(bundle.data, bundle.predicate_type, subject, created)
            for blob in (*blobs, manifest):
                sink.put(blob)
            listed.append(_referrer_entry(manifest))
    _refuse_missing(directory, package)
    # One sync for all blobs, before the table names them.
    os.sync()
    known = {(entry.get("digest"), _ref_name(entry)) for entry in entries}
    new = [value for value in map(descriptor_value, listed) if (value["digest"], _ref_name(value)) not in known]
    _write(directory / "oci-layout", canonical({"imageLayoutVersion": LAYOUT_VERSION}))
    _write(
        directory / "index.json",
        canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": [*entries, *new]}),
    )


def _refuse_missing(directory: Path, package: Package) -> None:
    """Another run that failed may have cleared the folder in the meantime: what is not there is not listed."""
    for layer in package.layers:
        if not (directory / "blobs" / "sha256" / layer.digest.hex).is_file():
            raise ModelProvenanceError(
                "layout.blob",
                f"the layer {layer.digest} is gone again: something else clears this folder",
                remedy="Run again when no other release goes into it.",
                location=shown(str(directory), 400),
            )


def _subjects(package: Package) -> list[Descriptor]:
    documents = [blob for blob in package.documents if blob.digest in package.manifest_digests]
    return [descriptor_of(blob) for blob in (package.index, *documents) if blob is not None]


def _referrer_entry(manifest: Blob) -> Descriptor:
    """An entry of `index.json` as a list of referrers has it: with artifact type and all annotations of the manifest."""
    read = parse_manifest(manifest.data, code="internal.error", location="referrer")
    return descriptor_of(manifest, artifact_type=read.artifact_type, annotations=dict(read.annotations))


def _refuse_foreign(directory: Path) -> None:
    try:
        names = {path.name for path in directory.iterdir() if not path.name.startswith(".")}
    except FileNotFoundError:
        return
    except OSError as error:
        raise failure(error, str(directory), doing="open the layout") from error
    if "oci-layout" in names:
        with LayoutStore(directory) as store:
            store.table()
    elif names - _OWN:
        raise ModelProvenanceError(
            "layout.foreign",
            "the folder holds something that is not an OCI layout",
            location=shown(str(directory), 400),
        )


def _listed(directory: Path, tag: str, digest: Digest) -> list[dict[str, object]]:
    """The entries of `index.json` as they stand, unknown fields and all. Refuses a tag that names another package."""
    if not (directory / "oci-layout").exists():
        return []
    with LayoutStore(directory) as store:
        table, data = store.table(), store.table_bytes()
    others = [entry.digest for entry in table.manifests if tag_of(entry) == tag and entry.digest != digest]
    if others:
        raise ModelProvenanceError(
            "release.exists",
            f"the tag {shown(tag)} of this layout names another package ({others[0]}, now {digest})",
            remedy="Release under a new version, or into another folder.",
            location=shown(str(directory), 400),
        )
    entries: list[dict[str, object]] = json.loads(data)["manifests"]
    return entries


def _ref_name(entry: dict[str, object]) -> object:
    annotations = entry.get("annotations")
    return annotations.get(REF_NAME) if isinstance(annotations, dict) else None


def _write(target: Path, data: bytes) -> None:
    with PublishedFile(target) as file:
        file.write(data)
        file.publish()
