"""One tar header block, and the extended headers of pax and GNU tar that rename or resize what follows them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NoReturn

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_CODE = "archive.malformed"
#: Typeflags: pax for the next member, pax for all that follow, GNU's long name.
_PAX, _PAX_GLOBAL, _LONG_NAME = b"x", b"g", b"L"
EXTENSIONS = frozenset({_PAX, _PAX_GLOBAL, _LONG_NAME})
_FILES = frozenset({b"0", b"\0"})
_FOLDER = b"5"
_REFUSED = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a FIFO",
    b"S": "a sparse file",
    b"K": "a long link",
}
#: Records that change neither name nor size nor content.
_HARMLESS = re.compile(
    r"atime|ctime|mtime|uid|gid|uname|gname|comment"
    r"|LIBARCHIVE\.(creationtime|xattr\..+)|SCHILY\.(dev|ino|nlink|fflags|xattr\..+|acl\..+)"
)
_RECORD_LENGTH = re.compile(rb"([1-9][0-9]{0,5}) ")
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_OCTAL_LIMIT = 8**11
#: First byte of a positive number in GNU's form.
_BASE_256 = 0x80
#: Nothing larger is a model file; keeps sums of sizes far from any overflow in other readers.
_SIZE_LIMIT = 2**60


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says about the member that follows."""

    name: str
    size: int
    kind: bytes

    @property
    def is_folder(self) -> bool:
        """True for a directory entry."""
        return self.kind == _FOLDER


@dataclass(frozen=True, slots=True)
class Extensions:
    """What extended headers said about the next member; each thing at most once."""

    path: str | None = None
    size: int | None = None

    def applied(self, header: Header, location: str) -> Header:
        """`header` with these in force."""
        if self.size is not None:
            # A reader without pax would take the plain field: the two may differ only where the field cannot say it.
            if header.size not in (0, self.size) or (header.size == 0 and 0 < self.size < _OCTAL_LIMIT):
                _refuse("a size is written twice and differs", location)
            header = replace(header, size=self.size)
        if header.is_folder and header.size:
            _refuse("a folder has content", location)
        return header if self.path is None else replace(header, name=self.path)


def parse_header(block: bytes, location: str) -> Header:
    """Read 512 bytes. Raises `archive.malformed` for a wrong checksum and for kinds of members that are refused."""
    total = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if _number(block[148:156], "checksum", location) != total:
        _refuse("a header has a wrong checksum", location)
    kind = block[156:157]
    magic = block[257:265]
    name = _text(block[0:100], location)
    if magic == b"ustar\x0000" and block[345]:
        name = f"{_text(block[345:500], location)}/{name}"
    elif magic not in (b"ustar\x0000", b"ustar  \0", bytes(8)):
        _refuse("a header is of an unknown kind of tar", location)
    if kind in _REFUSED:
        _refuse(f"`{shown(name)}` is {_REFUSED[kind]}", location)
    if kind not in _FILES and kind not in EXTENSIONS and kind != _FOLDER:
        _refuse(f"`{shown(name)}` is of the unknown kind {kind!r}", location)
    if kind in _FILES and name.endswith("/"):
        _refuse(f"`{shown(name)}` is a file and is named like a folder", location)
    return Header(name, _number(block[124:136], "size", location), kind)


def parse_extension(kind: bytes, data: bytes, so_far: Extensions, location: str) -> Extensions:
    """Read the content of an extended header."""
    if kind == _LONG_NAME:
        return _with_path(so_far, _text(data, location), location)
    records = _records(data, location)
    if kind == _PAX_GLOBAL and set(records) - {"comment"}:
        # git archive writes a comment; anything else would apply to files that do not show it.
        _refuse("it has a global header that changes files", location)
    for key, value in records.items():
        if key == "path":
            so_far = _with_path(so_far, value, location)
        elif key == "size":
            if so_far.size is not None or not re.fullmatch(r"0|[1-9][0-9]{0,18}", value) or int(value) > _SIZE_LIMIT:
                _refuse("a pax size is not a number, or stands twice", location)
            so_far = replace(so_far, size=int(value))
        elif not _HARMLESS.fullmatch(key):
            _refuse(f"it has a pax record `{shown(key)}`", location)
    return so_far


def _with_path(so_far: Extensions, path: str, location: str) -> Extensions:
    if so_far.path is not None:
        _refuse("a name is written twice", location)
    return replace(so_far, path=path)


def _records(data: bytes, location: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        match = _RECORD_LENGTH.match(data, at)
        end = at + int(match[1]) if match else 0
        record = data[match.end() : end] if match else b""
        key, equals, value = record.partition(b"=")
        name = _text(key, location)
        known = name in ("path", "size")
        if end > len(data) or not equals or not value.endswith(b"\n") or (known and b"\0" in value):
            _refuse("a pax header is malformed", location)
        if name in found:
            _refuse("a pax record stands twice", location)
        found[name] = _text(value[:-1], location) if known else ""
        at = end
    return found


def _text(field: bytes, location: str) -> str:
    raw, _, rest = field.partition(b"\0")
    if any(rest):
        _refuse("there are bytes after the end of a name", location)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        _refuse(f"the name {shown(repr(raw))} is not UTF-8", location)


def _number(field: bytes, what: str, location: str) -> int:
    if field[0] == _BASE_256:
        value = int.from_bytes(field[1:], "big")
    else:
        match = _OCTAL.fullmatch(field)
        if match is None:
            _refuse(f"a {what} is not a number", location)
        value = int(match[1] or b"0", 8)
    if value > _SIZE_LIMIT:
        _refuse(f"a {what} is out of all bounds", location)
    return value


def _refuse(reason: str, location: str) -> NoReturn:
    raise ModelProvenanceError(_CODE, f"not an archive that can be checked: {reason}", location=location)
