"""Read an SBOM of any of our formats as facts that can be derived again. Untrusted; every surprise is `sbom.malformed`."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.observed_sbom import ObservedSbom
from model_provenance.formats import cyclonedx_observed, spdx3_observed, spdx_observed
from model_provenance.formats.canonical import document, parse_json
from model_provenance.formats.sbom_reading import malformed, object_of

LIMIT = 256 * 1024 * 1024


def observed_of(data: bytes) -> ObservedSbom:
    """What the document says, and in which format. Only our own stable form is read: anything else was changed."""
    value = value_of(data)
    try:
        stable = document(value)
    except (TypeError, ValueError):
        stable = b""
    if stable != data:
        malformed("the document is not in the form that it was written in: it was edited, or is not ours")
    if "@graph" in value:
        return spdx3_observed.observed(value)
    return cyclonedx_observed.observed(value) if "bomFormat" in value else spdx_observed.observed(value)


def value_of(data: bytes) -> dict[str, Any]:
    """The JSON object of an SBOM."""
    return object_of(parse_json(data, what="the SBOM", limit=LIMIT, code="sbom.malformed"), "the SBOM")
