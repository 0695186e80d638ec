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
from model_provenance.policy.hatches import Module, Rule, read_modules, read_rules
from model_provenance.policy.reading import Node, root_of
from model_provenance.policy.revocation import Revocation, read_revocation
from model_provenance.policy.sections import (
    Age,
    Datasets,
    Evaluations,
    Formats,
    Licenses,
    Sbom,
    Slsa,
    Source,
    Time,
    read_age,
    read_datasets,
    read_evaluations,
    read_formats,
    read_licenses,
    read_sbom,
    read_slsa,
    read_source,
    read_time,
)
from model_provenance.policy.signers import PolicySigner, Reader, Signers
from model_provenance.policy.tighten import closed, tightened
from model_provenance.policy.vouching import LineageSection, Vsa, read_lineage, read_vsa

API_VERSION = "model-provenance/v1"
PROFILES = ("integrity", "baseline", "production")
_DEPTH_LIMIT = 8


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
    evaluations: Evaluations | None = None
    lineage: LineageSection | None = None
    vsa: Vsa | None = None
    age: Age | None = None
    revocation: Revocation | None = None
    rules: tuple[Rule, ...] | None = None
    rego: tuple[Module, ...] | None = None
    #: Who may waive a failure; nobody where it is None.
    approvers: frozenset[PolicySigner] | None = None
    #: How many of them, each another, it takes; None where nobody said, which is one.
    approvals: int | None = None
    #: What it extends, for people, the first one first.
    extended: tuple[str, ...] = ()


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
    spec = top["spec"].mapping("extends", *_SECTIONS, *_VOUCHING, "rego", "signers", "waivers")
    base = _extended(spec["extends"], read, depth) if "extends" in spec else None
    sections: dict[str, Any] = {name: reader(spec[name]) for name, reader in _SECTIONS.items() if name in spec}
    if "rego" in spec:
        sections["rego"] = read_modules(spec["rego"], read)
    named = Signers(read)
    sections |= {name: vouching(spec[name], named) for name, vouching in _VOUCHING.items() if name in spec}
    signers = named.listed(spec["signers"]) if "signers" in spec else None
    approvers, approvals = _approvers(spec["waivers"], named) if "waivers" in spec else (None, None)
    own = Policy(
        name=metadata["name"].text(),
        digest=_digest(data, named.subjects),
        expires=metadata["expires"].last_day() if "expires" in metadata else None,
        signers=signers,
        approvers=approvers,
        approvals=approvals,
        **sections,
    )
    if base is not None:
        # A profile leaves exceptions to whoever uses it; a policy of somebody else does not.
        try:
            own = tightened(base if isinstance(spec["extends"].value, str) else closed(base), own)
        except ModelProvenanceError as error:
            raise ModelProvenanceError(error.code, error.message, location=spec["extends"].where) from error
    _separate_roles(own, top["spec"])
    return own


def _separate_roles(policy: Policy, node: Node) -> None:
    """Who may release may not also be the one who says that the release is good, or still counts (design, 4.4.4)."""
    releasing = {(signer.subject, signer.issuer) for signer in policy.signers or ()}
    for revoker in policy.revocation.revokers if policy.revocation is not None else ():
        if (revoker.subject, revoker.issuer) in releasing:
            node.fail(f"{shown(revoker.subject)} is among `signers` and among `revocation.revokers`: one role each")
    for verifier in policy.vsa.verifiers if policy.vsa is not None else ():
        if (verifier.signer.subject, verifier.signer.issuer) in releasing:
            node.fail(f"{shown(verifier.signer.subject)} is among `signers` and among `vsa.verifiers`: one role each")


def _digest(data: bytes, keys: set[str]) -> str:
    """Of the text and of the keys that it names, which lie in files of their own."""
    return f"sha256:{hashlib.sha256(b'|'.join([data, *(key.encode() for key in sorted(keys))])).hexdigest()}"


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


def _approvers(node: Node, named: Signers) -> tuple[frozenset[PolicySigner], int | None]:
    """Who may waive, and how many of them it takes."""
    keys = node.mapping("approvers", "count")
    if "approvers" not in keys:
        node.fail("`waivers` does not say who may approve: `approvers` is missing")
    approvers = named.listed(keys["approvers"])
    return approvers, keys["count"].number(1, len(approvers)) if "count" in keys else None


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
    "evaluations": read_evaluations,
    "age": read_age,
    "rules": read_rules,
}
#: Sections that name who may vouch for something.
_VOUCHING: dict[str, Callable[[Node, Signers], Any]] = {
    "lineage": read_lineage,
    "vsa": read_vsa,
    "revocation": read_revocation,
}
