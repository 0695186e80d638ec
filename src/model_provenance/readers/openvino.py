"""OpenVINO IR (net.xml beside its .bin): name and version of the network. The document is never parsed as XML.

XML parsers expand entities; the two attributes that are read stand in the first tag, which a pattern finds.
"""

from __future__ import annotations

import re

from model_provenance.domain.facts import Inspection
from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.reading import Head, Reader, Reading, never

READS = ("recognised by its first tag; name and IR version of the network",)

_HEAD_LIMIT = 4096
_TAG = re.compile(rb"<net(?:\s[^<>]*)?>")
_ATTRIBUTE = re.compile(rb"""\s(name|version)\s*=\s*["']([^"'<>]{0,512})["']""")


def _read(_head: Head, cursor: Cursor) -> Reading:
    tag = _TAG.search(cursor.peek(_HEAD_LIMIT))
    if tag is None:
        raise ReaderError(f"its first tag does not end within {_HEAD_LIMIT} bytes")
    found = {key.decode(): text(value.decode("utf-8", "replace")) for key, value in _ATTRIBUTE.findall(tag[0])}
    names = {"name": "network", "version": "ir_version"}
    details = {names[key]: value for key, value in sorted(found.items()) if value}
    return Reading({"compiled": True, **details}, Inspection.RECOGNISED)


def _by_bytes(head: Head) -> bool:
    return head.suffix == ".xml" and head.data.lstrip().startswith(b"<") and b"<net " in head.data


READER = Reader("openvino-ir", "readers.unreadable", READS, _by_bytes, never, _read)
