"""The little of DER (ITU-T X.690) that time-stamps and certificate extensions need."""

from __future__ import annotations

from datetime import datetime, timezone

INTEGER, BOOLEAN, OCTET_STRING, NULL, OID = 0x02, 0x01, 0x04, 0x05, 0x06
UTF8_STRING, GENERALIZED_TIME, SEQUENCE, SET = 0x0C, 0x18, 0x30, 0x31

_LONG_FORM = 0x80
_CONTINUES = 0x80


def tlv(tag: int, *contents: bytes) -> bytes:
    """One element: tag, length in its shortest form, the contents one after the other."""
    body = b"".join(contents)
    size = len(body)
    if size < _LONG_FORM:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + body


def sequence(*items: bytes) -> bytes:
    """SEQUENCE."""
    return tlv(SEQUENCE, *items)


def set_of(*items: bytes) -> bytes:
    """SET OF: DER sorts the encodings (X.690, 11.6)."""
    return tlv(SET, *sorted(items))


def integer(value: int) -> bytes:
    """INTEGER in the fewest bytes of two's complement."""
    magnitude = value if value >= 0 else ~value  # -128 fits one byte
    return tlv(INTEGER, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def octets(value: bytes) -> bytes:
    """OCTET STRING."""
    return tlv(OCTET_STRING, value)


def utf8(value: str) -> bytes:
    """UTF8String."""
    return tlv(UTF8_STRING, value.encode())


def null() -> bytes:
    """NULL."""
    return tlv(NULL)


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER of `1.2.3`."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    return tlv(OID, *(_base128(arc) for arc in (first * 40 + second, *rest)))


def generalized_time(when: datetime) -> bytes:
    """GeneralizedTime in UTC, whole seconds (RFC 3161, 2.4.2)."""
    return tlv(GENERALIZED_TIME, when.astimezone(timezone.utc).strftime("%Y%m%d%H%M%SZ").encode())


def tagged(number: int, *contents: bytes) -> bytes:
    """[number], constructed: EXPLICIT around whole elements, IMPLICIT around the contents of a constructed one."""
    return tlv(0xA0 | number, *contents)


def children(element: bytes) -> list[tuple[int, bytes, bytes]]:
    """(tag, contents, whole encoding) of each element in `element`'s contents; ValueError when cut short."""
    (_, body, _), rest = read(element)
    if rest:
        raise ValueError("bytes after the end of a DER element")
    found = []
    while body:
        item, body = read(body)
        found.append(item)
    return found


def read(data: bytes) -> tuple[tuple[int, bytes, bytes], bytes]:
    """The first element of `data` as (tag, contents, whole encoding), and what follows it."""
    if len(data) < 2:  # noqa: PLR2004 - a tag and a length
        raise ValueError("a DER element is cut short")
    tag, size, start = data[0], data[1], 2
    if size & _LONG_FORM:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big")
    end = start + size
    if end > len(data):
        raise ValueError("a DER element is cut short")
    return (tag, data[start:end], data[:end]), data[end:]


def _base128(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(_CONTINUES | value & 0x7F)
    return bytes(reversed(groups))
