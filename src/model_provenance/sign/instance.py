"""One Sigstore instance: the services that its signing config names, and the keys that its trusted root holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sigstore.errors import Error, TUFError
from sigstore.models import ClientTrustConfig
from sigstore.sign import SigningContext
from sigstore.verify import Verifier

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.sign.clients import BoundedLog, BoundedTimestampAuthority, RekorClient, RekorV2Client
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
    ca_url: str
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
        rekor=BoundedLog(log, ServiceAdapter(Service.LOG, patience)),
        trusted_root=config.trusted_root,
        tsa_clients=[BoundedTimestampAuthority(stamp.url, stamp_adapter, authorities) for stamp in stamps],
    )
    version = 2 if isinstance(log, RekorV2Client) else 1
    return Instance(trust, context, verifier, fulcio.url, _base_url(log), version, len(stamps))


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


def _the_log(logs: Sequence[object]) -> RekorClient | RekorV2Client:
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
