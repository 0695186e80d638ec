"""Documents that people write, JSON or YAML, read with the place of every key and value.

YAML is read with JSON's types: `true`, `false`, `null` and integers; every other plain scalar is the text as written
(so `1.10`, `2026-11-23` and `no` stay what they are). A JSON number with a fraction or exponent keeps its spelling.
"""

from __future__ import annotations

from model_provenance.domain.text import shown
from model_provenance.formats.located import Located, Place

#: Bytes of a file.
SIZE_LIMIT = 1_000_000


def load_located(data: bytes, file_name: str) -> Located:
    """Parse JSON or YAML by the file's extension, else by its first character.

    Raises `manifest.encoding`, `manifest.limit`, `manifest.syntax`, `manifest.key` or `manifest.yaml` for what ends the
    parse; what does not end it is in `problems`.
    """
    document = Located(shown(file_name))
    text = _text(data, document)
    if _is_json(text, file_name):
        from model_provenance.formats.located_json import parse_json  # noqa: PLC0415 - one of the two is needed

        parse_json(text, document)
    else:
        from model_provenance.formats.located_yaml import parse_yaml  # noqa: PLC0415 - PyYAML takes 40 ms to import

        parse_yaml(text, document)
    return document


def _text(data: bytes, document: Located) -> str:
    start = Place(1, 1)
    if len(data) > SIZE_LIMIT:
        raise document.stop("manifest.limit", f"the manifest is {len(data)} bytes, more than {SIZE_LIMIT}", start)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise document.stop("manifest.encoding", "the manifest is UTF-16, not UTF-8", start)
    if data.startswith(b"\xef\xbb\xbf"):
        document.problem("manifest.encoding", "the manifest starts with a byte order mark", start)
        data = data[3:]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        message = f"the manifest is not UTF-8: byte {data[error.start]:#04x} cannot stand here"
        raise document.stop("manifest.encoding", message, Place(line, column)) from error
    if not text.strip():
        raise document.stop("manifest.syntax", "the manifest is empty", start)
    return text


def _is_json(text: str, file_name: str) -> bool:
    lower = file_name.lower()
    if lower.endswith((".yaml", ".yml")):
        return False
    return lower.endswith(".json") or text.lstrip()[:1] in ("{", "[")
