"""Model layers into a registry while they are read: hashed on the way, one connection a worker, nothing on disk.

POST, one streamed PATCH, PUT with the digest: the only way to send bytes before their digest is known in one read
(distribution-spec v1.1, "Pushing a blob in chunks", with a single chunk). The blob is the unit of retry: a session that
broke cannot be trusted (distribution 2.8 loses it, zot deletes it), so the blob is read and sent again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import final

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import Entry
from model_provenance.domain.package import Blob, BlobLostError, BlobSink, BlobWriter, Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.model_index import listed_manifests
from model_provenance.formats.oci import TITLE, parse_index, parse_manifest
from model_provenance.oci.connections import LostError
from model_provenance.oci.registry import Registry, with_digest
from model_provenance.oci.retrying import is_passing
from model_provenance.oci.transport import Answer, Upload

_STREAM = {"Content-Type": "application/octet-stream"}
#: 202 is the specification's; some answer a PATCH that ended a blob with 201 or 204.
_TAKEN = (201, 202, 204)
#: What a registry says that takes a blob in one PUT alone.
_NO_PATCH = (404, 405, 415, 416, 501)
_CLOSED = (200, 201, 204)
#: Codes of a registry that got other bytes than were sent.
_DAMAGED = ("DIGEST_INVALID", "SIZE_INVALID")
_UNAUTHORIZED = 401
_MARK = "application/vnd.model-provenance.push.v1+json"


@final
class RegistrySink:
    """A BlobSink and KnownBlobs for one repository; used from several threads."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._failures = 0
        self._hash_all = False
        self._no_patch = False
        self._likely: set[tuple[str, int]] = set()
        #: Blobs that the registry lacked, and those it had.
        self.sent = 0
        self.skipped = 0
        self.bytes_sent = 0

    def learn(self, entries: Sequence[Entry], layout: Layout) -> None:
        """What is likely there already: layers of the tag that is being replaced, and of a push that was interrupted.

        An interrupted push leaves blobs and no manifest that names them. So the first thing that a push stores is a mark:
        a tiny blob made of names and sizes. A later push that finds it hashes first and sends only what is missing; the
        registry's garbage collection removes mark and blobs alike when nothing came of it. No state is kept anywhere else.
        """
        with self._lock:
            self._likely = self._previous()
        names = [[entry.path, entry.size] for entry in sorted(entries, key=lambda entry: entry.path)]
        mark = Blob(_MARK, canonical({"layout": layout.value, "files": names}))
        self._hash_all = not self._registry.push_blob(mark)

    def hash_first(self, title: str, size: int) -> bool:
        """True when the blob is probably there, or when its digest has to be known before it can be sent."""
        return self._hash_all or (title, size) in self._likely

    def missing(self, digest: Digest, size: int) -> BlobSink | None:
        """Where a blob with this digest must still go; None when it is there."""
        if self._registry.blob_size(digest) == size:
            self._count(skipped=1)
            return None
        return _KnownSink(self, digest)

    def writer(self, size: int, media_type: str) -> BlobWriter:  # noqa: ARG002 - a registry keeps no types of blobs
        """An upload whose digest is not known yet."""
        return self._begin(size, None)

    def _begin(self, size: int, digest: Digest | None) -> BlobWriter:
        monolithic = size == 0 or (digest is not None and self._no_patch)
        return _Upload(self, self._registry, size, digest, monolithic=monolithic)

    def _previous(self) -> set[tuple[str, int]]:
        """(title, size) of the layers that the tag names now; nothing where it names no model of ours."""
        tag = self._registry.reference.tag
        try:
            found = None if tag is None else self._registry.find_manifest(tag)
            if found is None:
                return set()
            where = self._registry.where
            listed = listed_manifests(
                parse_index(found.data, code="registry.malformed", location=where), "registry.malformed", where
            )
            model = self._registry.get_manifest(str(listed.model.digest))
            layers = parse_manifest(model.data, code="registry.malformed", location=where).layers
        except ModelProvenanceError as error:
            if error.code in ("registry.malformed", "registry.missing", "registry.too_large"):
                return set()
            raise
        return {(dict(layer.annotations).get(TITLE, ""), layer.size) for layer in layers}

    def lost(self, error: ModelProvenanceError, answer: Answer | None = None) -> BlobLostError:
        """The blob has to be read again, after a pause that grows with what went wrong so far."""
        with self._lock:
            self._failures += 1
            failures = self._failures
        self._registry.session.retrying.pause(min(failures - 1, 16), answer)
        return BlobLostError(error)

    def insist_on_digests(self) -> None:
        """The registry takes no PATCH: from now on every blob is hashed first and sent with one PUT."""
        self._hash_all = self._no_patch = True

    def took(self, size: int) -> None:
        """A blob has arrived."""
        with self._lock:
            self._failures = 0
        self._count(sent=1, size=size)

    def _count(self, *, sent: int = 0, skipped: int = 0, size: int = 0) -> None:
        with self._lock:
            self.sent += sent
            self.skipped += skipped
            self.bytes_sent += size


