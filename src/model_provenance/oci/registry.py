"""One repository of a registry: blobs, manifests, tags (OCI distribution-spec v1.1). What comes back is checked by digest."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import final
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Blob, Descriptor
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.formats.oci import INDEX, MANIFEST
from model_provenance.oci.access import Access, base_of, token_services
from model_provenance.oci.auth import Authorizer
from model_provenance.oci.connections import Connections, Origin
from model_provenance.oci.limits import Limits, limits_of
from model_provenance.oci.logins import find_login
from model_provenance.oci.reference import Reference
from model_provenance.oci.session import Session
from model_provenance.oci.transport import Answer, Transport, length_of

#: What a registry is ready to store, and we are ready to read (distribution-spec v1.1, "Pushing Manifests").
MANIFEST_LIMIT = 4 * 1024 * 1024
_ACCEPT = f"{INDEX}, {MANIFEST}"
_TAG_PAGES = 20
#: Times that a blob which was taken is looked for.
_LOOKS = 4
_CREATED = (201, 202, 204)


@dataclass(frozen=True, slots=True)
class Stored:
    """A manifest or index as the registry holds it."""

    media_type: str
    data: bytes
    digest: Digest

    @property
    def descriptor(self) -> Descriptor:
        """Its descriptor."""
        return Descriptor(self.media_type, self.digest, len(self.data))


@final
class Registry:
    """The repository of one reference. Use as a context manager: leaving it closes the connections."""

    def __init__(self, reference: Reference, access: Access, *, write: bool = False) -> None:
        self.reference = reference
        self._transport = Transport(Connections(access.env, stall=access.stall))
        base = base_of(reference, access, self._transport)
        login = find_login(reference, access.env, access.login)
        authorizer = Authorizer(Origin.of(base), login, self._transport, token_services(reference, access))
        self.session = Session(
            reference,
            self._transport,
            authorizer,
            base,
            access="pull,push" if write else "pull",
            retrying=access.retrying,
            on_warning=access.on_warning,
        )

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    @property
    def where(self) -> str:
        """`HOST/REPOSITORY`."""
        return self.session.where

    @property
    def limits(self) -> Limits:
        """What this registry is known not to take."""
        return limits_of(self.reference)

    # --- blobs

    def blob_size(self, digest: Digest) -> int | None:
        """Bytes of a blob, None where there is none. Raises `registry.digest` when it says it holds another one."""
        url = self.session.url(f"blobs/{digest}")
        answer = self.session.call("HEAD", url, expect=(200, 403, 404, 405), doing=f"look for the blob {digest}")
        if answer.status == 404:  # noqa: PLR2004 - not found
            return None
        if answer.status != 200:  # noqa: PLR2004 - OK
            # Some storage behind a redirect takes GET alone; a single byte tells the size as well.
            return self._size_by_range(url, digest)
        self._check_digest(answer, digest, "blob")
        size = length_of(answer.headers)
        return size if size is not None else self._size_by_range(url, digest)

    def push_blob(self, blob: Blob) -> bool:
        """Store a small blob; False when it was there already."""
        if self.blob_size(blob.digest) == len(blob.data):
            return False
        self.limits.check_blob(len(blob.data), blob.media_type, self.where)
        headers = {"Content-Type": "application/octet-stream"}
        doing = f"store the blob {blob.digest}"
        for attempt in range(self.session.retrying.tries):
            url = with_digest(self.start_upload(), blob.digest)
            answer = self.session.ask("PUT", url, headers, blob.data, doing=doing)
            if answer.status != 404:  # noqa: PLR2004 - not found
                break
            # The node that got the PUT does not know the session that another one opened.
            self.session.retrying.pause(attempt, answer)
        if answer.status not in _CREATED:
            raise self.session.refusal(answer, doing)
        self._check_digest(answer, blob.digest, "blob")
        self.check_stored(blob.digest, len(blob.data))
        return True

    def start_upload(self, mount: tuple[Digest, str] | None = None) -> str:
        """The address to send a blob to; empty when `mount` (a blob, another repository) has been taken over."""
        query = "" if mount is None else "?" + urlencode({"mount": str(mount[0]), "from": mount[1]})
        answer = self.session.call(
            "POST", self.session.url(f"blobs/uploads/{query}"), expect=(201, 202), doing="start an upload"
        )
        if answer.status == 201 and mount is not None:  # noqa: PLR2004 - created
            return ""
        return self.location(answer)

    def location(self, answer: Answer) -> str:
        """The address that an upload goes on at. Raises `registry.answer`, `registry.redirect`."""
        location = answer.header("location")
        if not location:
            raise ModelProvenanceError(
                "registry.answer", "the answer to an upload has no Location", location=self.where
            )
        return urljoin(answer.url, location)

    def check_stored(self, digest: Digest, size: int) -> None:
        """A blob that was taken is there, whole; storage behind a registry may need a moment to show it.

        Raises `registry.blob_lost`.
        """
        for attempt in range(_LOOKS):
            found = self.blob_size(digest)
            if found is not None:
                break
            self.session.retrying.pause(attempt)
        if found != size:
            what = "is not there" if found is None else f"has {found} bytes there in place of {size}"
            raise ModelProvenanceError(
                "registry.blob_lost", f"the blob {digest} was taken and {what}", location=self.where
            )

    def get_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small blob, checked. Raises `registry.too_large`, `registry.digest`, `registry.missing`."""
        if descriptor.size > limit:
            raise self._too_large(descriptor, limit)
        url = self.session.url(f"blobs/{descriptor.digest}")
        answer = self.session.call("GET", url, expect=(200,), limit=limit, doing=f"read the blob {descriptor.digest}")
        if len(answer.body) != descriptor.size or Digest.of(answer.body) != descriptor.digest:
            raise self._lying(f"the content of blob {descriptor.digest} is not what its digest says")
        return answer.body

    # --- manifests

    def resolve(self, name: str) -> Digest | None:
        """The digest that a tag (or digest) names now; None where there is nothing."""
        answer = self.session.call(
            "HEAD",
            self._manifest(name),
            headers={"Accept": _ACCEPT},
            expect=(200, 404, 405),
            doing=f"look for {shown(name, 130)}",
        )
        if answer.status == 404:  # noqa: PLR2004 - not found
            return None
        said = answer.header("docker-content-digest") if answer.status == 200 else None  # noqa: PLR2004 - OK
        if said is None:
            found = self.find_manifest(name)
            return None if found is None else found.digest
        return self._parsed_digest(said)

    def find_manifest(self, name: str, limit: int = MANIFEST_LIMIT) -> Stored | None:
        """A manifest by tag or digest; None where there is none. Its digest is that of its bytes."""
        answer = self.session.call(
            "GET",
            self._manifest(name),
            headers={"Accept": _ACCEPT},
            expect=(200, 404),
            limit=limit,
            doing=f"read {shown(name, 130)}",
        )
        if answer.status == 404:  # noqa: PLR2004 - not found
            return None
        digest = Digest.of(answer.body)
        said = answer.header("docker-content-digest")
        if (name.startswith("sha256:") and name != str(digest)) or (said is not None and said != str(digest)):
            raise self._lying(f"the manifest {shown(name, 130)} is not what its digest says")
        media_type = (answer.header("content-type") or "").partition(";")[0].strip()
        return Stored(media_type, answer.body, digest)

    def get_manifest(self, name: str) -> Stored:
        """The same; `registry.missing` where there is none."""
        found = self.find_manifest(name)
        if found is None:
            raise ModelProvenanceError("registry.missing", f"there is no `{shown(name, 130)}`", location=self.where)
        return found

    def put_manifest(self, blob: Blob, name: str | None = None) -> Answer:
        """Store a manifest under its digest, or under a tag. Raises `registry.tag_immutable`, `registry.digest`."""
        self.limits.check_manifest(len(blob.data), self.where)
        target = name or str(blob.digest)
        doing = f"store the manifest {target}"
        answer = self.session.call(
            "PUT",
            self._manifest(target),
            headers={"Content-Type": blob.media_type},
            body=blob.data,
            expect=(*_CREATED, *((400, 403, 405, 409, 412) if name else ())),
            doing=doing,
        )
        if answer.status not in _CREATED:
            refusal = self.session.refusal(answer, doing)
            raise ModelProvenanceError("registry.tag_immutable", refusal.message, location=self.where)
        self._check_digest(answer, blob.digest, "manifest")
        return answer

    def tags(self) -> tuple[str, ...]:
        """The tags of the repository, as far as a bounded number of pages goes."""
        found: list[str] = []
        url = self.session.url("tags/list") + "?n=1000"
        for _ in range(_TAG_PAGES):
            answer = self.session.call("GET", url, expect=(200, 401, 403, 404, 405), doing="list the tags")
            if answer.status != 200:  # noqa: PLR2004 - OK
                break
            value = parse_json(answer.body, what="the list of tags", limit=len(answer.body), code="registry.answer")
            tags = value.get("tags") if isinstance(value, dict) else None
            found += [tag for tag in tags or () if isinstance(tag, str)] if isinstance(tags, list) else []
            following = next_page(answer)
            if following is None:
                break
            url = following
        return tuple(found)

    # --- what both need

    def _manifest(self, name: str) -> str:
        return self.session.url(f"manifests/{quote(name, safe=':')}")

    def _size_by_range(self, url: str, digest: Digest) -> int | None:
        answer = self.session.call(
            "GET",
            url,
            headers={"Range": "bytes=0-0"},
            expect=(200, 206, 404, 416),
            limit=1 << 16,
            doing=f"look for the blob {digest}",
        )
        total = (answer.header("content-range") or "").rpartition("/")[2]
        if answer.status == 404:  # noqa: PLR2004 - not found
            return None
        return int(total) if total.isascii() and total.isdigit() and len(total) < 19 else len(answer.body)  # noqa: PLR2004 - 2^62

    def _check_digest(self, answer: Answer, digest: Digest, what: str) -> None:
        said = answer.header("docker-content-digest")
        if said is not None and said != str(digest):
            raise self._lying(f"it calls the {what} {digest} {shown(said, 80)}")

    def _parsed_digest(self, text: str) -> Digest:
        try:
            return Digest.parse(text)
        except ValueError as error:
            raise ModelProvenanceError(
                "registry.answer", f"it names a manifest by `{shown(text, 80)}`", location=self.where
            ) from error

    def _lying(self, message: str) -> ModelProvenanceError:
        return ModelProvenanceError("registry.digest", message, location=self.where)

    def _too_large(self, descriptor: Descriptor, limit: int) -> ModelProvenanceError:
        message = f"{descriptor.digest} has {descriptor.size} bytes, more than the {limit} that are read"
        return ModelProvenanceError("registry.too_large", message, location=self.where)


def with_digest(location: str, digest: Digest) -> str:
    """The address that closes an upload: the registry's own, whatever its query, with the digest."""
    parts = urlsplit(location)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc, parts.path, f"{query}digest={digest}", ""))


def next_page(answer: Answer) -> str | None:
    """The address of the next page (RFC 8288 `Link` with `rel="next"`), on the same origin only."""
    link = answer.header("link") or ""
    address, _, rest = link.partition(">")
    if not address.startswith("<") or 'rel="next"' not in rest.replace(" ", ""):
        return None
    url = urljoin(answer.url, address[1:])
    return url if Origin.of(url) == Origin.of(answer.url) else None
