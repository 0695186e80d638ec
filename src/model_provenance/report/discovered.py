"""What lies in a registry, as a tree for people and as JSON."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.discovery import Attached, Discovered, Subject
from model_provenance.domain.text import shown
from model_provenance.formats.receipt import signer_value
from model_provenance.report.signer import signer_line
from model_provenance.report.units import plural

SCHEMA = "https://model-provenance.dev/schemas/discovery/v1"
_NOTE = "Found, not verified: `model-provenance verify oci://…` says what holds."


def discovered_text(found: Discovered) -> str:
    """A tree: the model index, its manifests, and below each what is attached."""
    lines = [shown(found.reference, 400)]
    for number, subject in enumerate(found.subjects):
        last = number == len(found.subjects) - 1
        lines.append(
            f"{'└─' if last else '├─'} {subject.kind} {subject.digest}  {plural(len(subject.attached), 'referrer')}"
        )
        stem = "   " if last else "│  "
        for place, each in enumerate(subject.attached):
            lines.append(f"{stem}{'└─' if place == len(subject.attached) - 1 else '├─'} {_line(each)}")
    return "\n".join([*lines, "", _NOTE]) + "\n"


def discovered_value(found: Discovered) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "schema": SCHEMA,
        "reference": found.reference,
        "verified": False,
        "subjects": [_subject_value(subject) for subject in found.subjects],
    }


def _subject_value(subject: Subject) -> dict[str, Any]:
    attached = [
        {
            "digest": str(each.digest),
            "artifact_type": each.artifact_type,
            "predicate_type": each.predicate_type,
            "signer": None if each.signer is None else signer_value(each.signer),
            "signed": each.signed,
            "problem": each.problem,
        }
        for each in subject.attached
    ]
    return {"kind": subject.kind, "digest": str(subject.digest), "attached": attached}


def _line(each: Attached) -> str:
    what = shown(each.predicate_type or each.artifact_type, 120)
    if each.problem is not None:
        return f"{what}  cannot be read: {shown(each.problem)}"
    who = "" if each.signer is None else f"  by {signer_line(each.signer)}"
    return f"{what}{who}" + (f"  {each.signed}" if each.signed else "")
