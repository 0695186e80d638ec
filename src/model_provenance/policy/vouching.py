"""The sections of a policy that rely on somebody's word: who may speak for base models, and whose summaries count."""

from __future__ import annotations

from dataclasses import dataclass

from model_provenance.policy.reading import Node
from model_provenance.policy.sections import Section, digests_of, effect_of, keys_of
from model_provenance.policy.signers import PolicySigner, Signers, Verifier

#: A summary of these counts: of one verifier, of each that is named, or of one whose newest says so.
SELECTIONS = ("any", "all", "newest")
_DEPTH = 5
#: No policy looks further; every generation is a set of signatures to verify.
DEPTH_LIMIT = 16


@dataclass(frozen=True, slots=True)
class LineageSection(Section):
    """Base models, theirs, and so on, must be backed by evidence or by a summary."""

    max_depth: int | None
    #: `allow`: a model passes that names no base model, on the word of who released it.
    none: str | None
    #: Who may have released base models; None where those are whom `signers` names.
    signers: frozenset[PolicySigner] | None
    verifiers: frozenset[Verifier] | None

    @property
    def depth(self) -> int:
        """How many generations are looked at."""
        return self.max_depth or _DEPTH


@dataclass(frozen=True, slots=True)
class Vsa(Section):
    """Verification summaries of the model that there must be."""

    verifiers: frozenset[Verifier]
    select: str | None
    #: How many distinct verifiers; None where one is enough.
    count: int | None
    max_age: int | None
    policy_digests: frozenset[str] | None
    levels: frozenset[str] | None

    @property
    def needed(self) -> int:
        """How many distinct verifiers it takes."""
        return len(self.verifiers) if self.select == "all" else self.count or 1


def read_lineage(node: Node, named: Signers) -> LineageSection:
    """`lineage: {baseModel: verified, maxDepth, none: deny|allow, signers, verifiers}`."""
    keys = keys_of(node, "baseModel", "maxDepth", "none", "signers", "verifiers", needed=("baseModel",))
    keys["baseModel"].one_of(("verified",))
    return LineageSection(
        effect_of(keys),
        keys["maxDepth"].number(1, DEPTH_LIMIT) if "maxDepth" in keys else None,
        keys["none"].one_of(("deny", "allow")) if "none" in keys else None,
        named.listed(keys["signers"]) if "signers" in keys else None,
        named.verifiers(keys["verifiers"]) if "verifiers" in keys else None,
    )


def read_vsa(node: Node, named: Signers) -> Vsa:
    """`vsa: {verifiers: [{id, …}], select: any|all|newest, count, maxAge, policyDigests, levels}`."""
    keys = keys_of(node, "verifiers", "select", "count", "maxAge", "policyDigests", "levels", needed=("verifiers",))
    verifiers = named.verifiers(keys["verifiers"])
    select = keys["select"].one_of(SELECTIONS) if "select" in keys else None
    if "count" in keys and select == "all":
        node.fail("`select: all` asks every verifier; leave `count` out")
    if select == "newest" and "maxAge" not in keys:
        # Whoever hides the newest summary brings back the one before; only its age ends that.
        node.fail("`select: newest` needs `maxAge`")
    digests = digests_of(keys, "policyDigests")
    return Vsa(
        effect_of(keys),
        verifiers,
        select,
        keys["count"].number(1, len(verifiers)) if "count" in keys else None,
        keys["maxAge"].seconds() if "maxAge" in keys else None,
        None if digests is None else frozenset(map(str, digests)),
        keys["levels"].texts(Node.text) if "levels" in keys else None,
    )
