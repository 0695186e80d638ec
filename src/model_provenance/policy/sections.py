"""The sections of a policy that gates decide by: frozen values, and how each is read from the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from model_provenance.domain.digest import Digest
from model_provenance.domain.parts import PARTS
from model_provenance.formats.licenses import expression_of
from model_provenance.formats.slsa_level import ReviewedBuilder
from model_provenance.policy.reading import Node

_WORKFLOW = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+/\.github/workflows/[A-Za-z0-9._-]+\.ya?ml")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
#: Whether a failed gate denies or only warns. A gate that cannot decide is an ERROR with either.
EFFECTS = ("warn", "deny")
TIME_SOURCES = ("rekor", "tsa")
SBOM_FORMATS = ("spdx", "cyclonedx")
COMPONENTS = (*PARTS, "base_model")
FORMAT_KINDS = ("pickle", "torch_bin", "keras", "native")
LICENSED = ("model", "base_model", "datasets")


@dataclass(frozen=True, slots=True)
class Section:
    """What every section has."""

    effect: str


@dataclass(frozen=True, slots=True)
class Source(Section):
    """Which events and refs may release; `*` in a ref stands for any characters."""

    events: frozenset[str] | None
    refs: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Time(Section):
    """What must show when it was signed: any or all of a log and a trusted timestamp."""

    require_all: bool
    of: frozenset[str]


@dataclass(frozen=True, slots=True)
class Slsa(Section):
    """The least SLSA build level, and builders that whoever wrote the policy has reviewed."""

    build: int
    builders: frozenset[ReviewedBuilder] | None = None


@dataclass(frozen=True, slots=True)
class Sbom(Section):
    """SBOM formats that must be there, and parts that the model must have."""

    formats: frozenset[str] | None
    required: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Formats(Section):
    """Kinds of file that are denied, but for those with these digests."""

    deny: frozenset[str]
    allowed: frozenset[Digest] | None
    allowed_code: frozenset[Digest] | None


@dataclass(frozen=True, slots=True)
class Licenses(Section):
    """Licence identifiers that are allowed or denied, for which things."""

    allow: frozenset[str] | None
    deny: frozenset[str] | None
    of: frozenset[str]


@dataclass(frozen=True, slots=True)
class DatasetPattern:
    """A dataset by its name (`*` for any characters, case ignored) or by its digest."""

    name: str | None = None
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Datasets(Section):
    """Datasets that must not, or must, have been used."""

    require_digest: bool
    deny: frozenset[DatasetPattern] | None
    required: frozenset[Digest] | None


@dataclass(frozen=True, slots=True)
class Age(Section):
    """The greatest age of a signature, in seconds."""

    max: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A test or evaluation that must have been made, and what must have come out of it."""

    name: str
    metric: str | None
    dataset: str | None
    #: `passed` by a bound, the manifest's or that of this entry; `declared`: the releaser's word is enough; `measured`: a value.
    result: str | None
    at_least: Decimal | None
    at_most: Decimal | None


@dataclass(frozen=True, slots=True)
class Evaluations(Section):
    """Evaluations that must have been made; of several of one name all must hold, or any of them."""

    required: frozenset[Evaluation] | None
    #: `all` (where nothing is said) or `any`.
    select: str | None
    #: `deny` (where nothing is said): one evaluation that failed is enough to deny; or `allow`.
    failed: str | None
    #: `passed`: a signed test result must say PASSED; `made`: one must be there. None where none is asked for.
    signed: str | None = None


def read_source(node: Node) -> Source:
    """`source: {events, refs}`."""
    keys = keys_of(node, "events", "refs")
    return Source(effect_of(keys), _texts(keys, "events"), _texts(keys, "refs"))


def read_time(node: Node) -> Time:
    """`time: {require: anyOf|allOf, of: [rekor, tsa]}`."""
    keys = keys_of(node, "require", "of", needed=("require", "of"))
    of = keys["of"].texts(lambda entry: entry.one_of(TIME_SOURCES))
    return Time(effect_of(keys), keys["require"].one_of(("anyOf", "allOf")) == "allOf", of)


def _builder(node: Node) -> ReviewedBuilder:
    """A reusable workflow of GitHub, at exactly these commits."""
    keys = node.mapping("workflow", "commits")
    if keys.keys() != {"workflow", "commits"}:
        node.fail("a reviewed builder has a `workflow`, OWNER/REPO/PATH, and the `commits` that were reviewed")
    if not _WORKFLOW.fullmatch(keys["workflow"].text()):
        keys["workflow"].fail("this is no OWNER/REPO/.github/workflows/FILE")
    return ReviewedBuilder(f"https://github.com/{keys['workflow'].text()}", keys["commits"].texts(_commit))


def _commit(node: Node) -> str:
    if not _COMMIT.fullmatch(node.text()):
        node.fail("a commit is 40 or 64 lower-case hex digits: a tag or a branch could be moved after the review")
    return node.text()


def read_slsa(node: Node) -> Slsa:
    """`slsa: {build: 1|2|3, builders: [{workflow: OWNER/REPO/PATH, commits: [HEX]}]}`."""
    keys = keys_of(node, "build", "builders", needed=("build",))
    builders = keys["builders"].texts(_builder) if "builders" in keys else None
    return Slsa(effect_of(keys), keys["build"].number(1, 3), builders)


