"""The remembered heads of one log, as a file: signed notes, which prove themselves, and when each was seen to be signed for."""

from __future__ import annotations

import json
from collections.abc import Sequence

from model_provenance.domain.tree_head import TreeHead
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.checkpoint import tree_of

#: Heads that are kept of one log, of some fifty releases; the one that was kept first goes first. All are read each time.
HEADS_LIMIT = 256
#: Characters of a note with one signature: an RSA key of 4096 bits needs 700, an origin 100.
NOTE_LIMIT = 1024
#: Bytes of a file with as many of the longest notes, each character of them escaped, and an origin as long.
FILE_LIMIT = (HEADS_LIMIT + 1) * (6 * NOTE_LIMIT + 256)
_LAST_SECOND = 253402300799


def heads_document(heads: Sequence[TreeHead]) -> bytes:
    """The file of one log, from at least one head of it; only the newest that fit."""
    log, origin = heads[0].tree
    kept = [{"note": head.note, "time": head.time} for head in heads[-HEADS_LIMIT:]]
    return canonical({"log": log, "origin": origin, "heads": kept})


def parse_heads(data: bytes, tree: tuple[str, str], place: str) -> tuple[TreeHead, ...]:
    """The heads in a file that must be about `tree`; signatures are not verified. Raises `log.memory`."""
    try:
        value = json.loads(data) if len(data) <= FILE_LIMIT else {}
        if set(value) != {"log", "origin", "heads"} or (value["log"], value["origin"]) != tree:
            raise ValueError("another log")  # noqa: TRY301 - one way out for all that is wrong
        return tuple(_head(item, tree, place) for item in value["heads"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ModelProvenanceError) as error:
        message = "what was remembered of a log is not what was written there"
        raise ModelProvenanceError("log.memory", message, location=place) from error


def _head(item: dict[str, object], tree: tuple[str, str], place: str) -> TreeHead:
    note, time = item["note"], item["time"]
    is_moment = time is None or (isinstance(time, int) and not isinstance(time, bool) and 0 <= time <= _LAST_SECOND)
    if set(item) != {"note", "time"} or not isinstance(note, str) or not is_moment:
        raise ValueError("no head")
    origin, size, root = tree_of(note)
    if origin != tree[1]:
        raise ValueError("a head of another tree")
    return TreeHead(*tree, size, root.hex(), note, time if isinstance(time, int) else None, place)
