"""Typed steps into an untrusted SBOM; every surprise is one error, `sbom.malformed`."""

from __future__ import annotations

from typing import Any, NoReturn

from model_provenance.domain.digest import Digest
from model_provenance.domain.paths import FILE_LIMIT
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

#: Entries of one list: a file has at most two relationships, and the rest is small.
LIST_LIMIT = 3 * FILE_LIMIT


def malformed(message: str) -> NoReturn:
    """The document is not an SBOM that this package could have written."""
    raise ModelProvenanceError("sbom.malformed", message)


def object_of(value: Any, what: str) -> dict[str, Any]:
    """`value` as a JSON object."""
    return value if isinstance(value, dict) else malformed(f"{what} is not an object")


def objects_in(parent: dict[str, Any], key: str, what: str) -> list[dict[str, Any]]:
    """The list of objects under `key`; absent is empty."""
    values = parent.get(key, [])
    if not isinstance(values, list) or len(values) > LIST_LIMIT:
        malformed(f"`{key}` of {what} is not a list, or too long")
    return [object_of(value, f"an entry of `{key}` of {what}") for value in values]


def text_in(parent: dict[str, Any], key: str, what: str) -> str:
    """The string under `key`."""
    value = parent.get(key)
    return value if isinstance(value, str) else malformed(f"{what} has no `{key}`")


def digest_in(text: str, what: str) -> Digest:
    """`sha256:<hex>`, or bare hex digits."""
    try:
        return Digest.parse(text) if text.startswith("sha256:") else Digest(text)
    except ValueError:
        malformed(f"the SHA-256 of {what} is not one: {shown(text, 80)}")


def only_digest(digests: list[str], what: str) -> Digest:
    """The one SHA-256 among `digests`; two would leave open which one counts."""
    if len(digests) != 1:
        malformed(f"{what} has {len(digests)} SHA-256 digests instead of one")
    return digest_in(digests[0], what)


def add_file(files: dict[str, str], path: str, digest: Digest) -> None:
    """One path is one entry."""
    if path in files:
        malformed(f"the file {shown(path)} is listed twice")
    files[path] = digest.hex
