"""Sign keylessly: one identity token, one certificate, one log entry for each statement."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography.x509 import Certificate
from jwt import ExpiredSignatureError
from sigstore import dsse
from sigstore.errors import Error, VerificationError
from sigstore.models import Bundle as SigstoreBundle
from sigstore.oidc import IdentityError, IdentityToken
from sigstore.sign import Signer

from model_provenance.domain.evidence import Bundle, LogEntry, SignerIdentity, Statement
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate
from model_provenance.formats.bundle import TlogEntry, parse_bundle
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.sign.clients import translated
from model_provenance.sign.heads import refuse_frozen, refuse_split_view
from model_provenance.sign.instance import Instance, load_instance
from model_provenance.sign.patience import Patience, in_time
from model_provenance.sign.transport import AlreadyLogged, Service

T = TypeVar("T")

#: A new signature is a new entry, so a second try succeeds; more would be a log that says this to everything.
_TRIES = 3
_PUBLIC_LOG, _PUBLIC_SEARCH = "rekor.sigstore.dev", "https://search.sigstore.dev/"
_REPOSITORY, _SOURCE_URI, _SOURCE_COMMIT = 5, 12, 13


class KeylessSigner:
    """Signs with the identity that an OIDC token proves, on public Sigstore or the instance of a trust config."""

    def __init__(
        self,
        *,
        trust_config: bytes | None,
        token: Callable[[], str],
        rekor_version: int | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`trust_config` None is public Sigstore. `token` is called when signing starts: tokens live for minutes.

        `rekor_version` 1 or 2 insists on that version of the log; None takes the newest that the instance offers.
        """
        self._trust_config, self._token = trust_config, token
        self._rekor_version, self._patience = rekor_version, patience or Patience()
        self._identity: SignerIdentity | None = None
        self._trusted_root: bytes | None = None

    @property
    def identity(self) -> SignerIdentity:
        """Who signed, as the certificate says. Known once something is signed; asking earlier is a RuntimeError."""
        return _known(self._identity)

    @property
    def trusted_root(self) -> bytes:
        """JSON of the trusted root that what was signed verifies against; known once something is signed."""
        return _known(self._trusted_root)

    def sign(self, statements: Sequence[Statement]) -> tuple[Bundle, ...]:
        """One bundle for each statement, in order, all under one certificate, each verified before it is returned.

        Raises `sign.trust_config`, `sign.token`, `sign.token_refused`, `sign.service`, `sign.timestamp`, `sign.answer`,
        `sign.unverifiable`, `log.frozen` or `log.split_view`; entries that were logged before a failure stay in the log.
        """
        instance = load_instance(self._trust_config, rekor_version=self._rekor_version, patience=self._patience)
        inputs = [_input(statement) for statement in statements]
        if not inputs:
            return ()
        seconds, raw = self._patience.total, self._token().strip()
        token = _identity_token(raw)
        with translated(f"{Service.CA.value} at {shown(instance.ca_url)}"):
            [signer] = in_time([partial(Signer, token, instance.context)], seconds=seconds)
        with translated(f"{Service.LOG.value} at {shown(instance.log_url)}, or {Service.TIMESTAMP.value},"):
            made = in_time([partial(_signed, signer, statement) for statement in inputs], seconds=seconds)
        with translated("Sigstore"):
            holder = made[0].signing_certificate
            bundles = tuple(_checked(instance, holder, *pair) for pair in zip(statements, made, strict=True))
            identity = certificate.identity(holder)
            _check_run(identity, _claims(raw))
            refuse_split_view(bundles)
        self._identity, self._trusted_root = identity, instance.trust.trusted_root
        return bundles


def _known(value: T | None) -> T:
    if value is None:
        msg = "nothing has been signed yet"
        raise RuntimeError(msg)
    return value


def _input(statement: Statement) -> dsse.Statement:
    try:
        return dsse.Statement(statement.payload)
    except Error as error:
        raise ModelProvenanceError("internal.error", f"a statement cannot be signed: {shown(str(error))}") from error


