"""One Sigstore instance, as the sigstore library talks to it through our transport.

With `keyless`, the only place that imports sigstore for signing. What is private in the library is used here alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.x509 import Certificate
from rfc3161_client import TimeStampResponse, VerifierBuilder
from rfc3161_client import VerificationError as StampError
from sigstore._internal.rekor import EntryRequestBody, RekorLogSubmitter
from sigstore._internal.rekor.client import RekorClient
from sigstore._internal.rekor.client_v2 import RekorV2Client
from sigstore._internal.timestamp import TimestampAuthorityClient, TimestampError
from sigstore._internal.trust import CertificateAuthority
from sigstore.dsse import Envelope
from sigstore.errors import Error, TUFError, VerificationError
from sigstore.hashes import Hashed
from sigstore.models import ClientTrustConfig, TransparencyLogEntry
from sigstore.sign import SigningContext
from sigstore.verify import Verifier

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.sign.patience import Patience, in_time
from model_provenance.sign.transport import Service, ServiceAdapter, mount
from model_provenance.sign.trust_config import TrustConfig, parse_trust_config

_REKOR_1, _REKOR_2 = "/api/v1", "/api/v2"


@dataclass(frozen=True)
class Instance:
    """The services of one Sigstore, ready to sign, and a verifier that believes its keys only."""

    trust: TrustConfig
    context: SigningContext
    verifier: Verifier
    #: Base address of the one transparency log that takes the entries.
    log_url: str
    log_version: int
    #: How many timestamps every bundle must have.
    timestamps: int


def load_instance(data: bytes | None, *, rekor_version: int | None, patience: Patience) -> Instance:
    """The instance of a client trust config, or public Sigstore (refreshed through TUF) for None.

    Raises `sign.trust_config` for a configuration that cannot sign, `sign.service` when TUF does not answer.
    """
    config, trust = _public(patience) if data is None else _private(data)
    config.force_tlog_version = rekor_version
    try:
        signing = config.signing_config
        logs, authorities = signing.get_tlogs(), config.trusted_root.get_timestamp_authorities()
        verifier = Verifier(trusted_root=config.trusted_root)
    except (Error, ValueError) as error:
        wanted = "" if rekor_version is None else f" (Rekor version {rekor_version} is asked for)"
        raise _unusable(f"the signing config cannot be used: {shown(str(error))}{wanted}") from error
    log, stamps = _the_log(logs), signing.get_tsas()
    _check_timestamps(trust, log, len(stamps), len(authorities))
    fulcio = signing.get_fulcio()
    mount(fulcio.session, ServiceAdapter(Service.CA, patience))
    stamp_adapter = ServiceAdapter(Service.TIMESTAMP, patience)
    context = SigningContext(
        fulcio=fulcio,
        rekor=_Log(log, ServiceAdapter(Service.LOG, patience)),
        trusted_root=config.trusted_root,
        tsa_clients=[_TimestampAuthority(stamp.url, stamp_adapter, authorities) for stamp in stamps],
    )
    version = 2 if isinstance(log, RekorV2Client) else 1
    return Instance(trust, context, verifier, _base_url(log), version, len(stamps))


@contextmanager
def translated(step: str) -> Iterator[None]:
    """Whatever the library raises during `step`, as an error of ours.

    Several of its exceptions derive from Exception itself, and its parsers let ValueError, KeyError, pydantic's and
    cryptography's errors through on an answer that they did not expect: all of it is the service's doing.
    """
    try:
        yield
    except ModelProvenanceError:
        raise
    except TimeoutError as error:
        raise ModelProvenanceError("sign.service", f"{step} took too long and was given up") from error
    except VerificationError as error:
        raise ModelProvenanceError("sign.unverifiable", f"{step}: {shown(str(error))}") from error
    except Exception as error:
        detail = f"{type(error).__name__}: {error}".strip(": ")
        raise ModelProvenanceError(
            "sign.answer", f"{step}: a service gave an unusable answer ({shown(detail)})"
        ) from error


def _private(data: bytes) -> tuple[ClientTrustConfig, TrustConfig]:
    trust = parse_trust_config(data)
    try:
        return ClientTrustConfig.from_json(data.decode()), trust
    except (Error, ValueError) as error:
        raise _unusable(f"the trust config cannot be read: {shown(str(error))}") from error


def _public(patience: Patience) -> tuple[ClientTrustConfig, TrustConfig]:
    try:
        [config] = in_time([ClientTrustConfig.production], seconds=patience.total)
        return config, parse_trust_config(config._inner.to_json().encode())  # noqa: SLF001 - no public way to the JSON
    except (TUFError, TimeoutError, OSError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, PermissionError):
            raise ModelProvenanceError(
                "machine.permission", f"Sigstore's TUF cache cannot be written: {shown(str(cause))}"
            ) from error
        reason = shown(f"{type(cause).__name__}: {cause}".strip(": "))
        raise ModelProvenanceError(
            "sign.service", f"Sigstore's TUF repository, which says what to trust, cannot be read ({reason})"
        ) from error


def _the_log(logs: Sequence[RekorLogSubmitter]) -> RekorClient | RekorV2Client:
    # The library writes to the first log alone, whatever the configuration demands.
    if len(logs) != 1:
        raise _unusable(f"the signing config wants entries in {len(logs)} transparency logs; one is supported")
    log = logs[0]
    if not isinstance(log, (RekorClient, RekorV2Client)):
        raise _unusable("the transparency log is neither Rekor v1 nor Rekor v2")
    return log


def _check_timestamps(trust: TrustConfig, log: RekorClient | RekorV2Client, stamps: int, authorities: int) -> None:
    if trust.timestamp_urls and not stamps:
        raise _unusable("the signing config names timestamp authorities, but none that can be used now")
    if stamps and not authorities:
        raise _unusable("the signing config names a timestamp authority, but the trusted root has no key of one")
    if isinstance(log, RekorV2Client) and not stamps:
        raise _unusable("a Rekor v2 log gives no time, so nobody could verify without a timestamp authority")


def _base_url(log: RekorClient | RekorV2Client) -> str:
    return str(log.url).removesuffix(_REKOR_1).removesuffix(_REKOR_2)


def _unusable(problem: str) -> ModelProvenanceError:
    return ModelProvenanceError("sign.trust_config", problem)


class _Log(RekorLogSubmitter):
    """The library's client of a log, with our transport under the session of each thread."""

    def __init__(self, client: RekorClient | RekorV2Client, adapter: ServiceAdapter) -> None:
        self._client, self._adapter = client, adapter

    def create_entry(self, request: EntryRequestBody) -> TransparencyLogEntry:
        mount(self._client._session, self._adapter)  # noqa: SLF001 - sessions are made per thread, out of reach
        return self._client.create_entry(request)

    def _build_hashed_rekord_request(  # type: ignore[override] # a class method there, which takes a client's place here
        self, hashed_input: Hashed, signature: bytes, certificate: Certificate
    ) -> EntryRequestBody:
        return self._client._build_hashed_rekord_request(hashed_input, signature, certificate)  # noqa: SLF001

    def _build_dsse_request(  # type: ignore[override] # the same
        self, envelope: Envelope, certificate: Certificate
    ) -> EntryRequestBody:
        return self._client._build_dsse_request(envelope, certificate)  # noqa: SLF001


class _TimestampAuthority(TimestampAuthorityClient):
    """A timestamp authority whose failure stops the signing.

    The library logs a warning and goes on without a timestamp; on Rekor v2 nobody can verify the result.
    """

    def __init__(self, url: str, adapter: ServiceAdapter, authorities: Sequence[CertificateAuthority]) -> None:
        super().__init__(url)
        self._adapter, self._authorities = adapter, authorities

    def request_timestamp(self, signature: bytes) -> TimeStampResponse:
        mount(self._session, self._adapter)
        try:
            response = super().request_timestamp(signature)
        except TimestampError as error:
            raise self._error(f"gave no timestamp ({shown(str(error))})") from error
        if not any(_is_stamp_of(authority, response, signature) for authority in self._authorities):
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
