"""The one signed list of names: an OMS v1.0 statement, read from anybody (ossf/model-signing-spec, spec/v1.0.md).

Any order of resources is accepted: the specification sorts by code points of the name, the reference implementation by
parts of the path, and the root digest is over the order that is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import FILES, Serialization
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.intoto import STATEMENT_TYPE, ParsedStatement

#: Version 1.0.0 of model_signing and earlier name the resource of a model that is one file like this.
SINGLE_FILE = "."
_NAME_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class SignedFiles:
    """The files that an OMS statement lists, in its order; `root` is computed from them and equals the subject."""

    files: tuple[tuple[str, Digest], ...]
    root: Digest
    ignored: tuple[str, ...]
    #: Older signatures list pieces, hashed in another way, and then `files` is empty: (name, hex digest).
    serialization: Serialization = FILES
    pieces: tuple[tuple[str, str], ...] = ()


def parse_oms(statement: ParsedStatement) -> SignedFiles:
    """Read an OMS statement; raises `oms.malformed`, `oms.root` or `oms.unsupported`."""
    if statement.type != STATEMENT_TYPE:
        raise malformed("it is not an in-toto Statement v1")
    resources, serialization = statement.predicate.get("resources"), statement.predicate.get("serialization")
    if not isinstance(resources, list) or not isinstance(serialization, dict):
        raise malformed("it has no list of resources or no serialization")
    if serialization.get("method") != "files" or serialization.get("hash_type") != "sha256":
        raise ModelProvenanceError("oms.unsupported", "the files are not serialised one by one with SHA-256")
    # An empty list would make every directory pass that is empty after what was left out.
    if not resources:
        raise malformed("it lists no file")
    files = tuple(_resource(resource) for resource in resources)
    if len({name for name, _ in files}) != len(files):
        raise malformed("it lists a file twice")
    if any(name == SINGLE_FILE for name, _ in files) and len(files) > 1:
        raise malformed("a file of several has no name")
    root = Digest.of(b"".join(digest.raw for _, digest in files))
    if len(statement.subjects) != 1 or statement.subjects[0][1].get("sha256") != root.hex:
        raise ModelProvenanceError("oms.root", "the subject of the OMS statement is not the root digest of its files")
    return SignedFiles(files, root, ignored_paths(serialization))


def _resource(value: Any) -> tuple[str, Digest]:
    if not isinstance(value, dict):
        raise malformed("a resource is not an object")
    name, digest, algorithm = value.get("name"), value.get("digest"), value.get("algorithm")
    if not isinstance(name, str) or not isinstance(digest, str) or not isinstance(algorithm, str):
        raise malformed("a resource has no name, no digest or no algorithm")
    if not is_relative(name):
        raise malformed(f"the name {shown(name)!r} does not stay inside the model")
    if algorithm != "sha256":
        raise ModelProvenanceError("oms.unsupported", f"resources are hashed with {shown(algorithm, 40)}, not sha256")
    try:
        return name, Digest(digest)
    except ValueError as error:
        raise malformed(f"the digest of {shown(name)!r} is not one: {error}") from error


def is_relative(name: str) -> bool:
    """POSIX, relative, normalised: joined to a directory, it names a file below it and nothing else."""
    if name == SINGLE_FILE:
        return True
    return len(name) <= _NAME_LIMIT and "\0" not in name and all(p not in ("", ".", "..") for p in name.split("/"))


def ignored_paths(serialization: Mapping[str, Any]) -> tuple[str, ...]:
    """Recorded paths may be absolute or foreign: what matches nothing has no effect."""
    paths = serialization.get("ignore_paths", [])
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise malformed("ignore_paths is not a list of paths")
    return tuple(paths)


def malformed(why: str) -> ModelProvenanceError:
    """The error of a statement that cannot be used."""
    return ModelProvenanceError("oms.malformed", f"the OMS statement cannot be used: {why}")
