"""What is handed on, in CycloneDX: the SHA-512 and the properties that BSI TR-03183-2 asks of a component."""

from __future__ import annotations

from collections.abc import Iterator

from model_provenance.domain.sbom import SbomFacts


def sha512(facts: SbomFacts) -> list[dict[str, str]]:
    """The SHA-512 of the archive or of the model index, where somebody made it."""
    made = facts.distribution
    return [] if made is None or made.sha512 is None else [{"alg": "SHA-512", "content": made.sha512}]


def distribution_properties(facts: SbomFacts) -> Iterator[tuple[str, str]]:
    """Names and words of the BSI's property taxonomy for CycloneDX."""
    made = facts.distribution
    if made is None:
        return
    runs = any(file.executable for file in facts.files)
    yield "bsi:component:filename", made.file_name
    yield "bsi:component:executable", "executable" if runs else "non-executable"
    yield "bsi:component:archive", "archive" if made.is_archive else "no archive"
    yield "bsi:component:structured", "structured"
