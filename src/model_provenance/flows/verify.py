"""`verify`: read the evidence, read the target once, let `verify/` decide. Opens no connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import Keeper
from model_provenance.domain.text import shown
from model_provenance.domain.verification import (
    EvidenceFiles,
    Expectation,
    Observed,
    Report,
    SignerExpectation,
    TargetKind,
    Trust,
)
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.asked import given, refuse_without_policy
from model_provenance.flows.evidence import own_files, read_bounded, read_evidence
from model_provenance.flows.expectation import SignerOptions, expected_signer, required_parts
from model_provenance.flows.files import read_file
from model_provenance.flows.places import places, refuse_planted
from model_provenance.flows.sets import judged
from model_provenance.flows.target import Target, locate, named_digest, observe, observe_files
from model_provenance.formats.bundle import BUNDLE_LIMIT
from model_provenance.verify.bundle import verify_bundle
from model_provenance.verify.release import verify_release

if TYPE_CHECKING:
    from model_provenance.flows.memory import Memory
    from model_provenance.flows.policy import Given
    from model_provenance.flows.remote import RemoteRequest
    from model_provenance.flows.tree_heads import KeptHeads
    from model_provenance.oci.access import Access
    from model_provenance.policy.document import Policy

_TRUST_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What the caller expects; the fields are the options of `verify`."""

    target: Path
    signer: SignerOptions
    evidence: Path | None = None
    bundles: tuple[Path, ...] = ()
    name: str | None = None
    version: str | None = None
    digest: str | None = None
    #: Parts that the model must have, joined by commas; None for the default ones.
    require: str | None = None
    trust_config: Path | None = None
    trusted_root: Path | None = None
    allow_symlinks: bool = False
    ignore: Sequence[str] = ()
    ignore_unsigned_files: bool = False
    #: A model in a registry, in place of `target`.
    reference: str | None = None
    access: Access | None = None
    #: With `reference`: manifests and evidence only.
    remote: bool = False
    #: Decides about what was verified, and says who must have signed where `signer` does not.
    policy: Policy | None = None
    #: Unix seconds at which the policy decides; None is now.
    now: int | None = None
    waivers: tuple[Path, ...] = ()
    #: Evidence of base models: release folders, or their `evidence/`.
    base_evidence: tuple[Path, ...] = ()
    #: Verification summaries of the model and of base models.
    summaries: tuple[Path, ...] = ()
    #: What a summary must call the model; None for its package URL.
    resource: str | None = None
    #: The status list that the policy's section `revocation` is decided by; None for the one that it names.
    status_list: str | None = None
    #: Unix seconds that stand for now where no newer snapshot can be had.
    status_as_of: int | None = None
    #: Folder that remembers the newest snapshot of each list; None remembers nothing.
    status_memory: Path | None = None
    #: Seconds for which a stale snapshot is only warned of.
    status_grace: int = 0
    #: How a registry with the status list is reached, where the model is not in one.
    status_access: Access | None = None
    #: The environment, in which an `opa` for the policy's Rego may be found, and `--opa`.
    env: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    opa: Path | None = None
    #: Gets every file that is read, open, for who goes on to use the bytes that were verified (`flows.load`).
    keeper: Keeper | None = field(default=None, compare=False)
    #: Spares an unchanged model the reading.
    memory: Memory | None = field(default=None, compare=False)
    #: Remembers the tree heads of logs; None compares those of one verification alone.
    log_heads: KeptHeads | None = field(default=None, compare=False)


def verify(request: VerifyRequest, progress: Callable[[int, int], None] | None = None) -> Report:
    """The verdict over a target. Raises for what is not a verdict: wrong usage, evidence that cannot be read."""
    refuse_planted(trust_inputs(request), untrusted(request))
    asked = asked_of(request)
    return decided(checked(request, progress, asked), asked)


def asked_of(request: VerifyRequest) -> Given | None:
    """What the policy of the request is given; None without one."""
    if request.policy is None:
        refuse_without_policy(request)
        return None
    return given(request, request.policy, trust_of(request))


