"""Lists of checksums as `sha256sum` writes and reads them; the names are hostile text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown

LIST = "MODEL.SHA256SUMS"
#: Bytes of a list that are read: 100,000 names of ordinary length.
LIMIT = 32 << 20
_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")


class Sums(NamedTuple):
    """Name -> digest, and what is wrong with the text, as `(line, why)`."""

    digests: dict[str, Digest]
    problems: list[tuple[int, str]]


def parse_sums(data: bytes) -> Sums:
    """Read a list; a line that `sha256sum -c` would warn about is a problem here."""
    found = Sums({}, [])
    try:
        text = data.decode()
    except UnicodeDecodeError:
        found.problems.append((1, "the list is not UTF-8"))
        return found
    for number, line in enumerate(text.split("\n"), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            if line:
                found.problems.append((number, "this is no line of a checksum list"))
            continue
        name = match[3].replace("\\\\", "\\") if match[1] else match[3]
        name = name.removeprefix("./")
        if name in found.digests:
            found.problems.append((number, f"{shown(name)} stands twice"))
        found.digests[name] = Digest(match[2])
    return found


def written_sums(digests: Mapping[str, Digest]) -> bytes:
    """The list, sorted by name, as a release writes its own."""
    lines = []
    for name, digest in sorted(digests.items()):
        mark = "\\" if "\\" in name else ""
        escaped = name.replace("\\", "\\\\")
        lines.append(f"{mark}{digest.hex}  {'./-' if name == '-' else escaped}\n")
    return "".join(lines).encode()
