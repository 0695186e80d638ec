"""`vocab.txt` and `vocab.json`: the vocabulary of tokenizers that have no `tokenizer.json`."""

from __future__ import annotations

from model_provenance.domain.facts import TokenizerFacts
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import JsonWalk
from model_provenance.readers.reading import Head, Reader, Reading, named, never

READS = ("number of tokens: lines of `vocab.txt`, members of `vocab.json`; files up to 32 MiB",)

_SIZE_LIMIT = 32 << 20


def _read(head: Head, cursor: Cursor) -> Reading:
    if cursor.size > _SIZE_LIMIT:
        raise ReaderError(f"it is {cursor.size} bytes, more than the {_SIZE_LIMIT} that are read")
    data = cursor.take(cursor.remaining)
    if head.suffix == ".json":
        walk = JsonWalk(data)
        tokens = walk.skip()
        if not walk.at_end() or not data.lstrip().startswith(b"{"):
            raise ReaderError("it is not one JSON object")
    else:
        tokens = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    return Reading({"tokens": tokens}, tokenizer=TokenizerFacts(None, tokens, None))


READER = Reader("vocabulary", "readers.tokenizer", READS, never, named("vocab.txt", "vocab.json"), _read)
