"""What a verifier is told to expect, what it is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from model_provenance.domain.context import Provider
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import LogEntry, SignerIdentity, Subject
from model_provenance.domain.files import FILES, ModelFile, Serialization
from model_provenance.domain.finding import Finding
from model_provenance.domain.parts import DEFAULT_PARTS
from model_provenance.domain.policy import Decision
from model_provenance.domain.result import Result
from model_provenance.domain.tree_head import TreeHeads

DEFAULT_EVENTS: Mapping[Provider, frozenset[str]] = {
    Provider.GITHUB: frozenset({"push", "release", "workflow_dispatch", "schedule", "merge_group"}),
    Provider.GITLAB: frozenset({"push", "web", "schedule", "api", "trigger"}),
}


@dataclass(frozen=True, slots=True)
class KeyExpectation:
    """Signed by this public key (PEM)."""

    public_key: bytes


@dataclass(frozen=True, slots=True)
class PkiExpectation:
    """Signed with a certificate of a private PKI that leads to one of these anchors (PEM)."""

    anchors: bytes
    #: Unix seconds at which certificates are judged where no trusted timestamp says when they signed.
    now: int


#: A key of one's own, with or without a certificate: it says nothing about a CI run, is in no certificate log, and in a
#: transparency log only where somebody chose so.
OWN_KEYS = (KeyExpectation, PkiExpectation)


@dataclass(frozen=True, slots=True)
class RepositoryExpectation:
    """`github:OWNER/REPO[#ID][/WORKFLOW][@REF]` or `gitlab:GROUP/PROJECT[#ID][//FILE][@REF]` (design, 4.4.2)."""

    provider: Provider
    repository: str
    repository_id: str | None = None
    #: Path of the workflow or configuration file in the repository.
    workflow: str | None = None
    #: Full ref, `refs/…`.
    ref: str | None = None
    #: `OWNER/REPO/PATH[@REF]` of a reusable workflow that may sign.
    builder: str | None = None
    #: Deployment environment that the run must have been given (and so been approved for).
    environment: str | None = None
    #: `https://github.com` / `https://gitlab.com`, or a self-managed server.
    server_url: str | None = None
    issuer: str | None = None
    events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class IdentityExpectation:
    """A bare certificate identity with its issuer; a regular expression matches whole."""

    identity: str
    is_regexp: bool
    issuer: str
    source_repository: str | None = None
    events: frozenset[str] = frozenset()


SignerExpectation = KeyExpectation | PkiExpectation | RepositoryExpectation | IdentityExpectation


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the caller says must hold; the method of verification comes from here, never from a bundle."""

    signer: SignerExpectation
    name: str | None = None
    version: str | None = None
    digest: Digest | None = None
    #: Parts that the SBOM and the model must have (`domain.parts`).
    required_parts: tuple[str, ...] = DEFAULT_PARTS


class Opinions(Protocol):
    """Bundles that the second verifier has accepted before, by exact bytes and trusted root."""

    def accepted(self, root: Digest, bundle: Digest, blob: Digest | None) -> bool:
        """Whether this very bundle was accepted under this very root, by this version of everything."""
        ...

    def accept(self, root: Digest, bundle: Digest, blob: Digest | None) -> None:
        """Remember that it was."""
        ...


@dataclass(frozen=True, slots=True)
class Trust:
    """Where trust in certificates, logs and timestamps comes from. Never the target or the working directory."""

    #: Trusted root JSON (`application/vnd.dev.sigstore.trustedroot+json;version=0.1`); None = the production root
    #: that is cached or embedded, without opening a connection.
    trusted_root: bytes | None
    #: "public", "custom" or "demo", shown with its digest.
    kind: str = "public"
    #: Unix seconds, to tell how old the cached production root is; None where nobody is to be told.
    now: int | None = None
    #: None: the second verifier is asked each time.
    opinions: Opinions | None = field(default=None, compare=False)
    #: None: heads of logs are compared within one verification alone.
    heads: TreeHeads | None = field(default=None, compare=False)

    @property
    def digest(self) -> Digest | None:
        """Digest of a custom root, for the report."""
        return None if self.trusted_root is None else Digest.of(self.trusted_root)