@final
class _KnownSink:
    """The way into the registry for one blob whose digest is known."""

    def __init__(self, sink: RegistrySink, digest: Digest) -> None:
        self._sink = sink
        self._digest = digest

    def writer(self, size: int, media_type: str) -> BlobWriter:  # noqa: ARG002 - as above
        """An upload, in one PUT where PATCH is not taken."""
        return self._sink._begin(size, self._digest)  # noqa: SLF001 - one module


@final
class _Upload:
    """One blob on its way: `PATCH` while the digest is being made, or one `PUT` where it is known."""

    def __init__(
        self, sink: RegistrySink, registry: Registry, size: int, digest: Digest | None, *, monolithic: bool
    ) -> None:
        self._sink = sink
        self._registry = registry
        self._size = size
        self._digest = digest
        self._monolithic = monolithic
        self._location = registry.start_upload()
        self._upload: Upload | None = None
        if size:
            self._upload = self._started()

    def write(self, data: memoryview | bytes) -> None:
        """Send."""
        if self._upload is None:
            return
        try:
            self._upload.write(data)
        except LostError as error:
            raise self._failed(error) from error

    def commit(self, digest: Digest, size: int) -> None:
        """Close the upload under `digest`, and look whether it is there."""
        if self._digest is not None and digest != self._digest:
            raise ModelProvenanceError("pack.changed", "a file changed between two reads of it")
        if self._upload is None:
            # Nothing to stream: the digest of an empty blob needs no body.
            self._closed(digest)
        else:
            answer = self._answered()
            if not self._monolithic:
                self._location = self._registry.location(answer) if answer.header("location") else self._location
                self._closed(digest)
        self._registry.check_stored(digest, size)
        self._sink.took(size)

    def abort(self) -> None:
        """Hang up. The session is left to the registry, which forgets it by itself."""
        if self._upload is not None:
            self._upload.abort()

    def _started(self) -> Upload:
        session = self._registry.session
        method, url = "PATCH", self._location
        if self._monolithic and self._digest is not None:
            method, url = "PUT", with_digest(self._location, self._digest)
        try:
            return session.upload(method, url, _STREAM, self._size)
        except LostError as error:
            raise self._sink.lost(session.lost(error, "send a blob")) from error

    def _answered(self) -> Answer:
        assert self._upload is not None  # noqa: S101 - the caller looked
        session = self._registry.session
        try:
            answer = self._upload.finish()
        except LostError as error:
            raise self._sink.lost(session.lost(error, "send a blob")) from error
        if answer.status in _TAKEN:
            return answer
        raise self._refused(answer)

    def _failed(self, error: LostError) -> Exception:
        """What the registry said before it hung up, if it said something; else that the connection was lost."""
        assert self._upload is not None  # noqa: S101 - it was being written to
        session = self._registry.session
        try:
            answer = self._upload.finish()
        except LostError:
            return self._sink.lost(session.lost(error, "send a blob"))
        if answer.status in _TAKEN:
            return self._sink.lost(
                ModelProvenanceError("registry.answer", "it took a blob before it was whole", location=session.where)
            )
        return self._refused(answer)

    def _refused(self, answer: Answer) -> Exception:
        session = self._registry.session
        error = session.refusal(answer, "send a blob")
        if is_passing(answer) or (answer.status == _UNAUTHORIZED and session.challenged(answer)):
            return self._sink.lost(error, answer)
        if not self._monolithic and answer.status in _NO_PATCH:
            self._sink.insist_on_digests()
            return self._sink.lost(error, answer)
        return error

    def _closed(self, digest: Digest) -> None:
        session = self._registry.session
        url = with_digest(self._location, digest)

        answer = session.ask("PUT", url, _STREAM, doing="close an upload")
        if answer.status in _CLOSED:
            return
        # The first try may have been carried out though its answer was lost; then the session is gone, and the blob is there.
        if self._registry.blob_size(digest) == self._size:
            return
        error = session.refusal(answer, "close an upload")
        if answer.status in (404, 416) or any(code in error.message for code in _DAMAGED):
            raise self._sink.lost(error, answer)
        raise error
