"""Read access to an OCI layout folder (image-spec v1.1, image-layout.md): nothing in it is trusted or followed."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from types import TracebackType
from typing import final

from model_provenance.disk.failure import failure
from model_provenance.disk.opening import NotRegularError, Stamp, open_file, open_root
from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Descriptor
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.formats.oci import DOCUMENT_LIMIT, INDEX, REF_NAME, Index, parse_index

LAYOUT_VERSION = "1.0.0"
_MARKER_LIMIT = 4096
_TAGS_SHOWN = 10


@final
class LayoutStore:
    """One layout folder, held open. Raises `layout.missing` where there is none."""

    def __init__(self, directory: Path) -> None:
        self.location = shown(str(directory), 400)
        try:
            self._root = open_root(directory)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ModelProvenanceError("layout.missing", "there is no such folder", location=self.location) from error
        except OSError as error:
            raise failure(error, str(directory), doing="open the layout") from error
        try:
            self._check_marker()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> LayoutStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder; safe to call twice."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    @property
    def malformed(self) -> str:
        """The code of what cannot be checked."""
        return "layout.malformed"

    def table(self) -> Index:
        """`index.json`: what the layout lists. Raises `layout.malformed`."""
        return parse_index(self.table_bytes(), code="layout.malformed", location=f"{self.location}/index.json")

    def table_bytes(self) -> bytes:
        """`index.json` as it stands."""
        return self._small("index.json", DOCUMENT_LIMIT, "layout.malformed")

    def open_blob(self, digest: Digest) -> tuple[int, Stamp]:
        """A descriptor of a blob, to be closed by the caller. Raises `layout.blob`, `machine.*`."""
        return self._open(f"blobs/sha256/{digest.hex}", "layout.blob")

    def document(self, descriptor: Descriptor, limit: int = DOCUMENT_LIMIT) -> bytes:
        """A blob that is small enough for memory, with the size and digest that its descriptor says."""
        if descriptor.size > limit:
            raise ModelProvenanceError(
                "layout.malformed",
                f"the document {descriptor.digest} of {descriptor.size} bytes is larger than the {limit} that are read",
                location=self.location,
            )
        data = self._small(f"blobs/sha256/{descriptor.digest.hex}", descriptor.size, "layout.blob")
        if len(data) != descriptor.size or Digest.of(data) != descriptor.digest:
            raise ModelProvenanceError(
                "layout.blob", f"the content of {descriptor.digest} is not what its digest says", location=self.location
            )
        return data

    def _check_marker(self) -> None:
        marker = self._small("oci-layout", _MARKER_LIMIT, "layout.missing")
        value = parse_json(marker, what="oci-layout", limit=_MARKER_LIMIT, code="layout.malformed")
        if not isinstance(value, dict) or value.get("imageLayoutVersion") != LAYOUT_VERSION:
            raise ModelProvenanceError(
                "layout.malformed", f"the layout is not of version {LAYOUT_VERSION}", location=self.location
            )

    def _small(self, path: str, limit: int, code: str) -> bytes:
        descriptor, _ = self._open(path, code)
        with os.fdopen(descriptor, "rb") as file:
            try:
                data = file.read(limit + 1)
            except OSError as error:
                raise failure(error, f"{self.location}/{path}", doing="read") from error
        if len(data) > limit:
            raise ModelProvenanceError(
                code, f"`{path}` is larger than the {limit} bytes that it may have", location=self.location
            )
        return data

    def _open(self, path: str, code: str) -> tuple[int, Stamp]:
        try:
            return open_file(self._root, [os.fsencode(part) for part in path.split("/")])
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ModelProvenanceError(code, f"`{path}` is missing", location=self.location) from error
        except NotRegularError as error:
            raise ModelProvenanceError(code, f"`{path}` is not a regular file", location=self.location) from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
                raise ModelProvenanceError(code, f"`{path}` is not a regular file", location=self.location) from error
            raise failure(error, f"{self.location}/{path}", doing="read") from error


def find_model_index(table: Index, reference: str | None, location: str) -> Descriptor:
    """The model index that `reference` (a tag or `sha256:…`) names, or the only one. Raises `layout.reference`."""
    listed = [each for each in table.manifests if each.media_type == INDEX and not _is_fallback(tag_of(each))]
    if reference is not None:
        matching = [each for each in listed if reference in (tag_of(each), str(each.digest))]
    else:
        matching = [each for each in listed if tag_of(each) is not None] or listed
    found = {each.digest: each for each in matching}
    if len(found) == 1:
        return next(iter(found.values()))
    tags = sorted({shown(tag_of(each) or str(each.digest), 80) for each in listed})
    names = ", ".join(tags[:_TAGS_SHOWN]) or "none"
    problem = "holds several models" if found else "does not hold this model"
    raise ModelProvenanceError("layout.reference", f"the layout {problem}; it has: {names}", location=location)


def tag_of(descriptor: Descriptor) -> str | None:
    """The tag of an entry of `index.json`."""
    return dict(descriptor.annotations).get(REF_NAME)


def fallback_tag(digest: Digest) -> str:
    """The tag under which referrers are listed where nothing else lists them (distribution-spec v1.1, referrers)."""
    return f"sha256-{digest.hex}"


def _is_fallback(tag: str | None) -> bool:
    return tag is not None and re.fullmatch(r"sha256-[0-9a-f]{64}", tag) is not None
