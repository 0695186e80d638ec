"""No denied dataset was used, every required one was, and each is named by its digest where that is asked.

A manifest that does not speak of datasets does not pass: else leaving a denied one unsaid would be the way past it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import DatasetPattern, Datasets

_SHOWN = 5


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
        hit = next((how for pattern in section.deny or () if (how := denied_by(pattern, dataset)) is not None), None)
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


def denied_by(pattern: DatasetPattern, dataset: dict[str, Any]) -> str | None:
    """How the dataset is denied. A name is weaker than a digest, and says so: names are reused and misspelt."""
    if pattern.digest is not None:
        return "its digest is denied" if dataset.get("digest") == str(pattern.digest) else None
    name = "".join(f"[{c}]" if c in "?[" else c for c in (pattern.name or "").casefold())
    return "its name is denied (by name alone)" if fnmatchcase(dataset["name"].casefold(), name) else None


def _refused(section: Datasets, what: str, why: str, fix: str) -> Answer:
    return refused("datasets", section.effect, what, why, fix)


GATE = Gate("datasets", "no denied dataset, every required one", lambda policy: policy.datasets, decide)
