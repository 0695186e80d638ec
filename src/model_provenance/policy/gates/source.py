"""The run that signed was started by an event, and on a branch or tag, that may release."""

from __future__ import annotations

from fnmatch import fnmatchcase

from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.policy.gates.gate import Case, Gate, passed, refused
from model_provenance.policy.sections import Source

# Extensions of Fulcio's certificates (fulcio docs/oid-info.md).
_REF, _EVENT, _LEGACY_EVENT = 14, 20, 2


def decide(section: Source, case: Case) -> Answer:
    """Event and ref of the certificate; a key has neither."""
    signer = case.verified.signer
    event = signer.extension(_EVENT) or signer.extension(_LEGACY_EVENT)
    ref = signer.extension(_REF)
    if signer.method != "keyless" or (section.events and event is None) or (section.refs and ref is None):
        return refused(
            "source",
            section.effect,
            "the signature does not say which event started the run, or on which ref",
            "only the certificate of a CI job says so",
            "Release keylessly in CI.",
        )
    if section.events is not None and event not in section.events:
        return _refused(section, f"started by `{shown(event or '', 64)}`", ", ".join(sorted(section.events)))
    if section.refs is not None and not any(fnmatchcase(ref or "", _literal(pattern)) for pattern in section.refs):
        return _refused(section, f"run on `{shown(ref or '')}`", ", ".join(sorted(section.refs)))
    return passed("source", f"{shown(event or 'any event', 64)} on {shown(ref or 'any ref')}")


def _literal(pattern: str) -> str:
    """`*` is the only sign with a meaning; `?` and `[` stand for themselves."""
    return "".join(f"[{character}]" if character in "?[" else character for character in pattern)


def _refused(section: Source, what: str, allowed: str) -> Answer:
    fix = "Release from an event and a ref that the policy allows."
    return refused("source", section.effect, what, f"allowed are {shown(allowed, 400)}", fix)


GATE = Gate("source", "event and ref may release", lambda policy: policy.source, decide)
