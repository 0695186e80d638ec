"""The parts of a time-stamp's CMS wrapper that its signature does not cover: each must say what the signed parts say.

RFC 5652, sections 5.1 and 5.3; RFC 3161, section 2.4.2. A verifier that reads past them accepts a stamp whose bytes anybody may
change. Nothing here decides that a stamp is good: the signature does, over the signed attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from model_provenance.errors import ModelProvenanceError

_SEQUENCE, _SET, _INTEGER, _OID = 0x30, 0x31, 0x02, 0x06
_CONTEXT_0 = 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
#: SignedData has version 3 when the content is not plain data; SignerInfo has 1 with issuer and serial number, else 3.
_SIGNED_DATA_VERSION, _SIGNER_VERSIONS = b"\x03", {_SEQUENCE: b"\x01", 0x80: b"\x03"}
_SHORT_FORM, _LONGEST_LENGTH = 0x80, 4

_SHA2 = {
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
#: Signature algorithm -> the digest that it names, None where the digest stands beside it (RSA, Ed25519).
_SIGNATURES: dict[bytes, str | None] = {
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
    bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    bytes.fromhex("2a864886f70d010101"): None,
    bytes.fromhex("2b6570"): None,
}


@dataclass(frozen=True, slots=True)
class _Element:
    """One DER element."""

    tag: int
    body: bytes

    def children(self) -> list[_Element]:
        """The elements inside a constructed one."""
        return list(_elements(self.body))


def check_wrapper(response: bytes) -> None:
    """Refuse (`timestamp.invalid`) a response whose unsigned parts contradict its signed ones, or are not DER."""
    status, token = _some(_only(_elements(response)).children(), 2)
    granted = status.tag == _SEQUENCE and status.children() == [_Element(_INTEGER, b"\x00")]
    _expect(granted, "the authority did not simply grant it")
    kind, wrapped = _some(token.children(), 2)
    _expect(kind == _Element(_OID, _SIGNED_DATA), "its token is not signed data")
    content = _only(wrapped.children())
    parts = content.children()
    _expect(len(parts) > 3, "its wrapper has another structure")  # noqa: PLR2004 - RFC 5652, SignedData
    version, digests, _, *rest = parts
    _expect(version.tag == _INTEGER and version.body == _SIGNED_DATA_VERSION, "the version of its wrapper is not 3")
    # Certificates may stand between; revocation lists ([1]) have no place in a stamp.
    _expect(all(part.tag == _CONTEXT_0 for part in rest[:-1]), "it carries more than certificates and a signature")
    parts = _only(_at(rest, len(rest) - 1, _SET).children()).children()
    _expect(len(parts) > 1, "its wrapper has another structure")
    signer_version = _SIGNER_VERSIONS.get(parts[1].tag, b"")
    _expect(
        parts[0] == _Element(_INTEGER, signer_version),
        "the version of its signature does not fit how it names the signer",
    )
    digest = _SHA2.get(_oid(_at(parts, 2, _SEQUENCE)))
    _expect(digest is not None, "its digest is not SHA-2")
    named = {_SHA2.get(_oid(algorithm)) for algorithm in _at([digests], 0, _SET).children()}
    _expect(named == {digest}, "the digests that it names are not the one that is used")
    signature = _oid(_at(parts, 4, _SEQUENCE))
    _expect(
        signature in _SIGNATURES and _SIGNATURES[signature] in (None, digest), "its signature algorithm does not fit"
    )
    _expect(len(parts) == 6, "it has attributes that nobody signed")  # noqa: PLR2004 - RFC 5652, SignerInfo


def _oid(algorithm: _Element) -> bytes:
    """The object identifier of an AlgorithmIdentifier, whose parameters are absent or NULL."""
    parts = algorithm.children()
    _expect(len(parts) == 1 or (len(parts) == 2 and parts[1] == _Element(0x05, b"")), "an algorithm has parameters")  # noqa: PLR2004
    return _at(parts, 0, _OID).body


def _only(elements: Iterable[_Element]) -> _Element:
    return _some(elements, 1)[0]


def _some(elements: Iterable[_Element], count: int) -> list[_Element]:
    found = list(elements)
    _expect(len(found) == count, "its wrapper has another structure")
    return found


def _at(elements: list[_Element], index: int, tag: int) -> _Element:
    _expect(index < len(elements) and elements[index].tag == tag, "its wrapper has another structure")
    return elements[index]


def _elements(data: bytes) -> Iterator[_Element]:
    position = 0
    while position < len(data):
        _expect(position + 2 <= len(data), "its wrapper is cut off")
        tag, length = data[position], data[position + 1]
        position += 2
        if length >= _SHORT_FORM:
            count = length - _SHORT_FORM
            _expect(0 < count <= _LONGEST_LENGTH and position + count <= len(data), "its wrapper is not DER")
            length = int.from_bytes(data[position : position + count], "big")
            # DER has one form of a length: the shortest.
            _expect(length >= _SHORT_FORM and length.bit_length() > 8 * (count - 1), "its wrapper is not DER")
            position += count
        _expect(position + length <= len(data), "its wrapper is cut off")
        yield _Element(tag, data[position : position + length])
        position += length


def _expect(holds: bool, why: str) -> None:
    if not holds:
        raise ModelProvenanceError("timestamp.invalid", f"the signed timestamp is malformed: {why}")
