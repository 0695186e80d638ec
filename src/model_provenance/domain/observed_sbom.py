"""What can be derived again of an SBOM from the bytes of the model, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Layout


@dataclass(frozen=True, slots=True)
class ObservedSbom:
    """Facts of one SBOM by the place they stand in; equal models give equal facts in one format.

    What only the runner knows (supplier, commits, containers, time, tools, packages that Syft found) is not here.
    """

    #: The name on the command line that writes such a document, e.g. "spdx-json@2.3".
    format: str
    name: str
    version: str
    layout: Layout
    package_digest: Digest
    facts: Mapping[str, Any]
    #: Places of facts that come from the manifest, not from the model.
    from_manifest: frozenset[str]
    #: Whether the document's own name follows from what it says.
    named_right: bool
