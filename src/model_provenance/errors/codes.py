"""Every code that an error or a finding may carry, one line of meaning and one of remedy each.

`docs/errors.md` is generated from this table; a test holds that each code in the source is here and each one here is
used. Sections follow the rooms of the package. Keep each section sorted.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """One code: exit status, what it means, what to do about it in general."""

    id: str
    status: int
    title: str
    remedy: str


_ALL: tuple[Code, ...] = (
    # --- usage: the command line itself
    Code("usage.invalid", 2, "The command line is not valid", "Read the message and `model-provenance COMMAND --help`."),
    Code("internal.error", 1, "A defect of model-provenance itself", "Report it with the command and the output of `--verbose`."),
    # --- pack: walking, hashing, serialising
    # --- readers: model file formats
    # --- manifest
    # --- describe: SBOM and provenance
    # --- context: git, CI, container, identity token
    # --- sign
    # --- oci
    # --- verify: evidence, signature, identity, content
    # --- machine
    Code("machine.disk", 20, "The disk is full or cannot be written", "Free space or choose another --output, then run again."),
    Code("machine.permission", 2, "A file or folder may not be read or written", "Change its permission or choose another path."),
)  # fmt: skip

CODES: dict[str, Code] = {code.id: code for code in _ALL}
