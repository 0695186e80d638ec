"""Small configurations that are kept whole, within bounds: `generation_config.json`, sentence-transformers' own."""

from __future__ import annotations

from model_provenance.readers.bounds import plain
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.json_text import small_object
from model_provenance.readers.reading import Head, Reader, Reading, named, never

READS = ("every setting, bounded: sampling of `generation_config.json`, lengths and pooling of sentence-transformers",)

_SIZE_LIMIT = 1 << 20
_SENTENCE_TRANSFORMERS = ("config_sentence_transformers.json", "sentence_bert_config.json")


def _read(_head: Head, cursor: Cursor) -> Reading:
    return Reading({"settings": plain(small_object(cursor, _SIZE_LIMIT))})


READERS: tuple[Reader, ...] = (
    Reader("generation-config", "readers.config", READS, never, named("generation_config.json"), _read),
    Reader("sentence-transformers-config", "readers.config", READS, never, named(*_SENTENCE_TRANSFORMERS), _read),
)