class TargetKind(Enum):
    """What was put before the verifier; the statement decides how it is compared, not this kind alone."""

    DIRECTORY = "directory"
    ARCHIVE = "archive"
    OCI_LAYOUT = "oci-layout"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Observed:
    """What the flow read from the target itself, once."""

    kind: TargetKind
    #: Every file of the model, hashed; empty only when reading failed (then `findings` says why).
    files: tuple[ModelFile, ...]
    #: Digest of the archive's bytes or of the model index; None where the target is a bare directory or file.
    package_digest: Digest | None = None
    #: Manifests that the model index lists, by digest.
    manifest_digests: tuple[Digest, ...] = ()
    findings: tuple[Finding, ...] = ()
    #: How `pieces` were cut and hashed: (name, hex digest), for signatures that list them instead of files.
    serialization: Serialization = FILES
    pieces: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceFiles:
    """Untrusted evidence, as bytes with the names they were found under."""

    bundles: tuple[tuple[str, bytes], ...]
    #: Documents beside the evidence: `model-manifest.json`, `sbom.spdx.json`, …
    documents: tuple[tuple[str, bytes], ...] = ()


class Scope(Enum):
    """How much was verified: a whole release, one bundle, or a release's evidence without its weights.

    `evidence` is a release's evidence about a digest that somebody else has signed: that of a base model. `summary` is
    files that somebody else has verified, and says so in a signed summary.
    """

    RELEASE = "release"
    BUNDLE = "bundle"
    REMOTE = "remote"
    EVIDENCE = "evidence"
    SUMMARY = "summary"


class _Seal:
    """Held by `verify` alone; without it no `Verified` can be made."""


SEAL = _Seal()


@dataclass(frozen=True, slots=True)
class Verified:
    """A release (or bundle) whose evidence and content have been verified. Policy and load accept nothing else.

    Only `verify` makes one: the constructor wants its seal, so a hand-made value is a TypeError.
    """

    seal: _Seal = field(repr=False, compare=False)
    scope: Scope
    signer: SignerIdentity
    predicate_types: tuple[str, ...]
    model_digest: Digest | None
    package_digest: Digest | None
    files: tuple[ModelFile, ...]
    #: The signed manifest, parsed; empty for a bundle that is not a release.
    manifest: Mapping[str, Any]
    provenance: Mapping[str, Any]
    log_entries: tuple[LogEntry, ...]
    #: Unix seconds of trusted time (signed timestamp, else log time), where there is one.
    signed_at: int | None
    #: Derived SLSA build level; None for one bundle alone.
    slsa_level: int | None = None
    #: What shows when every statement was signed: `rekor` (an entry of a log), `tsa` (a signed timestamp).
    time_evidence: frozenset[str] = frozenset()
    #: Files that can run code when they are loaded, as every signed SBOM says; None where none could be asked.
    executable: frozenset[str] | None = None
    #: Everything that the signed manifest is about: the model, and its archive or the manifests of its package.
    subjects: tuple[Subject, ...] = ()
    #: The bundles that were verified, by the name that they were found under, with the digest of their bytes.
    attestations: tuple[tuple[str, Digest], ...] = ()
    #: The same with the digests of what was signed, which stay when somebody writes a bundle in another way.
    statements: tuple[tuple[str, Digest], ...] = ()
    #: The predicate of the signed test result; empty where there is none.
    test_result: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.seal is not SEAL:
            msg = "only model_provenance.verify makes a Verified"
            raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a verification says; `verified` is there exactly when `result` is PASS."""

    result: Result
    exit_status: int
    scope: Scope
    findings: tuple[Finding, ...]
    signer: SignerIdentity | None
    predicate_types: tuple[str, ...]
    not_checked: tuple[str, ...]
    log_entries: tuple[LogEntry, ...]
    slsa_level: int | None
    slsa_reasons: tuple[str, ...]
    verified: Verified | None
    #: A `--signer …` or `--key` line for the signer that was found: found, not trusted.
    suggestion: str | None = None
    #: `HOST/REPOSITORY@sha256:…` of a model in a registry: what was verified, whatever its tag names later.
    reference: str | None = None
    #: What a policy made of it, where one was asked.
    decision: Decision | None = None

    def __post_init__(self) -> None:
        if (self.result is Result.PASS) != (self.verified is not None):
            msg = "a PASS carries a Verified, and nothing else does"
            raise ValueError(msg)
