"""Verification summaries: those that were given, each as one of the policy's verifiers would have signed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.summary import Summary
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.claimed import claimed
from model_provenance.flows.files import read_file
from model_provenance.formats.bundle import BUNDLE_LIMIT
from model_provenance.formats.vsa import parse_vsa
from model_provenance.policy.document import Policy
from model_provenance.policy.signers import PolicySigner
from model_provenance.verify.statement import verify_statement

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
        statement, signer = verify_statement(data, Predicate.VSA, expected, trust, code="policy.vsa")
        found.append(replace(parse_vsa(statement), signer=signer, digest=Digest.of(data)))
    return tuple(found)


def verifiers_of(policy: Policy) -> frozenset[PolicySigner]:
    """Everybody whose summaries the policy knows."""
    lists = (
        policy.vsa.verifiers if policy.vsa is not None else None,
        policy.lineage.verifiers if policy.lineage is not None else None,
    )
    return frozenset(verifier.signer for verifiers in lists for verifier in verifiers or ())
