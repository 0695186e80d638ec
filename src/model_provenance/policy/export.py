"""A policy as a cluster can hold images to it. What cannot be said there is listed; what cannot be said safely is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from model_provenance.domain.admission import Admission, Attestor, Condition, Omission
from model_provenance.domain.context import Provider
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.text import shown
from model_provenance.domain.verification import DEFAULT_EVENTS, RepositoryExpectation
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy.document import Policy
from model_provenance.policy.gates import GATES
from model_provenance.policy.signers import PolicySigner

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+")
_WORKFLOW = re.compile(
    r"(?:(?P<gitlab>https://[^/@]+(?:/[^/@]+)+?)//[^@]+|(?P<github>https://[^/@]+/[^/@]+/[^/@]+)/[^@]+)@.+"
)
#: Docker Hub: `acme/m` and `docker.io/acme/m` are one image.
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_SBOMS = {"spdx": Predicate.SPDX, "cyclonedx": Predicate.CYCLONEDX}
#: Why a gate has no counterpart. A gate that is not here is one that somebody added: it is omitted in general words.
_WHY = {
    "integrity": "an image is bound by its digest; that the release is complete is not asked",
    "time": "whether a log or a timestamp shows the time is the cluster's own setting",
    "slsa": "a level is derived from a reviewed list of builders",
    "formats": "files and inspected SBOMs are not looked into",
    "licenses": "licence expressions are not evaluated",
    "datasets": "datasets are not compared",
    "evaluations": "evaluations are not compared",
    "lineage": "base models are not traced",
    "vsa": "verification summaries are not read",
    "age": "a cluster does not compare the time of signing with its own",
    "revocation": "no status list is read: a revoked model is still admitted",
    "rules": "CEL rules are about the document of `verify`, which a cluster does not have",
    "rego": "modules of Rego are about the document of `verify`, which a cluster does not have",
}
_EXPRESSED = ("signer", "source", "sbom")


def admission(policy: Policy, repositories: Sequence[str], *, keys: bool, now: int) -> Admission:
    """The policy for images of `repositories` and below them; `keys` is whether the cluster can verify bundles signed by a key.

    Raises `policy.export` for a policy of which nothing could be said that keeps anybody out.
    """
    _refuse_unfit(policy, repositories, now)
    if not policy.signers:
        raise _refused("it does not say who must have signed, so an export would admit what anybody has signed")
    named = sorted(policy.signers, key=_order)
    signers = [signer for signer in named if keys or signer.public_key is None]
    if not signers:
        raise _refused("its signers are keys, and this admission controller verifies bundles of certificates alone")
    left = [
        Omission("signer", f"{signer.subject} may not sign there: no bundle signed by a key is verified")
        for signer in named
        if signer not in signers
    ]
    made = [(signer, _attestor(signer, policy)) for signer in signers]
    attestors = tuple(attestor for _, attestor in made if all(condition.values for condition in attestor.conditions))
    if not attestors:
        raise _refused("no run of its signers has an event that `source` lets release")
    left += [
        Omission("signer", f"{signer.subject} never signs for an event that `source` lets release")
        for signer, attestor in made
        if attestor not in attestors
    ]
    wanted = (
        [_SBOMS[name] for name in sorted(policy.sbom.formats or ())] if _denies(policy, "sbom") and policy.sbom else []
    )
    return Admission(
        name=policy.name,
        policy_digest=policy.digest,
        repositories=tuple(sorted(set(repositories))),
        attestors=attestors,
        predicate_types=(Predicate.PROVENANCE, Predicate.MANIFEST, *wanted),
        omissions=(*left, *_omissions(policy, signers)),
    )


def _refuse_unfit(policy: Policy, repositories: Sequence[str], now: int) -> None:
    if not _NAME.fullmatch(policy.name):
        raise _refused(f"its name `{shown(policy.name, 80)}` is no name of a resource: a-z, 0-9 and `-`, at most 63")
    if policy.expires is not None and policy.expires <= now:
        raise _refused("it has expired, and its export would not")
    for repository in repositories:
        if not _REPOSITORY.fullmatch(repository):
            raise ModelProvenanceError(
                "usage.invalid", f"--images {shown(repository)} is not HOST/REPOSITORY, without a tag"
            )
        if repository.partition("/")[0] in _HUB:
            raise ModelProvenanceError(
                "usage.invalid",
                f"images of {shown(repository)} are written with and without the host, so some would pass unseen",
                remedy="Mirror them to a registry whose host every reference names.",
            )


def _order(signer: PolicySigner) -> tuple[str, ...]:
    """The same wherever it is written: sets have no order of their own."""
    run = signer.run
    beside = () if run is None else (run.builder, run.environment, *sorted(run.events))
    return tuple(part or "" for part in (signer.subject, signer.issuer, signer.source_repository, *beside))


def _attestor(signer: PolicySigner, policy: Policy) -> Attestor:
    source = tuple(_source_conditions(policy))
    if signer.run is not None:
        return _of_run(signer.run, source)
    if signer.public_key is not None:
        return Attestor(public_key=signer.public_key.decode("ascii", "replace"), conditions=source)
    repository = signer.source_repository or _repository_of(signer.subject)
    conditions = () if repository is None else (Condition("repository", (repository,)),)
    return Attestor(subject=signer.subject, issuer=signer.issuer, conditions=_merged((*conditions, *source)))


def _of_run(run: RepositoryExpectation, source: tuple[Condition, ...]) -> Attestor:
    """The workflow that signs is the subject; everything else stands in the provenance that it signs.

    A reusable workflow can be called from anywhere, so the subject alone would let every repository in.
    """
    url = f"{run.server_url}/{run.repository}"
    inside = f"{url}//" if run.provider is Provider.GITLAB else f"{url}/"
    conditions = [
        Condition("repository", (url,)),
        Condition("event", tuple(sorted(DEFAULT_EVENTS[run.provider] | run.events))),
    ]
    if run.repository_id is not None:
        conditions.append(Condition("repositoryId", (run.repository_id,)))
    if run.ref is not None:
        conditions.append(Condition("ref", (run.ref,)))
    if run.workflow is not None:
        conditions.append(Condition("config", (f"^{re.escape(inside + run.workflow)}@.*$",), patterns=True))
    if run.environment is not None:
        conditions.append(Condition("environment", (run.environment,)))
    signs = f"{run.server_url}/{run.builder}" if run.builder is not None else inside + (run.workflow or "")
    if run.builder is None and run.workflow is not None and run.ref is not None:
        signs += f"@{run.ref}"
    exact = run.builder is not None or run.workflow is not None
    pattern = f"^{re.escape(signs)}@.*$" if exact else f"^{re.escape(signs)}[^@]+@.*$"
    named = "@" in signs
    return Attestor(
        subject=signs if named else None,
        subject_pattern=None if named else pattern,
        issuer=run.issuer,
        conditions=_merged((*conditions, *source)),
    )


def _merged(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """What is said twice of one field must hold twice: only what both allow is left, which may be nothing."""
    merged: list[Condition] = []
    for condition in conditions:
        twin = next(
            (c for c in merged if c.field == condition.field and not c.patterns and not condition.patterns), None
        )
        if twin is None:
            merged.append(condition)
        else:
            both = tuple(value for value in twin.values if value in condition.values)
            merged[merged.index(twin)] = Condition(twin.field, both)
    return tuple(merged)


def _repository_of(subject: str) -> str | None:
    """As the verifier has it: a workflow that signs lies in the repository that was built from."""
    match = _WORKFLOW.fullmatch(subject)
    return None if match is None else match["gitlab"] or match["github"]


def _source_conditions(policy: Policy) -> Iterator[Condition]:
    source = policy.source
    if source is None or not _denies(policy, "source"):
        return
    if source.events is not None:
        yield Condition("event", tuple(sorted(source.events)))
    if source.refs is not None:
        yield Condition("ref", tuple(map(_pattern, sorted(source.refs))), patterns=True)


def _pattern(ref: str) -> str:
    """`*` stands for any characters, everything else for itself."""
    return f"^{'.*'.join(map(re.escape, ref.split('*')))}$"


def _omissions(policy: Policy, signers: Sequence[PolicySigner]) -> Iterator[Omission]:
    for gate in GATES:
        if gate.section(policy) is None or gate.id in _EXPRESSED:
            continue
        why = _WHY.get(gate.id, "it has no counterpart in a cluster")
        yield Omission(gate.id, why if _denies(policy, gate.id) else f"{why} (the policy only shows it)")
    if policy.source is not None and not _denies(policy, "source"):
        yield Omission("source", "the policy only shows it")
    if policy.sbom is not None and policy.sbom.required is not None:
        yield Omission("sbom", "that an SBOM is there is asked, which parts the model must have is not")
    for signer in signers:
        if signer.run is not None and _of_run(signer.run, ()).subject is None:
            why = f"{signer.subject} names no workflow and ref: what the provenance says of ref, event and environment is then"
            yield Omission("signer", f"{why} the word of any workflow of that repository")
    if any(signer.max_slsa_build < 3 for signer in signers):  # noqa: PLR2004 - the highest level
        yield Omission("signer", "maxSlsaBuild has no meaning where no level is derived")
    if policy.expires is not None:
        yield Omission("expires", "an export does not end; take it away by the day on which the policy does")


def _denies(policy: Policy, gate: str) -> bool:
    return getattr(getattr(policy, gate, None), "effect", "deny") == "deny"


def _refused(why: str) -> ModelProvenanceError:
    return ModelProvenanceError("policy.export", f"the policy cannot be exported: {why}")
