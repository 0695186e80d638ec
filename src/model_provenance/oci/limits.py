"""What registries are known not to take, as data with sources, so that a push fails before a byte is sent and not at 9 GB.

A registry that is not in the table is not limited by us: its own refusal is shown instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.oci.reference import Reference

_GB, _GIB, _MIB = 10**9, 2**30, 2**20
#: distribution-spec v1.1, "Pushing Manifests": what a registry should take at least.
_MANIFEST = 4 * _MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes. `blob` None is no known limit; `blobs_per_minute` counts uploads of one account."""

    registry: str
    blob: int | None = None
    manifest: int = _MANIFEST
    blobs_per_minute: int | None = None
    #: False where a repository must have been created before.
    creates_repositories: bool = True
    #: Where the numbers come from.
    source: str = ""

    def check_blob(self, size: int, what: str, where: str) -> None:
        """Refuse a blob that is too large; `what` names the file. Raises `registry.limit`."""
        if self.blob is None or size <= self.blob:
            return
        shard = _readable(self.blob * 9 // 10).replace(" ", "")
        raise ModelProvenanceError(
            "registry.limit",
            f"{self.registry} stores blobs of at most {_readable(self.blob)}, and `{shown(what)}` takes {_readable(size)}",
            remedy=f'Save it in smaller shards (save_pretrained(..., max_shard_size="{shard}")), or push to another registry.',
            location=where,
        )

    def check_count(self, blobs: int, where: str) -> None:
        """Refuse more layers than the registry takes or a manifest can name. Raises `registry.limit`."""
        most = self.manifest // _BYTES_PER_LAYER
        problem = None
        if blobs > most:
            problem = (
                f"a manifest that names {blobs} layers is larger than the {_readable(self.manifest)} that are stored"
            )
        elif self.blobs_per_minute is not None and blobs > self.blobs_per_minute:
            problem = f"{self.registry} takes {self.blobs_per_minute} uploads a minute, and these are {blobs}"
        if problem is not None:
            raise ModelProvenanceError(
                "registry.limit",
                problem,
                remedy="Use --layout layers, which keeps small files in one layer, or larger shards.",
                location=where,
            )

    def check_manifest(self, size: int, where: str) -> None:
        """Refuse a manifest that is too large. Raises `registry.limit`."""
        if size > self.manifest:
            raise ModelProvenanceError(
                "registry.limit",
                f"the manifest of {_readable(size)} is larger than the {_readable(self.manifest)} that {self.registry} stores",
                remedy="Use --layout layers, which keeps small files in one layer, or larger shards.",
                location=where,
            )


#: A descriptor with our annotations and a path of usual length.
_BYTES_PER_LAYER = 400

#: (suffix of the host, limits). The longest suffix decides.
TABLE: tuple[tuple[str, Limits], ...] = (
    ("ghcr.io", Limits("GitHub Container Registry", blob=10 * _GB, blobs_per_minute=2000,
        source="docs.github.com, Working with the Container registry: 10 GB a layer, 10 minutes an upload")),
    (".amazonaws.com", Limits("Amazon ECR", blob=52_000 * _MIB, creates_repositories=False,
        source="docs.aws.amazon.com, Amazon ECR service quotas: maximum layer size 52,000 MiB")),
    ("public.ecr.aws", Limits("Amazon ECR Public", blob=10_000 * 10**6, creates_repositories=False,
        source="docs.aws.amazon.com, Amazon ECR Public service quotas: maximum layer size 10,000 MB")),
    (".azurecr.io", Limits("Azure Container Registry", blob=200 * _GIB, manifest=4 * _MIB,
        source="learn.microsoft.com, Azure Container Registry SKU features and limits: 200 GiB a layer, 4 MiB a manifest")),
    (".pkg.dev", Limits("Google Artifact Registry", creates_repositories=False,
        source="cloud.google.com, Artifact Registry: a repository is created before the first push")),
)  # fmt: skip


def limits_of(reference: Reference) -> Limits:
    """The limits of the registry that a reference names."""
    host = reference.host.partition(":")[0]
    known = [
        (suffix, limits) for suffix, limits in TABLE if host == suffix or (suffix[0] == "." and host.endswith(suffix))
    ]
    return max(known, key=lambda each: len(each[0]))[1] if known else Limits(reference.host)


def _readable(size: int) -> str:
    for unit, factor in (("GB", _GB), ("MB", 10**6), ("kB", 1000)):
        if size >= factor:
            return f"{size / factor:.1f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{size} bytes"
