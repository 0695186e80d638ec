"""OpenSSF Model Signing v1.0 statements and the digests that identify a model (ossf/model-signing-spec, spec/v1.0.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.files import ModelFile, in_oms_order
from model_provenance.formats.canonical import canonical
from model_provenance.formats.intoto import named_statement

#: Left out at the root of a model without being asked; recorded, as the specification recommends.
DEFAULT_IGNORED = (".git", ".gitattributes", ".github", ".gitignore")


def model_digest(files: Iterable[ModelFile]) -> Digest:
    """The OMS root digest: SHA-256 over the concatenated raw file digests in order of names. It does not cover names."""
    return Digest.of(b"".join(file.digest.raw for file in in_oms_order(files)))


def files_digest(files: Iterable[ModelFile]) -> Digest:
    """SHA-256 of RFC 8785 `[[name, hex SHA-256], …]` in order of names: what binds names to contents (design, 4.4.6)."""
    return Digest.of(canonical([[file.path, file.digest.hex] for file in in_oms_order(files)]))


def oms_statement(
    files: Iterable[ModelFile], *, subject_name: str, ignored: Sequence[str] = (), allow_symlinks: bool = False
) -> Statement:
    """The one signed list of names: exactly the keys that OMS v1.0 allows, resources in code-point order.

    `ignored` are the user's own ignore paths, relative to the root; the default exclusions are recorded beside them.
    """
    ordered = in_oms_order(files)
    resources = [{"name": f.path, "digest": f.digest.hex, "algorithm": "sha256"} for f in ordered]
    serialization: dict[str, Any] = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": allow_symlinks,
        "ignore_paths": sorted({*DEFAULT_IGNORED, *ignored}),
    }
    root = hashlib.sha256(b"".join(f.digest.raw for f in ordered)).hexdigest()
    payload = named_statement(
        [(subject_name, root)], Predicate.OMS, {"resources": resources, "serialization": serialization}
    )
    return Statement("oms", Predicate.OMS, payload)
