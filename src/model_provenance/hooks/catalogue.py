"""The hooks that this repository offers; `.pre-commit-hooks.yaml` and the table in docs/pre-commit.md are made from this."""

from __future__ import annotations

from dataclasses import dataclass

from model_provenance.domain.roles import WEIGHT_SUFFIXES

#: Formats that hide pickles beside those of weights: what packs them, and what only their own loaders open.
_PICKLING = frozenset({"dill", "pkl", "pickle", "zip", "p", "cloudpickle"})
_WEIGHTS = "|".join(sorted(WEIGHT_SUFFIXES | _PICKLING))
_MANIFESTS = r"(^|/)model-manifest\.(json|ya?ml)$"


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook as pre-commit needs to know it."""

    id: str
    name: str
    description: str
    #: Regular expression over the paths that are handed over; None for hooks that look at the whole index.
    files: str | None = None
    #: Whether the hook looks at every file of the commit, also where only a deletion is committed.
    whole: bool = False


HOOKS: tuple[Hook, ...] = (
    Hook(
        "model-manifest",
        "model manifest is valid",
        "Source manifests of models fit the schema and mean something.",
        files=_MANIFESTS,
    ),
    Hook(
        "model-manifest-fresh",
        "model checksums and manifest digests are fresh",
        "MODEL.SHA256SUMS and the digests that manifests declare fit the files in the index; Git LFS files are not read. "
        "With --fix they are rewritten.",
        whole=True,
    ),
    Hook(
        "model-sbom-fresh",
        "model SBOMs are fresh",
        "The files and digests that SBOMs of models list are those in the index; Git LFS files are not read.",
        whole=True,
    ),
    Hook(
        "no-executable-pickle",
        "no pickle that can run code",
        "Pickles, also inside zip files and PyTorch files, import nothing but what plain tensors need; nothing is executed.",
        files=rf"(?i)\.({_WEIGHTS})$",
    ),
    Hook(
        "large-file-needs-checksum",
        "large files have a checksum",
        "A large file that is not in Git LFS is listed, with its digest, in MODEL.SHA256SUMS, SHA256SUMS or NAME.sha256.",
        files="",
    ),
    Hook(
        "lfs-pointer-intact",
        "Git LFS pointers are intact",
        "Files that .gitattributes gives to Git LFS are well-formed pointers in the index, and no other file is one.",
        files="",
    ),
)
