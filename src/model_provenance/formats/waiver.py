"""A waiver as a signed statement (`waiver/v1`): one gate, one model, a reason, a ticket and an end."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Statement, Subject, SubjectKind
from model_provenance.domain.moment import DAY, parse_day
from model_provenance.domain.policy import Waiver
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.intoto import ParsedStatement, statement

_KEYS = ("gate", "digest", "reason", "approver", "ticket", "expiry")
_TEXT_LIMIT = 1000


def waiver_statement(waiver: Waiver) -> Statement:
    """The statement to sign; its subject is the model digest. Raises `policy.waiver` for what could not be read again."""
    values = (waiver.gate, str(waiver.digest), waiver.reason, waiver.approver, waiver.ticket, waiver.expiry)
    predicate = dict(zip(_KEYS, values, strict=True))
    waiver_of(predicate)
    payload = statement([Subject(SubjectKind.OMS_ROOT, waiver.digest)], Predicate.WAIVER, predicate)
    return Statement("waiver", Predicate.WAIVER, payload)


def parse_waiver(parsed: ParsedStatement) -> Waiver:
    """Read a signed waiver, strictly; raises `policy.waiver`."""
    waiver = waiver_of(parsed.predicate)
    if parsed.subject_digests(SubjectKind.OMS_ROOT.value) != {waiver.digest.hex} or len(parsed.subjects) != 1:
        raise _malformed("its subject is not the model that it names")
    return waiver


def waiver_of(value: Any) -> Waiver:
    """A waiver from its predicate; every key is there and none else."""
    if not isinstance(value, dict) or set(value) != set(_KEYS):
        raise _malformed(f"it does not have exactly {', '.join(_KEYS)}")
    for key in _KEYS:
        text = value[key]
        if not isinstance(text, str) or not 0 < len(text) <= _TEXT_LIMIT or not text.isprintable():
            raise _malformed(f"its `{key}` is not a line of text")
    try:
        digest = Digest.parse(value["digest"])
    except ValueError as error:
        raise _malformed(str(error)) from error
    return Waiver(
        value["gate"],
        digest,
        value["reason"],
        value["approver"],
        value["ticket"],
        value["expiry"],
        _end(value["expiry"]),
    )


def _end(text: str) -> int:
    """Unix seconds of the end of the last day, in UTC."""
    begins = parse_day(text)
    if begins is None:
        raise _malformed("its `expiry` is not a date like 2027-06-30")
    return begins + DAY


def _malformed(why: str) -> ModelProvenanceError:
    return ModelProvenanceError("policy.waiver", f"the waiver cannot be used: {why}")
