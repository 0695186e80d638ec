"""One view of an SBOM of any format and any generator, for `sbom check`. Lenient: what is not understood is absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_provenance.formats import cyclonedx_view, spdx3_view, spdx_view
from model_provenance.formats.sbom_observed import value_of
from model_provenance.formats.sbom_reading import malformed


def view_of(data: bytes) -> Mapping[str, Any]:
    """Facts under `document`, `model`, `components`, `datasets`, `base_models` and `files`; `how` says how known.

    Raises `sbom.malformed` for what is none of SPDX 2, SPDX 3 and CycloneDX in JSON.
    """
    value = value_of(data)
    if isinstance(value.get("@graph"), list):
        return spdx3_view.view(value)
    if value.get("bomFormat") == "CycloneDX":
        return cyclonedx_view.view(value)
    if str(value.get("spdxVersion", "")).startswith("SPDX-2"):
        return spdx_view.view(value)
    return malformed("this is neither SPDX 2, SPDX 3 nor CycloneDX in JSON")
