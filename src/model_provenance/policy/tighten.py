"""A policy that extends another may ask for more, never for less: each section is merged by a rule of its own.

What is said twice is met twice: lists of what is required or denied are joined, lists of what is allowed are cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from model_provenance.domain.digest import Digest
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy.hatches import Module, Rule
from model_provenance.policy.revocation import Revocation, stricter
from model_provenance.policy.sections import (
    EFFECTS,
    Age,
    Datasets,
    Evaluations,
    Formats,
    Licenses,
    Sbom,
    Slsa,
    Source,
    Time,
)
from model_provenance.policy.vouching import LineageSection, Vsa

if TYPE_CHECKING:
    from model_provenance.policy.document import Policy

T = TypeVar("T")
Hatch = TypeVar("Hatch", bound=Rule | Module)


def tightened(base: Policy, own: Policy) -> Policy:
    """`own` on top of `base`. Raises `policy.loosens` where `own` allows what `base` does not."""
    digest = hashlib.sha256(f"{base.digest}\n{own.digest}".encode()).hexdigest()
    sections: dict[str, Any] = {}
    for name, merge in _MERGES.items():
        below, above = getattr(base, name), getattr(own, name)
        sections[name] = merge(below, above) if below is not None and above is not None else above or below
    return replace(
        own,
        digest=f"sha256:{digest}",
        expires=min((e for e in (base.expires, own.expires) if e is not None), default=None),
        signers=_subset("signers", base.signers, own.signers),
        # Who extends a policy appoints nobody beside those whom it names; where it names nobody, its extension may.
        approvers=_subset("waivers.approvers", base.approvers, own.approvers),
        approvals=_least("waivers.count", base.approvals, own.approvals),
        extended=(*base.extended, base.name),
        **sections,
    )


def closed(base: Policy) -> Policy:
    """`base` with every exception that it does not make made impossible: approvers, bytes, who vouches, who was reviewed."""
    formats, lineage = base.formats, base.lineage
    if formats is not None:
        nothing: frozenset[Digest] = frozenset()
        formats = replace(formats, allowed=formats.allowed or nothing, allowed_code=formats.allowed_code or nothing)
    if lineage is not None:
        # Without a list of their own, base models are released by whom the policy names for the model itself.
        signers = base.signers if lineage.signers is None else lineage.signers
        lineage = replace(lineage, signers=signers, verifiers=lineage.verifiers or frozenset())
    slsa = None if base.slsa is None else replace(base.slsa, builders=base.slsa.builders or frozenset())
    return replace(base, approvers=base.approvers or frozenset(), formats=formats, lineage=lineage, slsa=slsa)


def _effect(name: str, base: str, own: str) -> str:
    if EFFECTS.index(own) < EFFECTS.index(base):
        raise _loosens(f"{name}.effect", f"is `{base}` in the policy that is extended and cannot become `{own}`")
    return own


def _subset(name: str, base: frozenset[T] | None, own: frozenset[T] | None) -> frozenset[T] | None:
    """What is allowed: only some of what is allowed already."""
    if base is None or own is None:
        return own if base is None else base
    if not own <= base:
        raise _loosens(name, "allows what the policy that is extended does not")
    return own


def _least(name: str, base: int | None, own: int | None) -> int | None:
    """How many there must be at least: as many, or more."""
    if base is None or own is None:
        return own if base is None else base
    if own < base:
        raise _loosens(name, f"is {base} in the policy that is extended and cannot become {own}")
    return own


def _joined(base: frozenset[T] | None, own: frozenset[T] | None) -> frozenset[T] | None:
    """What is denied or required: all of both."""
    if base is None or own is None:
        return own if base is None else base
    return base | own


def _source(base: Source, own: Source) -> Source:
    return Source(
        _effect("source", base.effect, own.effect),
        _subset("source.events", base.events, own.events),
        _subset("source.refs", base.refs, own.refs),
    )


def _time(base: Time, own: Time) -> Time:
    effect = _effect("time", base.effect, own.effect)
    if own.require_all:
        tighter = base.of <= own.of if base.require_all else bool(base.of & own.of)
    else:
        # Any of `own` is as good as all of `base` only where both are one and the same source.
        tighter = own.of <= base.of and (not base.require_all or (own.of == base.of and len(own.of) == 1))
    if not tighter:
        raise _loosens("time", "is content with less than the policy that is extended")
    return replace(own, effect=effect)


def _slsa(base: Slsa, own: Slsa) -> Slsa:
    if own.build < base.build:
        raise _loosens("slsa.build", f"is {base.build} in the policy that is extended and cannot become {own.build}")
    # A profile reviews nobody, and leaves that to the file; where somebody did, an extension adds nobody.
    return Slsa(
        _effect("slsa", base.effect, own.effect), own.build, _subset("slsa.builders", base.builders, own.builders)
    )


def _sbom(base: Sbom, own: Sbom) -> Sbom:
    effect = _effect("sbom", base.effect, own.effect)
    return Sbom(effect, _joined(base.formats, own.formats), _joined(base.required, own.required))


def _formats(base: Formats, own: Formats) -> Formats:
    return Formats(
        _effect("formats", base.effect, own.effect),
        base.deny | own.deny,
        _subset("formats.allowDigests", base.allowed, own.allowed),
        _subset("formats.customCode.allowDigests", base.allowed_code, own.allowed_code),
    )


def _licenses(base: Licenses, own: Licenses) -> Licenses:
    return Licenses(
        _effect("licenses", base.effect, own.effect),
        _subset("licenses.allow", base.allow, own.allow),
        _joined(base.deny, own.deny),
        base.of | own.of,
    )


def _datasets(base: Datasets, own: Datasets) -> Datasets:
    return Datasets(
        _effect("datasets", base.effect, own.effect),
        base.require_digest or own.require_digest,
        _joined(base.deny, own.deny),
        _joined(base.required, own.required),
    )


def _evaluations(base: Evaluations, own: Evaluations) -> Evaluations:
    if (base.signed, own.signed) == ("passed", "made"):
        raise _loosens("evaluations.testResult", "is `passed` in the policy that is extended and cannot become `made`")
    return Evaluations(
        _effect("evaluations", base.effect, own.effect),
        _joined(base.required, own.required),
        _word("evaluations.select", base.select, own.select, "any"),
        _word("evaluations.failed", base.failed, own.failed, "allow"),
        own.signed or base.signed,
    )


def _lineage(base: LineageSection, own: LineageSection) -> LineageSection:
    return LineageSection(
        _effect("lineage", base.effect, own.effect),
        _most("lineage.maxDepth", base.max_depth, own.max_depth),
        _word("lineage.none", base.none, own.none, "allow"),
        _subset("lineage.signers", base.signers, own.signers),
        _subset("lineage.verifiers", base.verifiers, own.verifiers),
    )


def _vsa(base: Vsa, own: Vsa) -> Vsa:
    if base.select not in (None, "any", own.select) and own.select is not None:
        raise _loosens(
            "vsa.select", f"is `{base.select}` in the policy that is extended and cannot become `{own.select}`"
        )
    merged = Vsa(
        _effect("vsa", base.effect, own.effect),
        _subset("vsa.verifiers", base.verifiers, own.verifiers) or own.verifiers,
        own.select or base.select,
        own.count or base.count,
        _most("vsa.maxAge", base.max_age, own.max_age),
        _subset("vsa.policyDigests", base.policy_digests, own.policy_digests),
        _joined(base.levels, own.levels),
    )
    if merged.needed < base.needed:
        raise _loosens("vsa", "is content with fewer verifiers than the policy that is extended")
    return merged


def _word(name: str, base: str | None, own: str | None, loose: str) -> str | None:
    """One of two words: the loose one is not to be had where the policy that is extended does not say it."""
    if own == loose and base != loose:
        raise _loosens(name, f"cannot become `{own}`")
    return own or base


def _most(name: str, base: int | None, own: int | None) -> int | None:
    """A bound from above: as large, or smaller."""
    if base is None or own is None:
        return own if base is None else base
    if own > base:
        raise _loosens(name, "is larger than in the policy that is extended")
    return own


def _age(base: Age, own: Age) -> Age:
    if own.max > base.max:
        raise _loosens("age.max", "is longer than in the policy that is extended")
    return Age(_effect("age", base.effect, own.effect), own.max)


def _revocation(base: Revocation, own: Revocation) -> Revocation:
    return stricter(base, own, _effect("revocation", base.effect, own.effect))


def _rules(base: tuple[Rule, ...], own: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return _added("rules", base, own)


def _rego(base: tuple[Module, ...], own: tuple[Module, ...]) -> tuple[Module, ...]:
    return _added("rego", base, own)


def _added(name: str, base: tuple[Hatch, ...], own: tuple[Hatch, ...]) -> tuple[Hatch, ...]:
    """Rules can only be added: whether one expression is stricter than another nobody can tell."""
    known = {entry.id: entry for entry in base}
    for entry in own:
        if known.get(entry.id, entry) != entry:
            raise _loosens(
                f"{name}.{entry.id}", "is another rule in the policy that is extended; give it an id of its own"
            )
    return (*base, *(entry for entry in own if entry.id not in known))


def _loosens(where: str, why: str) -> ModelProvenanceError:
    return ModelProvenanceError("policy.loosens", f"`{where}` {why}")


_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "source": _source,
    "time": _time,
    "slsa": _slsa,
    "sbom": _sbom,
    "formats": _formats,
    "licenses": _licenses,
    "datasets": _datasets,
    "evaluations": _evaluations,
    "lineage": _lineage,
    "vsa": _vsa,
    "age": _age,
    "revocation": _revocation,
    "rules": _rules,
    "rego": _rego,
}
