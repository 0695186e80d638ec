"""No denied dataset was used, every required one was, and each is named by its digest where that is asked.

A manifest that does not speak of datasets does not pass: else leaving a denied one unsaid would be the way past it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from typing import Any

from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown, unseen
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import DatasetPattern, Datasets

_SHOWN = 5
#: Letters and marks that take no place where they are shown (Unicode, DerivedCoreProperties.txt, Default_Ignorable_Code_Point),
#: beside the format characters.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def decide(section: Datasets, case: Case) -> Answer:
    """The datasets of the signed manifest."""
    datasets = case.verified.manifest.get("datasets")
    if datasets is None:
        fix = "Declare them in the source manifest; `datasets: []` says that there are none."
        return _refused(section, "the manifest does not say which datasets were used", "not said is not none", fix)
    if not _readable(datasets):
        fix = "Release again with a valid source manifest."
        return cannot_decide(
            "datasets", "the list of datasets cannot be read", "an entry has no name, or a wrong type", fix
        )
    for dataset in datasets:
        hit = denied_by(section.deny, dataset)
        if hit is not None:
            return _refused(
                section, f"{shown(dataset['name'])} was used", hit, "Train without it, and release that model."
            )
    nameless = [shown(dataset["name"], 60) for dataset in datasets if "digest" not in dataset]
    if section.require_digest and nameless:
        what = f"{', '.join(nameless[:_SHOWN])} has no digest" + (" and others" if len(nameless) > _SHOWN else "")
        fix = "Add `digest` to each dataset of the source manifest."
        return _refused(section, what, "a name alone does not say which data it was", fix)
    missing = sorted({str(d) for d in section.required or ()} - {dataset.get("digest") for dataset in datasets})
    if missing:
        return _refused(
            section, f"{missing[0]} was not used", "the policy requires it", "Train with the required data."
        )
    return passed("datasets", f"{len(datasets)} declared, none denied")


def _readable(datasets: Any) -> bool:
    return isinstance(datasets, list) and all(
        isinstance(d, dict) and isinstance(d.get("name"), str) and isinstance(d.get("digest", ""), str)
        for d in datasets
    )


def denied_by(deny: Iterable[DatasetPattern] | None, dataset: dict[str, Any]) -> str | None:
    """How the dataset is denied. A name is weaker than a digest, and says so: names are reused and misspelt."""
    digests, names = _denied(frozenset(deny or ()))
    if dataset.get("digest") in digests:
        return "its digest is denied"
    is_named = names is not None and names.match(_key(dataset["name"])) is not None
    return "its name is denied (by name alone)" if is_named else None


def _key(name: str) -> str:
    """Equal for names that look alike: in case, in width, in how an accent is written, in what is not seen at all."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return _UNSEEN.sub("", "".join(sign for sign in folded if unseen(sign) is None))


@lru_cache(maxsize=16)
def _denied(patterns: frozenset[DatasetPattern]) -> tuple[frozenset[str], re.Pattern[str] | None]:
    """Digests, and one expression for all names: hundreds of names meet hundreds of datasets."""
    digests = frozenset(str(pattern.digest) for pattern in patterns if pattern.digest is not None)
    names = sorted({_key(pattern.name) for pattern in patterns if pattern.name is not None})
    # `*` is the only sign with a meaning.
    literal = ("".join(f"[{sign}]" if sign in "?[" else sign for sign in name) for name in names)
    return digests, re.compile("|".join(map(translate, literal))) if names else None


def _refused(section: Datasets, what: str, why: str, fix: str) -> Answer:
    return refused("datasets", section.effect, what, why, fix)


GATE = Gate("datasets", "no denied dataset, every required one", lambda policy: policy.datasets, decide)
