"""OMS signatures that we verify and never make: shards, BLAKE2b and BLAKE3 (v1.0), and the layout of version 0.2.

ossf/model-signing-spec, spec/v1.0.md and its chapter on compatibility. A statement of 0.2 has one subject a file, no
serialisation, and a signature over an encoding of its own (`pae_0_2`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import FILES, HASH_SIZES, Serialization
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.intoto import STATEMENT_TYPE, ParsedStatement
from model_provenance.formats.oms_content import SignedFiles, ignored_paths, is_relative, malformed, parse_oms

PREDICATE_0_2 = "https://model_signing/Digests/v0.1"

_SHARD = re.compile(r"(?P<path>.+):(?P<start>0|[1-9][0-9]{0,18}):(?P<end>[1-9][0-9]{0,18})", re.DOTALL)
_HEX = re.compile(r"[0-9a-f]+")
_LARGEST_SHARD = 2**53


def parse_any_oms(statement: ParsedStatement) -> SignedFiles:
    """Read an OMS signature of any version; raises `oms.malformed`, `oms.root` or `oms.unsupported`."""
    if statement.predicate_type == PREDICATE_0_2:
        return _parse_0_2(statement)
    serialization = serialization_of(statement.predicate)
    if serialization is None or serialization == FILES:
        return parse_oms(statement)
    return _parse_pieces(statement, serialization)


def serialization_of(predicate: Mapping[str, Any]) -> Serialization | None:
    """How the files of a v1.0 statement are cut and hashed; None for what is not one of the specified ways."""
    value = predicate.get("serialization")
    if not isinstance(value, Mapping):
        return None
    method, hash_type, size = value.get("method"), value.get("hash_type"), value.get("shard_size")
    if not isinstance(hash_type, str) or hash_type not in HASH_SIZES:
        return None
    if method == "files" and size is None:
        return Serialization(hash_type)
    # The reference writes whole numbers as floats: its statements pass through protobuf's Struct.
    if method != "shards" or isinstance(size, bool) or not isinstance(size, (int, float)) or size != int(size):
        return None
    return Serialization(hash_type, int(size)) if 0 < size <= _LARGEST_SHARD else None


def pae_0_2(payload: bytes, payload_type: str) -> bytes:
    """What version 0.2 signed: DSSE's encoding with `DSSEV1`, and the payload as Python shows bytes."""
    return f"DSSEV1 {len(payload_type)} {payload_type} {len(payload)} {payload!r}".encode()


def _parse_0_2(statement: ParsedStatement) -> SignedFiles:
    files: list[tuple[str, Digest]] = []
    for name, digests in statement.subjects:
        if name is None or not is_relative(name):
            raise malformed(f"the name {shown(str(name))!r} does not stay inside the model")
        try:
            files.append((name, Digest(digests.get("sha256", ""))))
        except ValueError as error:
            raise malformed(f"the digest of {shown(name)!r} is not one: {error}") from error
    if statement.type != STATEMENT_TYPE or len(dict(files)) != len(files):
        raise malformed("it is no in-toto Statement v1, or lists a file twice")
    return SignedFiles(tuple(files), Digest.of(b"".join(digest.raw for _, digest in files)), ())


def _parse_pieces(statement: ParsedStatement, serialization: Serialization) -> SignedFiles:
    resources = statement.predicate.get("resources")
    if statement.type != STATEMENT_TYPE or not isinstance(resources, list) or not resources:
        raise malformed("it is no in-toto Statement v1, or lists no file")
    pieces = tuple(_piece(resource, serialization) for resource in resources)
    if len(dict(pieces)) != len(pieces):
        raise malformed("it lists a file twice")
    root = Digest(hashlib.sha256(b"".join(bytes.fromhex(value) for _, value in pieces)).hexdigest())
    if len(statement.subjects) != 1 or statement.subjects[0][1].get("sha256") != root.hex:
        raise ModelProvenanceError("oms.root", "the subject of the OMS statement is not the root digest of its files")
    value = statement.predicate["serialization"]
    return SignedFiles((), root, ignored_paths(value), serialization, pieces)


def _piece(value: Any, serialization: Serialization) -> tuple[str, str]:
    name, digest, algorithm = (
        (value.get("name"), value.get("digest"), value.get("algorithm")) if isinstance(value, dict) else (None,) * 3
    )
    if not isinstance(name, str) or not isinstance(digest, str) or not isinstance(algorithm, str):
        raise malformed("a resource has no name, no digest or no algorithm")
    path = name
    if serialization.shard_size is not None:
        match = _SHARD.fullmatch(name)
        if match is None:
            raise malformed(f"{shown(name)!r} is not the name of a shard")
        path = match["path"]
    if not is_relative(path):
        raise malformed(f"the name {shown(name)!r} does not stay inside the model")
    # The reference names the shards' size here, too.
    if algorithm not in (serialization.hash_type, f"{serialization.hash_type}-sharded-{serialization.shard_size}"):
        raise malformed(
            f"{shown(name)!r} is hashed with {shown(algorithm, 60)}, the model with {serialization.hash_type}"
        )
    if len(digest) != 2 * HASH_SIZES[serialization.hash_type] or not _HEX.fullmatch(digest):
        raise malformed(f"the digest of {shown(name)!r} is not one")
    return name, digest
