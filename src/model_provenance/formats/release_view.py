"""A release as a view for the profile `minimum`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def release_view(
    manifest: Mapping[str, Any], *, checksums: bool, licensed: bool, signed: bool, logged: bool
) -> dict[str, Any]:
    """The facts that the deployable minimum asks for. `manifest` is a released one; `licensed` is about its SBOMs."""
    datasets = [entry for entry in manifest.get("datasets") or () if isinstance(entry, Mapping)]
    governance = manifest.get("data_governance")
    governance = governance if isinstance(governance, Mapping) else {}
    known = manifest.get("known")
    known = known if isinstance(known, Mapping) else {}
    retained = governance.get("retention") or (bool(datasets) and all(entry.get("retention") for entry in datasets))
    observed = bool(datasets) and all(entry.get("digest_known") == "observed" for entry in datasets)
    return {
        "release": {
            "model_digest": manifest.get("model_digest"),
            "package_digest": manifest.get("artifact_sha256"),
            "checksums": checksums or None,
            "sbom_license": licensed or None,
            "training_commit": manifest.get("training_commit"),
            "container_digest": manifest.get("training_container_digest"),
            "datasets": [{"name": str(entry.get("name")), "digest": entry.get("digest")} for entry in datasets],
            "signature": signed or None,
            "log_entry": logged or None,
            "retention": retained or None,
        },
        "how": {
            "release.training_commit": str(known.get("training_commit", "")),
            "release.container_digest": str(known.get("training_container_digest", "")),
            "release.datasets[].digest": "observed" if observed else "declared (manifest)",
            "release.retention": "declared (manifest)",
        },
    }
