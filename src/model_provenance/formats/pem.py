"""PEM (RFC 7468): find the blocks of a file. Text around them is explanatory and skipped, as certtool writes it."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from model_provenance.errors import ModelProvenanceError

#: No key file and no certificate chain comes near.
FILE_LIMIT = 256 * 1024
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9][A-Z0-9 ]{0,62})-----[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block: its label, e.g. `EC PRIVATE KEY`, and its text from the BEGIN line to the END line."""

    label: str
    text: bytes

    def decoded(self, *, code: str) -> bytes:
        """The bytes that the block holds; a block with RFC 1421 headers or other text in it is refused."""
        lines = self.text.splitlines()[1:-1]
        try:
            return base64.b64decode(b"".join(line.strip() for line in lines), validate=True)
        except binascii.Error as error:
            raise ModelProvenanceError(code, f"the PEM block {self.label} is not base64") from error


def pem_blocks(data: bytes, *, what: str, code: str) -> tuple[PemBlock, ...]:
    """Every block of a file in its order. A file without one, with an unfinished one, or too large is an error.

    `what` names the file in messages, `code` is the error code to raise.
    """
    if len(data) > FILE_LIMIT:
        raise ModelProvenanceError(code, f"{what} is {len(data)} bytes, more than the {FILE_LIMIT} that are read")
    blocks, position = [], 0
    while (begin := _BEGIN.search(data, position)) is not None:
        label = begin[1]
        end = data.find(b"\n-----END " + label + b"-----", begin.end() - 1)
        if end < 0:
            raise ModelProvenanceError(code, f"{what} has a PEM block {label.decode()} without its END line")
        position = end + len(label) + len("\n-----END -----")
        blocks.append(PemBlock(label.decode(), data[begin.start() : position] + b"\n"))
    if not blocks:
        raise ModelProvenanceError(code, f"{what} is not a PEM file: it has no BEGIN line")
    return tuple(blocks)
