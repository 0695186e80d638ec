"""A model from one repository to another with everything attached to it, by digest, without touching the disk.

Most tools that copy leave referrers behind (skopeo, mirrors); a release without its evidence is nothing. Nothing is
verified here but digests: what is copied proves itself where it arrives, exactly as it did where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

from model_provenance.disk.crew import Crew
from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Blob, BlobLostError, Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.oci import INDEX, MANIFEST, parse_index, parse_manifest
from model_provenance.oci.fetch import BlobFetch
from model_provenance.oci.push import RegistrySink
from model_provenance.oci.referrers import Referrer, attach, list_referrers
from model_provenance.oci.registry import Registry, Stored

_TRIES = 4
#: Manifests of one model, and levels of referrers of referrers.
_MANIFESTS = 64
_DEPTH = 3


@dataclass(slots=True)
class _Graph:
    """What belongs together, in the order in which it is stored."""

    blobs: dict[Digest, Descriptor] = field(default_factory=dict)
    manifests: dict[Digest, Stored] = field(default_factory=dict)
    referrers: dict[Digest, Referrer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied."""

    digest: Digest
    blobs_sent: int
    blobs_there: int
    bytes_sent: int
    referrers: int


def copy_model(
    source: Registry, target: Registry, name: str, progress: Callable[[int, int], None] | None = None
) -> tuple[Blob, Copied]:
    """Copy what `name` (tag or digest) names, but for the tag: that is the caller's last step. Raises `registry.*`."""
    top = source.get_manifest(name)
    graph = _Graph()
    _collect(source, top, graph)
    for digest in list(graph.manifests):
        _collect_referrers(source, digest, graph, _DEPTH)
    sink = _copy_blobs(source, target, list(graph.blobs.values()), progress)
    for stored in graph.manifests.values():
        if target.resolve(str(stored.digest)) != stored.digest:
            target.put_manifest(Blob(stored.media_type, stored.data))
    attach(target, list(graph.referrers.values()))
    done = Copied(top.digest, sink.sent, sink.skipped, sink.bytes_sent, len(graph.referrers))
    return Blob(top.media_type, top.data), done


def _collect(source: Registry, stored: Stored, graph: _Graph) -> None:
    """A manifest, or an index with its manifests; parts before the whole."""
    if len(graph.manifests) >= _MANIFESTS:
        raise ModelProvenanceError(
            "registry.malformed", f"it names more than {_MANIFESTS} manifests", location=source.where
        )
    if stored.digest in graph.manifests:
        return
    where = f"{source.where}@{stored.digest}"
    if stored.media_type == INDEX:
        for each in parse_index(stored.data, code="registry.malformed", location=where).manifests:
            if each.media_type == MANIFEST:
                _collect(source, source.get_manifest(str(each.digest)), graph)
    elif stored.media_type == MANIFEST:
        _collect_blobs(stored, graph, where)
    else:
        raise ModelProvenanceError("registry.malformed", "it is neither an OCI manifest nor an index", location=where)
    graph.manifests[stored.digest] = stored


def _collect_blobs(stored: Stored, graph: _Graph, where: str) -> None:
    manifest = parse_manifest(stored.data, code="registry.malformed", location=where)
    for blob in (manifest.config, *manifest.layers):
        graph.blobs.setdefault(blob.digest, blob)


def _collect_referrers(source: Registry, subject: Digest, graph: _Graph, depth: int) -> None:
    for entry in list_referrers(source, subject) if depth else ():
        if entry.digest in graph.referrers or entry.media_type != MANIFEST:
            continue
        stored = source.find_manifest(str(entry.digest))
        if stored is None:
            continue
        where = f"{source.where}@{entry.digest}"
        manifest = parse_manifest(stored.data, code="registry.malformed", location=where)
        if manifest.subject is None or manifest.subject.digest != subject:
            continue
        _collect_blobs(stored, graph, where)
        graph.referrers[entry.digest] = Referrer(Blob(MANIFEST, stored.data), manifest.subject)
        _collect_referrers(source, entry.digest, graph, depth - 1)


def _copy_blobs(
    source: Registry, target: Registry, blobs: list[Descriptor], progress: Callable[[int, int], None] | None
) -> RegistrySink:
    sink = RegistrySink(target)
    total = sum(blob.size for blob in blobs)
    for blob in blobs:
        target.limits.check_blob(blob.size, str(blob.digest), target.where)
    mountable = source.reference.api_host == target.reference.api_host

    def work(blob: Descriptor, crew: Crew[Descriptor, None]) -> None:
        _Transfer(source, target, sink, blob, crew.advance).run(mountable=mountable)

    advance = None if progress is None else lambda done: progress(done, total)
    Crew(work, progress=advance).run(blobs, lambda blob: blob.size)
    return sink


@final
class _Transfer:
    """One blob: there already, taken over within the registry, or streamed through."""

    def __init__(
        self, source: Registry, target: Registry, sink: RegistrySink, blob: Descriptor, advance: Callable[[int], None]
    ) -> None:
        self._source = source
        self._target = target
        self._sink = sink
        self._blob = blob
        self._advance = advance

    def run(self, *, mountable: bool) -> None:
        """Raises `registry.*`."""
        way = self._sink.missing(self._blob.digest, self._blob.size)
        if way is None:
            self._advance(self._blob.size)
            return
        if mountable and not self._target.start_upload((self._blob.digest, self._source.reference.repository)):
            self._target.check_stored(self._blob.digest, self._blob.size)
            self._advance(self._blob.size)
            return
        for attempt in range(_TRIES):
            writer = way.writer(self._blob.size, self._blob.media_type)
            try:
                BlobFetch(self._source, self._blob, writer.write, self._advance).run()
                writer.commit(self._blob.digest, self._blob.size)
            except BlobLostError as lost:
                writer.abort()
                if attempt == _TRIES - 1:
                    raise lost.error from lost
            except BaseException:
                writer.abort()
                raise
            else:
                return