def decided(report: Report, asked: Given | None) -> Report:
    """The report as the policy has it; what did not verify is not decided about, and stays what it is."""
    if report.verified is None or asked is None:
        return report
    from model_provenance.flows.policy import with_decision  # noqa: PLC0415 - only with a policy

    return with_decision(report, asked.consider(report).decision)


def checked(request: VerifyRequest, progress: Callable[[int, int], None] | None, asked: Given | None = None) -> Report:
    """Verify, and ask no policy; what was read is kept where it was verified, whatever a policy makes of it."""
    report = _verified(request, progress, asked)
    if request.memory is not None and report.verified is not None:
        request.memory.commit()
    return report


def _verified(request: VerifyRequest, progress: Callable[[int, int], None] | None, asked: Given | None) -> Report:
    if request.bundles and request.evidence is not None:
        raise ModelProvenanceError(
            "usage.invalid",
            "--bundle and --evidence exclude each other",
            remedy="Use --evidence for a whole release, --bundle for what one bundle says.",
        )
    if request.bundles and request.require is not None:
        raise ModelProvenanceError(
            "usage.invalid",
            "--require says nothing about one bundle: only a whole release has an SBOM",
            remedy="Leave it out, or verify the release with --evidence.",
        )
    if len(request.bundles) > 1:
        raise ModelProvenanceError(
            "usage.invalid",
            "several bundles are a release, and a release is verified as one set",
            remedy="Put them into one folder and give that folder with --evidence.",
        )
    if request.reference is not None:
        if request.memory is not None:
            raise ModelProvenanceError(
                "usage.invalid",
                "--cache says nothing about a model in a registry, of which each byte is read",
                remedy="Leave it out, or pull the model and verify the folder.",
            )
        return _reference(request, progress)
    if request.remote or request.access is not None:
        raise ModelProvenanceError(
            "usage.invalid",
            "the options of a registry say nothing about what lies on this machine",
            remedy="Leave out --remote, --username, --password-stdin, --plain-http and --token-service, or name the model as oci://HOST/REPOSITORY:TAG.",
        )
    if request.bundles:
        return _one_bundle(request, request.bundles[0], progress)
    target = locate(request.target)
    if asked is not None and asked.summaries and request.evidence is None and target.kind is TargetKind.DIRECTORY:
        from model_provenance.flows.summaries import verify_by_summary  # noqa: PLC0415 - only without evidence

        return verify_by_summary(request, target, asked.summaries, progress)
    evidence = target.evidence() if request.evidence is None else read_evidence(request.evidence)
    expectation = _expectation(request, evidence)
    exclude = () if request.evidence is None else own_files(request.evidence)
    observed = observe(
        target,
        evidence,
        ignore=request.ignore,
        exclude=exclude,
        progress=progress,
        keeper=request.keeper,
        memory=request.memory,
    )
    trusted = replace(trust_of(request), opinions=request.memory)
    if target.kind is TargetKind.OCI_LAYOUT and request.evidence is None:
        # A layout keeps what several runs attached to one package; a folder of evidence is one release.
        return judged(evidence, lambda one: verify_release(one, observed, expectation, trusted))[1]
    return verify_release(evidence, observed, expectation, trusted)


def untrusted(request: VerifyRequest) -> tuple[Path, ...]:
    """What others than the caller have written: the target, its evidence, that of base models."""
    return places(request.target, (request.evidence, *request.base_evidence))


def trust_inputs(request: VerifyRequest) -> dict[str, Path | None]:
    """Every file and folder that the verdict is trusted by, by its option."""
    return {
        "--key": request.signer.key,
        "--certificate-chain": request.signer.certificate_chain,
        "--trust-config": request.trust_config,
        "--trusted-root": request.trusted_root,
        "--opa": request.opa,
        "--log-heads": None if request.log_heads is None else request.log_heads.folder,
    }