def _identity_token(raw: str) -> IdentityToken:
    try:
        return IdentityToken(raw)
    except IdentityError as error:
        if isinstance(error.__cause__, ExpiredSignatureError):
            problem = "has expired"
        else:
            problem = f"cannot be used: {shown(str(error.__cause__ or error))}"
        raise ModelProvenanceError("sign.token", f"the identity token {problem}") from error


def _signed(signer: Signer, statement: dsse.Statement) -> SigstoreBundle:
    for _ in range(_TRIES):
        with suppress(AlreadyLogged):
            return signer.sign_dsse(statement)
    raise ModelProvenanceError(
        "sign.answer", "the transparency log says of every new entry that it holds it already (409 Conflict)"
    )


class _HeldBy:
    """A sigstore policy: signed with exactly this certificate."""

    def __init__(self, holder: Certificate) -> None:
        self._holder = holder

    def verify(self, cert: Certificate) -> None:
        """Raise VerificationError for any other certificate."""
        if cert != self._holder:
            msg = "the statements were not signed with one certificate"
            raise VerificationError(msg)


def _checked(instance: Instance, holder: Certificate, statement: Statement, made: SigstoreBundle) -> Bundle:
    """The bundle as it will be stored, read back and verified as anybody else will."""
    data = made.to_json().encode()
    parsed, stored = parse_bundle(data), SigstoreBundle.from_json(data)
    refuse_frozen(parsed, instance.log_url)
    payload_type, payload = instance.verifier.verify_dsse(stored, _HeldBy(holder))
    if payload != statement.payload or payload_type != PAYLOAD_TYPE:
        raise ModelProvenanceError("sign.unverifiable", "the bundle holds other bytes than the statement's")
    stamps = stored.verification_material.timestamp_verification_data
    times = tuple(int(stamp.tst_info.gen_time.timestamp()) for stamp in stamps.rfc3161_timestamps) if stamps else ()
    if len(times) != instance.timestamps:
        raise ModelProvenanceError(
            "sign.timestamp", f"the bundle has {len(times)} timestamps instead of {instance.timestamps}"
        )
    entries = tuple(_log_entry(instance, entry) for entry in parsed.entries)
    return Bundle(statement.name, statement.predicate_type, data, statement.payload, entries, times)


def _log_entry(instance: Instance, entry: TlogEntry) -> LogEntry:
    page = None
    if instance.log_version == 1:  # a Rekor v2 log is tiles: no address shows one entry
        public = urlsplit(instance.log_url).hostname == _PUBLIC_LOG
        base = _PUBLIC_SEARCH if public else f"{instance.log_url}/api/v1/log/entries"
        page = f"{base}?logIndex={entry.log_index}"
    kind = f"{entry.kind} {entry.version}"
    return LogEntry(instance.log_url, entry.log_index, kind, entry.integrated_time, page)


def _claims(token: str) -> Mapping[str, Any]:
    """The token's claims. Its form has been checked, its signature is the certificate authority's to check."""
    body = token.split(".")[1]
    claims: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def _check_run(identity: SignerIdentity, claims: Mapping[str, Any]) -> None:
    """Refuse a certificate that names another repository or commit than the token (claims of GitHub and GitLab)."""
    repository, project = claims.get("repository"), claims.get("project_path")
    source = identity.extension(_SOURCE_URI)
    differs = (
        _contradicts(identity.extension(_SOURCE_COMMIT), claims.get("sha"))
        or _contradicts(identity.extension(_REPOSITORY), repository)
        or (source is not None and project is not None and not source.endswith(f"/{project}"))
    )
    if differs:
        raise ModelProvenanceError(
            "sign.unverifiable",
            f"the certificate is for {shown(identity.subject)}, which is not what the identity token says",
        )


def _contradicts(named: str | None, claimed: object) -> bool:
    """Both are there and differ. A private Fulcio may leave out extensions; verifying decides whether they must be."""
    return named is not None and claimed is not None and named != claimed
