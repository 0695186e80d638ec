"""Evidence from disk: untrusted bytes with the names they were found under, bounded."""

from __future__ import annotations

import os
from pathlib import Path

from model_provenance.disk.opening import open_named
from model_provenance.domain.text import shown
from model_provenance.domain.verification import EvidenceFiles
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import BUNDLE_LIMIT

#: A release has five bundles; approvals and other statements may lie beside them.
_BUNDLES = 256
_DOCUMENT_LIMIT = 256 * 1024 * 1024
_SUFFIX = ".sigstore.json"
#: Documents of a release folder that are compared with what was signed.
_DOCUMENTS = ("model-manifest.json", "sbom.spdx.json", "sbom.spdx3.json", "sbom.cdx.json")
#: Files of a release folder that nothing is verified by.
_LISTS = ("SHA256SUMS", "MODEL.SHA256SUMS", "receipt.json")
#: All that `release` writes into its folder but the archive.
RELEASE_FILES = (*_DOCUMENTS, *_LISTS, "evidence")


def read_evidence(folder: Path) -> EvidenceFiles:
    """The bundles and documents of a release folder, or of its `evidence/` folder.

    A folder without a bundle is `evidence.missing`; one that cannot be read is `evidence.unreadable`: never an empty set.
    """
    where = shown(str(folder), 400)
    try:
        inner = folder / "evidence"
        bundles_in, release = (inner, folder) if inner.is_dir() else (folder, folder.parent)
        names = sorted(path.name for path in bundles_in.iterdir() if path.name.endswith(_SUFFIX))
    except FileNotFoundError as error:
        raise ModelProvenanceError("evidence.missing", "the evidence folder does not exist", location=where) from error
    except NotADirectoryError as error:
        raise ModelProvenanceError(
            "evidence.missing", "--evidence takes a folder; for one bundle use --bundle", location=where
        ) from error
    except OSError as error:
        raise ModelProvenanceError("evidence.unreadable", f"cannot list: {error.strerror}", location=where) from error
    if not names:
        raise ModelProvenanceError("evidence.missing", f"no bundle (*{_SUFFIX}) lies there", location=where)
    if len(names) > _BUNDLES:
        raise ModelProvenanceError("evidence.too_many", f"{len(names)} bundles, more than {_BUNDLES}", location=where)
    bundles = tuple((name, read_bounded(bundles_in / name, BUNDLE_LIMIT)) for name in names)
    documents = tuple(
        (name, read_bounded(release / name, _DOCUMENT_LIMIT)) for name in _DOCUMENTS if (release / name).is_file()
    )
    return EvidenceFiles(bundles, documents)


def own_files(folder: Path) -> tuple[Path, ...]:
    """What `release` wrote into a folder of evidence, which may lie in the model that it is about.

    Never the folder itself: another file in it is a file of the model, and would be loaded as one.
    """
    inner = folder / "evidence"
    if not inner.is_dir():
        return tuple(folder.glob(f"*{_SUFFIX}"))
    own = (*inner.glob(f"*{_SUFFIX}"), *(folder / name for name in (*_DOCUMENTS, *_LISTS)))
    # A folder of such a name would hide what is in it.
    return tuple(path for path in own if path.is_file())


def read_bounded(path: Path, limit: int) -> bytes:
    """One evidence file; too large or unreadable is an error, never a part of it."""
    where = shown(str(path), 400)
    try:
        # Evidence comes from strangers: a FIFO in its place must not be waited for.
        descriptor, _ = open_named(path)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ModelProvenanceError("evidence.unreadable", f"cannot read: {error.strerror}", location=where) from error
    if len(data) > limit:
        raise ModelProvenanceError(
            "evidence.unreadable", f"larger than the {limit} bytes that are read", location=where
        )
    return data
