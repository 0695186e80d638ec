"""Statements, bundles and what they say: typed, with the signed bytes kept verbatim."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from model_provenance.domain.digest import Digest


class Predicate:
    """Predicate types of a release and of the statements about one (design, 4.3)."""

    OMS = "https://model_signing/signature/v1.0"
    PROVENANCE = "https://slsa.dev/provenance/v1"
    MANIFEST = "https://model-provenance.dev/manifest/v1"
    #: SPDX 2.x.
    SPDX = "https://spdx.dev/Document"
    #: SPDX 3.x has a type of its own (SPDX specification 3.1, annex on attestation), so both can stand in one release.
    SPDX3 = "https://spdx.dev/Document/v3"
    CYCLONEDX = "https://cyclonedx.org/bom"
    TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
    VSA = "https://slsa.dev/verification_summary/v1"
    REVOCATION = "https://model-provenance.dev/revocation/v1"
    STATUS = "https://model-provenance.dev/status/v1"
    APPROVAL = "https://model-provenance.dev/approval/v1"
    WAIVER = "https://model-provenance.dev/waiver/v1"
    LOAD_RECEIPT = "https://model-provenance.dev/load-receipt/v1"


#: What every release must carry; SBOM statements are named by the manifest.
REQUIRED_PREDICATES = (Predicate.OMS, Predicate.MANIFEST, Predicate.PROVENANCE)

#: Bytes of an SBOM from which on it has no statement of its own: the signed manifest holds its digest (design, 4.3).
SBOM_STATEMENT_LIMIT = 1 << 20


class SubjectKind(Enum):
    """Typed subjects: the subject's `name`; digests are compared only with their own kind (design, 4.4.6)."""

    OMS_ROOT = "oms-root"
    OCI_MANIFEST = "oci-manifest"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of our statements."""

    kind: SubjectKind
    digest: Digest


@dataclass(frozen=True, slots=True)
class Statement:
    """An unsigned in-toto Statement v1; `name` is the stem of its bundle file, e.g. `oms`, `provenance`, `spdx3`."""

    name: str
    predicate_type: str
    payload: bytes

    @property
    def digest(self) -> Digest:
        """SHA-256 of the exact payload bytes; how provenance names the others."""
        return Digest.of(self.payload)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One transparency-log entry of a bundle."""

    log_url: str
    log_index: int
    #: `hashedrekord` or `dsse` with version, e.g. "dsse 0.0.1".
    kind: str
    #: Unix seconds; None for Rekor v2, whose time is the timestamp's.
    integrated_time: int | None
    entry_url: str | None = None


@dataclass(frozen=True, slots=True)
class SignerIdentity:
    """Who signed, as the key or the certificate says."""

    #: "keyless", "key", or "certificate" of a private PKI
    method: str
    #: Certificate subject alternative name, or `key:<hex SHA-256 of the SPKI PEM>`, or a distinguished name.
    subject: str
    issuer: str | None = None
    #: Fulcio extension number -> value, e.g. {12: "https://github.com/acme/minilm"}.
    extensions: tuple[tuple[int, str], ...] = ()

    def extension(self, number: int) -> str | None:
        """Value of extension 1.3.6.1.4.1.57264.1.`number`."""
        return dict(self.extensions).get(number)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A Sigstore bundle as exact JSON bytes, with what was signed."""

    name: str
    predicate_type: str
    data: bytes
    payload: bytes
    log_entries: tuple[LogEntry, ...] = ()
    #: Unix seconds of signed timestamps.
    timestamps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SbomDocument:
    """One SBOM as a file of the release folder."""

    file_name: str
    media_type: str
    predicate_type: str
    data: bytes

    @property
    def digest(self) -> Digest:
        """SHA-256 of the document's bytes."""
        return Digest.of(self.data)
