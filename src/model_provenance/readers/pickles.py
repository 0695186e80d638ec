"""Bare pickles, also the PyTorch files of before 1.6: what they would import if they were loaded. Never loaded here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model_provenance.domain.facts import Inspection
from model_provenance.domain.finding import warned
from model_provenance.domain.text import shown
from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.pickle_walk import TOO_LONG, PickleWalk, walk
from model_provenance.readers.reading import Head, Reader, Reading

READS = (
    "opcodes, without running any: the imports of every pickle in the file, by protocol 0 to 5",
    "`can_execute_code`: whether an import is not on the allow-list, is computed, or the walk ended early",
)

CODE = "readers.pickle"
#: torch.save before the zip format: magic number, protocol, system, object and storage keys, then raw storages.
_TORCH_LEGACY = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
_TORCH_LEGACY_PICKLES = 5
_ALWAYS_PICKLES = frozenset((".pkl", ".pickle", ".pt", ".pth", ".joblib", ".dill"))
#: Names that pickles share with raw weights of other tools; without a trace of a pickle they are left alone.
_SOMETIMES_PICKLES = frozenset((".bin", ".ckpt"))
_TORCH_NAMES = frozenset((".pt", ".pth", ".bin", ".ckpt"))
#: Opcodes of a pickle that raw weights begin with by chance: the first byte is its end.
_CHANCE = 1
_KEPT = 64
_NAME_LENGTH = 200


def is_pickle(data: bytes) -> bool:
    """Whether the first bytes are those of protocol 2 or later."""
    return len(data) > 2 and data[0] == 0x80 and 2 <= data[1] <= 5  # noqa: PLR2004 - the protocol numbers


def pickle_details(found: PickleWalk) -> dict[str, Any]:
    """What was found, bounded; `can_execute_code` is never followed by "safe"."""
    imports = sorted(name[0] if name == TOO_LONG else ".".join(name) for name in found.imports)
    details: dict[str, Any] = {
        "can_execute_code": why_it_executes(found) is not None,
        "imports": [text(name, _NAME_LENGTH) for name in imports[:_KEPT]],
        "import_count": len(imports),
        "outside_allow_list": [text(name, _NAME_LENGTH) for name in found.outside[:_KEPT]],
    }
    return details


def why_it_executes(found: PickleWalk) -> str | None:
    """The reason in a person's words, None where there is none."""
    if found.outside:
        names = ", ".join(shown(name, 80) for name in found.outside[:5])
        return f"it imports {names}" + (f" and {len(found.outside) - 5} more" if len(found.outside) > 5 else "")  # noqa: PLR2004
    return None if found.problem is None else "it is a pickle that cannot be followed to its end"


def _read(head: Head, cursor: Cursor) -> Reading:
    legacy = head.data.startswith(_TORCH_LEGACY)
    found = PickleWalk()
    walk(cursor, found, _TORCH_LEGACY_PICKLES if legacy else None)
    if (
        not legacy
        and found.problem is None
        and cursor.remaining
        and head.suffix in _TORCH_NAMES
        and found.opcodes > _CHANCE
    ):
        # torch compares its magic number by value: written otherwise, four more pickles follow, of any protocol.
        found.bounded, found.problem = (
            True,
            f"{cursor.remaining} bytes follow its last pickle, which may be pickles of torch",
        )
    if (
        found.problem is not None
        and not found.bounded
        and not found.imports
        and not is_pickle(head.data)
        and head.suffix in _SOMETIMES_PICKLES
    ):
        return Reading(inspection=Inspection.NOT_INSPECTED, format="other")
    details = {**pickle_details(found), "protocol": found.protocol, "pickles": found.pickles}
    if found.bounded:
        details["bounded"] = True
    if cursor.remaining and found.problem is None:
        details["bytes_after_pickles"] = cursor.remaining
    reading = Reading(details, format="pytorch-legacy" if legacy else None, executes=why_it_executes(found))
    return reading if found.problem is None else _unreadable(head, reading, found.problem)


def _unreadable(head: Head, reading: Reading, problem: str) -> Reading:
    """The same facts, marked as not followed to the end, with the finding that says so."""
    finding = warned(
        CODE,
        f"{shown(head.path)} is a pickle that cannot be followed to its end: {problem}",
        location=head.path,
    )
    return replace(reading.with_finding(finding), inspection=Inspection.UNREADABLE)


def _by_bytes(head: Head) -> bool:
    return is_pickle(head.data)


def _by_name(head: Head) -> bool:
    return head.suffix in _ALWAYS_PICKLES or head.suffix in _SOMETIMES_PICKLES


READER = Reader("pickle", CODE, READS, _by_bytes, _by_name, _read, "a pickle that runs code")
