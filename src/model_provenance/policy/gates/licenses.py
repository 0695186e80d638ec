"""The licences of the model, and where asked of its base models and datasets, are allowed ones.

A licence is acceptable, denied, or unknown: not stated is a state of its own and never counts as allowed. Of `A OR B`
one part is enough, of `A AND B` both are needed; an exception (`WITH`) only permits more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.formats.licenses import expression_of
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import Licenses

_WORD = re.compile(r"[()]|[^\s()]+")
_SHOWN = 5


def decide(section: Licenses, case: Case) -> Answer:
    """Every licence that the manifest must state."""
    denied, unknown, count = [], [], 0
    for thing, written in _stated(section, case.verified.manifest):
        count += 1
        if written is None:
            unknown.append(f"{thing}: not stated")
            continue
        expression = expression_of(written) if isinstance(written, str) else None
        if expression is None:
            fix = "State it as an SPDX licence expression in the source manifest, and release again."
            return cannot_decide("licenses", f"the licence of {thing} cannot be read", "it is no SPDX expression", fix)
        if not _Choice(expression, section).is_acceptable():
            denied.append(f"{thing}: {shown(expression, 80)}")
    if denied or unknown:
        return refused(
            "licenses",
            section.effect,
            "; ".join([*denied, *unknown][:_SHOWN]),
            "the policy denies it" if denied else "a licence that is not known is not an allowed one",
            "Use what has an allowed licence; state licences in the source manifest.",
        )
    return passed("licenses", f"stated for {count} of {count}, all acceptable")


def _stated(section: Licenses, manifest: Any) -> Iterator[tuple[str, Any]]:
    """(what, licence or None); for a list that the manifest does not have, one entry without a licence."""
    if "model" in section.of:
        yield "model", manifest.get("license")
    if "base_model" in section.of:
        yield from _of_list("base model", _bases(manifest))
    if "datasets" in section.of:
        yield from _of_list("dataset", manifest.get("datasets"))


def _bases(manifest: Any) -> Any:
    """Every base model; None where none is named, which is not the same as that there is none."""
    tuned, merged = manifest.get("fine_tuned_from"), manifest.get("merged_from", [])
    if not isinstance(merged, list):
        return merged
    return ([] if tuned is None else [tuned]) + merged or None


def _of_list(what: str, entries: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(entries, list):
        yield what, entries
        return
    for entry in entries:
        name = entry.get("name", entry.get("model")) if isinstance(entry, dict) else None
        yield f"{what} {shown(str(name), 60)}", entry.get("license") if isinstance(entry, dict) else entry


class _Choice:
    """Recursive descent over an expression in its normal form, whose depth its own parser has bounded."""

    def __init__(self, expression: str, section: Licenses) -> None:
        self._words = _WORD.findall(expression)
        self._section = section

    def is_acceptable(self) -> bool:
        """Whether some choice of its parts is allowed and not denied."""
        result = self._all()
        while self._words and self._words[0] == "OR":
            self._words.pop(0)
            result = self._all() or result
        return result

    def _all(self) -> bool:
        result = self._one()
        while self._words and self._words[0] == "AND":
            self._words.pop(0)
            result = self._one() and result
        return result

    def _one(self) -> bool:
        word = self._words.pop(0)
        if word == "(":
            inner = self.is_acceptable()
            self._words.pop(0)
            return inner
        if self._words and self._words[0] == "WITH":
            del self._words[:2]
        allow, deny = self._section.allow, self._section.deny
        return (allow is None or word in allow) and word not in (deny or ())


GATE = Gate("licenses", "licences are known and allowed", lambda policy: policy.licenses, decide)
