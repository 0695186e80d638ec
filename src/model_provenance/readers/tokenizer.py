"""`tokenizer.json` (Hugging Face tokenizers): type and vocabulary size, without building the vocabulary."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.facts import TokenizerFacts
from model_provenance.readers.bounds import plain, text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import JsonWalk
from model_provenance.readers.reading import Head, Reader, Reading, named, never

READS = (
    "model type (BPE, WordPiece, Unigram, WordLevel), vocabulary size with added tokens, number of added tokens",
    "normaliser and pre-tokeniser types; files up to 36 MiB",
)

_SIZE_LIMIT = 36 << 20
_PART_LIMIT = 2 << 20
_STAGES = ("normalizer", "pre_tokenizer", "post_processor", "decoder")


def _read(_head: Head, cursor: Cursor) -> Reading:
    if cursor.size > _SIZE_LIMIT:
        raise ReaderError(f"it is {cursor.size} bytes, more than the {_SIZE_LIMIT} that are read")
    walk = JsonWalk(cursor.take(cursor.remaining))
    details: dict[str, Any] = {}
    added: Any = []
    for key in walk.members():
        if key == "model":
            details |= _model(walk)
        elif key == "added_tokens":
            added = walk.value(_PART_LIMIT)
        elif key in _STAGES:
            details[key] = _stage(walk.value(_PART_LIMIT))
        elif key == "version":
            details[key] = plain(walk.value(1024))
        else:
            walk.skip()
    if not walk.at_end():
        raise ReaderError(f"it goes on after its end, at byte {walk.position}")
    if isinstance(added, list) and added:
        details["added_tokens"] = len(added)
    size = _vocabulary_size(details.get("vocabulary"), added)
    details = {key: value for key, value in details.items() if value is not None}
    return Reading(details, tokenizer=TokenizerFacts(details.get("model_type"), size, None))


def _model(walk: JsonWalk) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in walk.members():
        if key == "type":
            found["model_type"] = text(walk.value(1024))
        elif key == "vocab":
            # `{"token": 0}`, or `[["token", -1.5]]`: one string per token either way.
            found["vocabulary"] = walk.skip()
        else:
            walk.skip()
    return found


def _stage(value: Any) -> str | list[str | None] | None:
    """The type of one stage; for a sequence, the types in it."""
    if not isinstance(value, dict):
        return None
    for key in ("normalizers", "pretokenizers", "processors", "decoders"):
        parts = value.get(key)
        if isinstance(parts, list):
            return [text(part.get("type")) for part in parts[:16] if isinstance(part, dict)]
    return text(value.get("type"))


def _vocabulary_size(base: int | None, added: Any) -> int | None:
    """Tokens of the model and those added behind them; added ones that the model has already are not counted twice."""
    if base is None:
        return None
    ids = {token.get("id") for token in added if isinstance(token, dict)} if isinstance(added, list) else set()
    return base + sum(isinstance(number, int) and number >= base for number in ids)


READER = Reader("tokenizer", "readers.tokenizer", READS, never, named("tokenizer.json"), _read)
