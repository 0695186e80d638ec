"""Verification summaries that were given, and a model that is known by one of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.summary import Summary
from model_provenance.domain.text import shown
from model_provenance.domain.verification import EvidenceFiles, Report, Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.claimed import claimed
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.files import read_file
from model_provenance.flows.target import Progress, Target, observe_files
from model_provenance.flows.verify import VerifyRequest, parse_digest
from model_provenance.formats.bundle import BUNDLE_LIMIT
from model_provenance.formats.oms import DEFAULT_IGNORED
from model_provenance.formats.vsa import parse_vsa
from model_provenance.policy.document import Policy
from model_provenance.policy.signers import PolicySigner
from model_provenance.verify.statement import verify_statement
from model_provenance.verify.summary import verify_summary

#: Summaries of one model and its ancestors.
_LIMIT = 256


def read_summaries(paths: Sequence[Path], policy: Policy, trust: Trust) -> tuple[Summary, ...]:
    """Summaries whose signature is by a verifier of the policy; raises `policy.vsa` for any other."""
    if len(paths) > _LIMIT:
        raise ModelProvenanceError("policy.vsa", f"--accept-vsa is given more than {_LIMIT} times")
    signers = verifiers_of(policy)
    found = []
    for path in paths:
        where = shown(str(path), 400)
        if not signers:
            message = f"the policy {shown(policy.name, 80)} names no verifier, under `vsa` or under `lineage`"
            raise ModelProvenanceError("policy.vsa", message, location=where)
        data = read_file(path, option="--accept-vsa", limit=BUNDLE_LIMIT)
        expected = claimed(signers, [(path.name, data)])
        statement, signer = verify_statement(data, Predicate.VSA, expected, trust, code="policy.vsa", older=True)
        found.append(
            replace(parse_vsa(statement), signer=signer, digest=Digest.of(data), statement=Digest.of(statement.payload))
        )
    return tuple(found)


def verifiers_of(policy: Policy) -> frozenset[PolicySigner]:
    """Everybody whose summaries the policy knows."""
    lists = (
        policy.vsa.verifiers if policy.vsa is not None else None,
        policy.lineage.verifiers if policy.lineage is not None else None,
    )
    return frozenset(verifier.signer for verifiers in lists for verifier in verifiers or ())


def verify_by_summary(
    request: VerifyRequest, target: Target, summaries: Sequence[Summary], progress: Progress | None
) -> Report:
    """The verdict over a folder without evidence: whether its files are those that a summary names."""
    if request.resource is None and (request.name is None or request.version is None):
        raise ModelProvenanceError(
            "usage.invalid",
            "without evidence nothing says which model the summary must be about",
            remedy="Add --name and --version, or --resource-uri.",
        )
    if request.signer != SignerOptions() or request.require is not None:
        # Who released the model, and what is in it, a summary does not show; the policy says whose summaries count.
        raise ModelProvenanceError(
            "usage.invalid",
            "without evidence nothing is said about who signed the model, or about its parts",
            remedy="Leave out --key, --signer, --certificate-… and --require, or give the evidence with --evidence.",
        )
    ignored = (*DEFAULT_IGNORED, *request.ignore)
    observed = observe_files(
        target,
        EvidenceFiles(()),
        ignore=ignored,
        allow_symlinks=request.allow_symlinks,
        progress=progress,
        keeper=request.keeper,
        memory=request.memory,
    )
    return verify_summary(summaries, observed, None if request.digest is None else parse_digest(request.digest))
