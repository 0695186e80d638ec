"""A status snapshot as a signed statement (`status/v1`): the whole list, its number, and the digests of those before it."""

from __future__ import annotations

import re
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.moment import parse_rfc3339, rfc3339
from model_provenance.domain.status import Entry, Snapshot
from model_provenance.formats.intoto import ParsedStatement, named_statement
from model_provenance.formats.revocation import entry_of, entry_value, fail

#: Snapshots before it that one names: three years of daily ones.
HISTORY = 1100
_ENTRIES = 200_000
_KEYS = frozenset({"list", "seq", "thisUpdate", "nextUpdate", "previous", "entries"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,199}")
_LAST_SEQ = 2**40


def snapshot_statement(
    name: str, seq: int, *, this_update: int, next_update: int, previous: tuple[Digest, ...], entries: tuple[Entry, ...]
) -> Statement:
    """The statement to sign; times are Unix seconds. Raises `status.malformed` for what could not be read again."""
    value = {
        "list": name,
        "seq": seq,
        "thisUpdate": rfc3339(this_update),
        "nextUpdate": rfc3339(next_update),
        "previous": [str(digest) for digest in previous[:HISTORY]],
        "entries": [entry_value(entry) for entry in entries],
    }
    _snapshot_of(value, Digest.of(b""))
    payload = named_statement([_subject(name)], Predicate.STATUS, value)
    return Statement("status", Predicate.STATUS, payload)


def parse_snapshot(parsed: ParsedStatement) -> Snapshot:
    """Read a signed snapshot, strictly; raises `status.malformed`."""
    snapshot = _snapshot_of(parsed.predicate, Digest.of(parsed.payload))
    name, digest = _subject(snapshot.list)
    if [(subject, dict(digests)) for subject, digests in parsed.subjects] != [(name, {"sha256": digest})]:
        fail("its subject is not the list that it names")
    return snapshot


def _subject(name: str) -> tuple[str, str]:
    """The list itself, which stays the same thing while its content changes."""
    return "status-list", Digest.of(name.encode()).hex


def _snapshot_of(value: Any, digest: Digest) -> Snapshot:
    if not isinstance(value, dict) or value.keys() != _KEYS:
        fail(f"a snapshot does not have exactly {', '.join(sorted(_KEYS))}")
    name, seq = value["list"], value["seq"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        fail("the name of the list is not of a-z, 0-9, '.', '_', '-', '/'")
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 < seq < _LAST_SEQ:
        fail("`seq` is not a number from 1")
    this_update, next_update = parse_rfc3339(value["thisUpdate"]), parse_rfc3339(value["nextUpdate"])
    if this_update is None or next_update is None or next_update <= this_update:
        fail("`thisUpdate` and `nextUpdate` are not two moments, the second one later")
    previous = _previous(value["previous"], seq)
    if not isinstance(value["entries"], list) or len(value["entries"]) > _ENTRIES:
        fail(f"`entries` is not a list of at most {_ENTRIES}")
    entries = tuple(entry_of(entry) for entry in value["entries"])
    if len({entry.key for entry in entries}) != len(entries):
        fail("two entries are about the same thing")
    return Snapshot(name, seq, this_update, next_update, previous, entries, digest)


def _previous(value: Any, seq: int) -> tuple[Digest, ...]:
    """All that came before, as far as it is kept: a gap would hide that the list was rolled back."""
    if not isinstance(value, list) or len(value) != min(seq - 1, HISTORY):
        fail("`previous` does not name every snapshot before this one")
    try:
        return tuple(Digest.parse(text) for text in value)
    except (TypeError, ValueError):
        fail("`previous` holds something that is no digest")