def read_sbom(node: Node) -> Sbom:
    """`sbom: {formats, requiredComponents}`."""
    keys = keys_of(node, "formats", "requiredComponents")
    formats = keys["formats"].texts(lambda e: e.one_of(SBOM_FORMATS)) if "formats" in keys else None
    required = (
        keys["requiredComponents"].texts(lambda e: e.one_of(COMPONENTS)) if "requiredComponents" in keys else None
    )
    return Sbom(effect_of(keys), formats, required)


def read_formats(node: Node) -> Formats:
    """`formats: {deny, allowDigests, customCode: {allowDigests}}`; code is denied but for these digests."""
    keys = keys_of(node, "deny", "allowDigests", "customCode")
    deny = keys["deny"].texts(lambda e: e.one_of(FORMAT_KINDS)) if "deny" in keys else frozenset()
    code = keys["customCode"].mapping("allowDigests") if "customCode" in keys else {}
    return Formats(effect_of(keys), deny, digests_of(keys, "allowDigests"), digests_of(code, "allowDigests"))


def read_licenses(node: Node) -> Licenses:
    """`licenses: {allow, deny, of, unknown: deny}`."""
    keys = keys_of(node, "allow", "deny", "of", "unknown")
    if "unknown" in keys:
        # Were an unknown licence let through, leaving a denied one unsaid would be the way past this gate.
        keys["unknown"].one_of(("deny",))
    of = keys["of"].texts(lambda e: e.one_of(LICENSED)) if "of" in keys else frozenset(("model",))
    return Licenses(effect_of(keys), _licenses(keys, "allow"), _licenses(keys, "deny"), of)


def read_datasets(node: Node) -> Datasets:
    """`datasets: {requireDigest, deny: [{name}|{digest}], required: [digest]}`."""
    keys = keys_of(node, "requireDigest", "deny", "required")
    deny = keys["deny"].texts(_pattern) if "deny" in keys else None
    flag = keys["requireDigest"].flag() if "requireDigest" in keys else False
    return Datasets(effect_of(keys), flag, deny, digests_of(keys, "required"))


def read_age(node: Node) -> Age:
    """`age: {max: 180d}`."""
    keys = keys_of(node, "max", needed=("max",))
    return Age(effect_of(keys), keys["max"].seconds())


def read_evaluations(node: Node) -> Evaluations:
    """`evaluations: {required: [{name, metric, dataset, result, min, max}], select, failed, testResult: passed|made}`."""
    keys = keys_of(node, "required", "select", "failed", "testResult")
    required = keys["required"].texts(_evaluation) if "required" in keys else None
    select = keys["select"].one_of(("all", "any")) if "select" in keys else None
    failed = keys["failed"].one_of(("deny", "allow")) if "failed" in keys else None
    signed = keys["testResult"].one_of(("passed", "made")) if "testResult" in keys else None
    return Evaluations(effect_of(keys), required, select, failed, signed)


def _evaluation(node: Node) -> Evaluation:
    keys = node.mapping("name", "metric", "dataset", "result", "min", "max")
    if "name" not in keys:
        node.fail("an evaluation has a `name`")
    metric, dataset = (keys[key].text() if key in keys else None for key in ("metric", "dataset"))
    result = keys["result"].one_of(("passed", "measured", "declared")) if "result" in keys else None
    low, high = (keys[key].decimal() if key in keys else None for key in ("min", "max"))
    if low is not None and high is not None and low > high:
        node.fail("`min` is above `max`, so nothing could hold")
    return Evaluation(keys["name"].text(), metric, dataset, result, low, high)


def keys_of(node: Node, *known: str, needed: tuple[str, ...] = ()) -> dict[str, Node]:
    """The keys of a section: those that are known, `effect`, and all that are needed."""
    keys = node.mapping(*known, "effect")
    for key in needed:
        if key not in keys:
            node.fail(f"`{key}` is missing")
    if not keys.keys() - {"effect"}:
        node.fail("the section says nothing")
    return keys


def effect_of(keys: dict[str, Node]) -> str:
    """`effect`, or `deny` where it is not said."""
    return keys["effect"].one_of(EFFECTS) if "effect" in keys else "deny"


def _texts(keys: dict[str, Node], key: str) -> frozenset[str] | None:
    return keys[key].texts(Node.text) if key in keys else None


def digests_of(keys: dict[str, Node], key: str) -> frozenset[Digest] | None:
    """A list of distinct digests; None where there is none."""
    return keys[key].texts(Node.digest) if key in keys else None


def _licenses(keys: dict[str, Node], key: str) -> frozenset[str] | None:
    return keys[key].texts(_license) if key in keys else None


def _license(node: Node) -> str:
    """One identifier: an expression in a list would leave open which part of it is meant."""
    identifier = expression_of(node.text())
    if identifier is None or " " in identifier:
        node.fail("this is not one SPDX licence identifier")
    return identifier


def _pattern(node: Node) -> DatasetPattern:
    keys = node.mapping("name", "digest")
    if len(keys) != 1:
        node.fail("a denied dataset has a `name` or a `digest`; write two entries for both")
    if "digest" in keys:
        return DatasetPattern(digest=keys["digest"].digest())
    return DatasetPattern(name=keys["name"].text())