def remote_request(request: VerifyRequest) -> RemoteRequest:
    """The same request about a model in a registry, for `verify` and `pull`."""
    refuse_planted(trust_inputs(request), untrusted(request))
    if request.bundles:
        raise ModelProvenanceError(
            "usage.invalid",
            "--bundle says nothing about a model in a registry, whose evidence is a whole release",
            remedy="Leave it out, or give a folder of evidence with --evidence.",
        )
    if request.ignore or request.allow_symlinks or request.ignore_unsigned_files:
        raise ModelProvenanceError(
            "usage.invalid",
            "--ignore-path, --allow-symlinks and --ignore-unsigned-files say nothing about a model in a registry",
            remedy="Leave them out: all of its files are compared with the signed ones.",
        )
    from model_provenance.flows.remote import RemoteRequest  # noqa: PLC0415 - only for registries
    from model_provenance.oci.reference import Reference  # noqa: PLC0415

    assert request.reference is not None  # noqa: S101 - the caller looked
    assert request.access is not None  # noqa: S101 - comes with a reference
    return RemoteRequest(
        Reference.parse(request.reference),
        request.access,
        lambda evidence: _expectation(request, evidence),
        trust_of(request),
        None if request.evidence is None else read_evidence(request.evidence),
    )


def _reference(request: VerifyRequest, progress: Callable[[int, int], None] | None) -> Report:
    from model_provenance.flows.remote import verify_reference  # noqa: PLC0415 - only for registries

    return verify_reference(remote_request(request), weights=not request.remote, progress=progress)


def trust_of(request: VerifyRequest) -> Trust:
    """What the request trusts, with what it remembers of logs."""
    return replace(trust(request.trust_config, request.trusted_root), heads=request.log_heads)


def trust(trust_config: Path | None, trusted_root: Path | None) -> Trust:
    """The trusted root of the options, else the production root that is cached or embedded."""
    if trust_config is not None and trusted_root is not None:
        raise ModelProvenanceError(
            "usage.invalid",
            "--trust-config and --trusted-root exclude each other",
            remedy="A trust config holds a trusted root; give one of the two.",
        )
    path, option = (trust_config, "--trust-config") if trust_config else (trusted_root, "--trusted-root")
    if path is None:
        return Trust(None, "public", now=int(time.time()))
    return Trust(read_file(path, option=option, limit=_TRUST_LIMIT), "custom")


def _one_bundle(request: VerifyRequest, path: Path, progress: Callable[[int, int], None] | None) -> Report:
    bundle = read_bounded(path, BUNDLE_LIMIT)
    evidence = EvidenceFiles(((path.name, bundle),))
    expectation = _expectation(request, evidence)
    digest = named_digest(request.target)
    observed: Observed | None = None
    if digest is None:
        target = locate(request.target)
        observed = observe_files(
            Target(target.kind, request.target),
            evidence,
            ignore=request.ignore,
            allow_symlinks=request.allow_symlinks,
            exclude=(path,),
            progress=progress,
            keeper=request.keeper,
            memory=request.memory,
        )
    return verify_bundle(
        bundle,
        observed,
        expectation,
        replace(trust_of(request), opinions=request.memory),
        digest=digest,
        ignore_unsigned=request.ignore_unsigned_files,
    )


def _expectation(request: VerifyRequest, evidence: EvidenceFiles) -> Expectation:
    return Expectation(
        signer=_signer(request, evidence),
        name=request.name,
        version=request.version,
        digest=None if request.digest is None else parse_digest(request.digest),
        required_parts=required_parts(request.require),
    )


def _signer(request: VerifyRequest, evidence: EvidenceFiles) -> SignerExpectation:
    """The options' signer; where they name none, the policy's."""
    if request.policy is not None and request.signer == SignerOptions():
        from model_provenance.flows.policy import policy_signer  # noqa: PLC0415 - only with a policy

        named = policy_signer(request.policy, evidence)
        if named is not None:
            return named
    return expected_signer(request.signer, evidence)


def parse_digest(text: str) -> Digest:
    """The value of --digest."""
    try:
        return Digest.parse(text)
    except ValueError as error:
        raise ModelProvenanceError(
            "usage.invalid", f"--digest {shown(text)}: {error}", remedy="Copy the digest from the release's summary."
        ) from error
