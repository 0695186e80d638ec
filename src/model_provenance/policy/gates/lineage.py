"""Every base model, its base models, and so on, is backed: by evidence that was verified, or by a summary.

What was found for each of them comes with the case; here is decided whether that is enough. A base model is known by the
digest that its descendant's signed manifest gives: a name alone could be anybody's model.
"""

from __future__ import annotations

from collections.abc import Iterator

from model_provenance.domain.lineage import Ancestor, Backing, bases_of
from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.policy.document import Policy
from model_provenance.policy.gates.datasets import denied_by
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.vouching import LineageSection

_SHOWN = 5
_FIX = "Give the evidence of each base model with --base-evidence, or a summary of it with --accept-vsa."


def decide(section: LineageSection, case: Case) -> Answer:
    """The manifest's base models, and what stands behind each ancestor."""
    bases = bases_of(case.verified.manifest)
    if bases is None or len(bases) != sum(ancestor.depth == 1 for ancestor in case.lineage):
        what = "the base models of the manifest were not looked up"
        return cannot_decide("lineage", what, "nothing looked at is not a pass", "Verify the whole release.")
    if not bases:
        return _without(section)
    deep = [ancestor for ancestor in case.lineage if ancestor.backing is Backing.TOO_DEEP]
    if deep:
        return cannot_decide("lineage", _named(deep[0]), deep[0].why, "Raise `lineage.maxDepth`, or accept a summary.")
    loose = [ancestor for ancestor in case.lineage if not ancestor.is_backed]
    if loose:
        what = "; ".join(f"{_named(ancestor)}: {ancestor.why}" for ancestor in loose[:_SHOWN])
        why = "nobody whom the policy names speaks for this base model"
        return refused("lineage", section.effect, what, why, _FIX)
    denied = next(_denied(case.policy, case.lineage), None)
    if denied is not None:
        fix = "Start from a base model that was made without it."
        return refused("lineage", section.effect, denied, "the policy denies this dataset", fix)
    summaries = sum(ancestor.backing is Backing.SUMMARY for ancestor in case.lineage)
    by = f"{len(case.lineage) - summaries} by evidence, {summaries} by summaries"
    return passed("lineage", f"{len(case.lineage)} base models, backed {by}")


def _without(section: LineageSection) -> Answer:
    if section.none == "allow":
        return passed("lineage", "made from no other model, as who released it says")
    fix = "Name `fine_tuned_from` in the source manifest; a policy may say `none: allow` for models made from no other."
    return refused("lineage", section.effect, "the manifest names no base model", "not said is not none", fix)


def _denied(policy: Policy, lineage: tuple[Ancestor, ...]) -> Iterator[str]:
    deny = policy.datasets.deny if policy.datasets is not None else None
    for ancestor in lineage:
        for dataset in ancestor.manifest.get("datasets", ()):
            if denied_by(deny, dataset) is not None:
                yield f"{_named(ancestor)} was made with {shown(dataset['name'], 80)}"


def _named(ancestor: Ancestor) -> str:
    return f"{shown(ancestor.name, 80)} (generation {ancestor.depth})"


GATE = Gate("lineage", "every base model is backed", lambda policy: policy.lineage, decide)
