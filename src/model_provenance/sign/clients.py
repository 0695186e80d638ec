"""The sigstore library's clients over our transport, and its exceptions as errors of ours.

What is private in the library is used here alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cryptography.x509 import Certificate
from rfc3161_client import TimeStampResponse, VerifierBuilder
from rfc3161_client import VerificationError as StampError
from sigstore._internal.fulcio import ExpiredCertificate
from sigstore._internal.rekor import EntryRequestBody, RekorLogSubmitter
from sigstore._internal.rekor.client import RekorClient
from sigstore._internal.rekor.client_v2 import RekorV2Client
from sigstore._internal.timestamp import TimestampAuthorityClient, TimestampError
from sigstore._internal.trust import CertificateAuthority
from sigstore.dsse import Envelope
from sigstore.errors import VerificationError
from sigstore.hashes import Hashed
from sigstore.models import TransparencyLogEntry
from sigstore.oidc import ExpiredIdentity

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.sign.transport import AlreadyLogged, Service, ServiceAdapter, mount

__all__ = ["BoundedLog", "BoundedTimestampAuthority", "RekorClient", "RekorV2Client", "translated"]


@contextmanager
def translated(who: str) -> Iterator[None]:
    """Whatever the library raises on what `who` did, as an error of ours.

    Several of its exceptions derive from Exception itself, and its parsers let ValueError, KeyError, pydantic's and
    cryptography's errors through on an answer that they did not expect: all of it is the service's doing.
    """
    try:
        yield
    except (ModelProvenanceError, AlreadyLogged):
        raise
    except TimeoutError as error:
        raise ModelProvenanceError("sign.service", f"{who} took too long and was given up") from error
    except VerificationError as error:
        raise ModelProvenanceError(
            "sign.unverifiable", f"{who} gave something that the trusted root does not cover: {shown(str(error))}"
        ) from error
    except ExpiredIdentity as error:
        raise ModelProvenanceError("sign.token", "the identity token expired before a certificate was made") from error
    except ExpiredCertificate as error:
        raise ModelProvenanceError(
            "sign.answer", "the signing certificate expired before everything was signed"
        ) from error
    except Exception as error:
        detail = f"{type(error).__name__}: {error}".strip(": ")
        raise ModelProvenanceError("sign.answer", f"{who} gave an unusable answer ({shown(detail)})") from error


class BoundedLog(RekorLogSubmitter):
    """The library's client of a log, with our transport under the session of each thread."""

    def __init__(self, client: RekorClient | RekorV2Client, adapter: ServiceAdapter) -> None:
        self._client, self._adapter = client, adapter

    def create_entry(self, request: EntryRequestBody) -> TransparencyLogEntry:
        """Write an entry; raises `sign.service`, `sign.answer`, or `AlreadyLogged`."""
        mount(self._client._session, self._adapter)  # noqa: SLF001 - sessions are made per thread, out of reach
        with translated(f"{Service.LOG.value} at {shown(self._client.url)}"):
            return self._client.create_entry(request)

    def _build_hashed_rekord_request(  # type: ignore[override] # a class method there, which takes a client's place here
        self, hashed_input: Hashed, signature: bytes, certificate: Certificate
    ) -> EntryRequestBody:
        return self._client._build_hashed_rekord_request(hashed_input, signature, certificate)  # noqa: SLF001

    def _build_dsse_request(  # type: ignore[override] # the same
        self, envelope: Envelope, certificate: Certificate
    ) -> EntryRequestBody:
        return self._client._build_dsse_request(envelope, certificate)  # noqa: SLF001


class BoundedTimestampAuthority(TimestampAuthorityClient):
    """A timestamp authority whose failure stops the signing.

    The library logs a warning and goes on without a timestamp; on Rekor v2 nobody can verify the result.
    """

    def __init__(self, url: str, adapter: ServiceAdapter, authorities: Sequence[CertificateAuthority]) -> None:
        super().__init__(url)
        self._adapter, self._authorities = adapter, authorities

    def request_timestamp(self, signature: bytes) -> TimeStampResponse:
        """A timestamp of `signature` that verifies; raises `sign.service` or `sign.timestamp`."""
        mount(self._session, self._adapter)
        try:
            response = super().request_timestamp(signature)
            trusted = any(_is_stamp_of(authority, response, signature) for authority in self._authorities)
        except (TimestampError, ValueError) as error:  # ValueError: a rejection, which holds no timestamp
            raise self._error(f"gave no timestamp ({shown(str(error))})") from error
        if not trusted:
            raise self._error("gave a timestamp that no authority of the trusted root made for this signature")
        return response

    def _error(self, problem: str) -> ModelProvenanceError:
        return ModelProvenanceError("sign.timestamp", f"{Service.TIMESTAMP.value} at {shown(self.url)} {problem}")


def _is_stamp_of(authority: CertificateAuthority, response: TimeStampResponse, signature: bytes) -> bool:
    leaf, *issuers = authority.certificates(allow_expired=True)
    if not issuers:
        return False
    builder = VerifierBuilder().tsa_certificate(leaf).add_root_certificate(issuers[-1])
    for intermediate in issuers[:-1]:
        builder = builder.add_intermediate_certificate(intermediate)
    try:
        builder.build().verify_message(response, signature)
    except StampError:
        return False
    end, time = authority.validity_period_end, response.tst_info.gen_time
    return authority.validity_period_start <= time and (end is None or time <= end)
