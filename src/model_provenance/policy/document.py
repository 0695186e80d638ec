"""A policy: one YAML file of `apiVersion: model-provenance/v1`, strict, which may extend a profile or a pinned file.

What a section leaves out takes the value of what the file extends; what it says may only be tighter (`tighten`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.public_key import load_public_key
from model_provenance.policy.reading import Node, root_of
from model_provenance.policy.sections import (
    Age,
    Datasets,
    Formats,
    Licenses,
    Sbom,
    Slsa,
    Source,
    Time,
    read_age,
    read_datasets,
    read_formats,
    read_licenses,
    read_sbom,
    read_slsa,
    read_source,
    read_time,
)
from model_provenance.policy.tighten import closed, tightened

API_VERSION = "model-provenance/v1"
PROFILES = ("integrity", "baseline", "production")
_DEPTH_LIMIT = 8
_LEVELS = (1, 3)

#: Reads a file that a policy names, relative to that policy: a file that it extends, or a public key.
Reader = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class PolicySigner:
    """Who may sign: a certificate identity with its issuer, or a key. Exact; nothing is a pattern."""

    #: The subject of a certificate, or `key:<fingerprint>`.
    subject: str
    issuer: str | None = None
    source_repository: str | None = None
    #: The highest SLSA build level that this signer is trusted with.
    max_slsa_build: int = _LEVELS[1]
    #: PEM, where the signer is a key.
    public_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is decided by. A section that is None is a gate that is skipped."""

    name: str
    digest: str
    #: Unix seconds from which on it says nothing any more.
    expires: int | None = None
    signers: frozenset[PolicySigner] | None = None
    source: Source | None = None
    time: Time | None = None
    slsa: Slsa | None = None
    sbom: Sbom | None = None
    formats: Formats | None = None
    licenses: Licenses | None = None
    datasets: Datasets | None = None
    age: Age | None = None
    #: Who may waive a failure; nobody where it is None.
    approvers: frozenset[PolicySigner] | None = None
    #: What it extends, for people, the first one first.
    lineage: tuple[str, ...] = ()


def profile(name: str) -> Policy:
    """One of the `PROFILES` of the package."""
    data = resources.files("model_provenance.policy").joinpath("profiles").joinpath(f"{name}.yaml").read_bytes()
    return parse(data, f"{name}.yaml", _no_files)


def parse(data: bytes, file_name: str, read: Reader, *, depth: int = 0) -> Policy:
    """Read a policy; raises `policy.invalid`, `policy.unknown_key` or `policy.loosens`, with the place."""
    root = root_of(data, file_name)
    top = root.mapping("apiVersion", "kind", "metadata", "spec")
    for key in ("apiVersion", "kind", "metadata", "spec"):
        if key not in top:
            root.fail(f"`{key}` is missing")
    top["apiVersion"].one_of((API_VERSION,))
    top["kind"].one_of(("Policy",))
    metadata = top["metadata"].mapping("name", "expires")
    if "name" not in metadata:
        top["metadata"].fail("`metadata.name` is missing")
    spec = top["spec"].mapping("extends", *_SECTIONS, "signers", "waivers")
    base = _extended(spec["extends"], read, depth) if "extends" in spec else None
    sections: dict[str, Any] = {name: reader(spec[name]) for name, reader in _SECTIONS.items() if name in spec}
    signers = _signers(spec["signers"], read) if "signers" in spec else None
    approvers = _approvers(spec["waivers"], read) if "waivers" in spec else None
    own = Policy(
        name=metadata["name"].text(),
        digest=_digest(data, signers, approvers),
        expires=metadata["expires"].last_day() if "expires" in metadata else None,
        signers=signers,
        approvers=approvers,
        **sections,
    )
    if base is None:
        return own
    # A profile leaves exceptions to whoever uses it; a policy of somebody else does not.
    return tightened(base if isinstance(spec["extends"].value, str) else closed(base), own)


def _digest(data: bytes, *signers: frozenset[PolicySigner] | None) -> str:
    """Of the text and of the keys that it names, which lie in files of their own."""
    keys = sorted({s.subject for named in signers for s in named or () if s.public_key is not None})
    return f"sha256:{hashlib.sha256(b'|'.join([data, *(key.encode() for key in keys)])).hexdigest()}"


def _extended(node: Node, read: Reader, depth: int) -> Policy:
    if depth == _DEPTH_LIMIT:
        node.fail(f"more than {_DEPTH_LIMIT} policies extend one another")
    if isinstance(node.value, str):
        return profile(node.one_of(PROFILES))
    keys = node.mapping("file", "digest")
    if keys.keys() != {"file", "digest"}:
        node.fail("a policy that is extended is named by `file` and `digest`, or is a profile")
    name, digest = keys["file"].text(), keys["digest"].digest()
    data = read(name)
    if Digest.of(data) != digest:
        node.fail(f"{shown(name)} has the digest {Digest.of(data)}, not the one that it is pinned to")
    return parse(data, name, read, depth=depth + 1)


def _signers(node: Node, read: Reader) -> frozenset[PolicySigner]:
    return node.texts(lambda entry: _signer(entry, read))


def _approvers(node: Node, read: Reader) -> frozenset[PolicySigner]:
    keys = node.mapping("approvers")
    if "approvers" not in keys:
        node.fail("`waivers` does not say who may approve: `approvers` is missing")
    return _signers(keys["approvers"], read)


def _signer(node: Node, read: Reader) -> PolicySigner:
    keys = node.mapping("identity", "issuer", "sourceRepository", "key", "maxSlsaBuild")
    highest = keys["maxSlsaBuild"].number(*_LEVELS) if "maxSlsaBuild" in keys else _LEVELS[1]
    if "key" in keys:
        if keys.keys() - {"key", "maxSlsaBuild"}:
            node.fail("a signer is a key, or an identity with its issuer, not both")
        pem = read(keys["key"].text())
        try:
            hint = load_public_key(pem).hint
        except ModelProvenanceError as error:
            keys["key"].fail(f"{shown(keys['key'].text())}: {error.message}")
        return PolicySigner(f"key:{hint}", max_slsa_build=highest, public_key=pem)
    if not {"identity", "issuer"} <= keys.keys():
        node.fail("a signer has an `identity` and its `issuer`, or a `key`")
    repository = keys["sourceRepository"].text() if "sourceRepository" in keys else None
    return PolicySigner(keys["identity"].text(), keys["issuer"].text(), repository, highest)


def _no_files(name: str) -> bytes:
    raise ModelProvenanceError("policy.invalid", f"a profile names no file, and this one names {shown(name)}")


_SECTIONS: dict[str, Callable[[Node], Any]] = {
    "source": read_source,
    "time": read_time,
    "slsa": read_slsa,
    "sbom": read_sbom,
    "formats": read_formats,
    "licenses": read_licenses,
    "datasets": read_datasets,
    "age": read_age,
}
