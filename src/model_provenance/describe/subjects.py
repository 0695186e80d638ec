"""What our statements are about."""

from __future__ import annotations

from model_provenance.domain.evidence import Subject, SubjectKind
from model_provenance.domain.package import Package


def subjects(package: Package) -> tuple[Subject, ...]:
    """The model digest, then the model index and each manifest in it, or the archive; always in this order."""
    model = Subject(SubjectKind.OMS_ROOT, package.model_digest)
    if package.layout.is_archive:
        return (model, Subject(SubjectKind.ARCHIVE, package.package_digest))
    return (model, *(Subject(SubjectKind.OCI_MANIFEST, digest) for digest in package.manifest_digests))
