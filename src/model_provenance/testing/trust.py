"""The documents that clients read: trusted root, signing configuration, and both in one client trust config."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from cryptography.hazmat.primitives import serialization

from model_provenance.testing.ca import ORGANIZATION, Authority
from model_provenance.testing.keys import PublicKey, key_details, key_id, spki

OPERATOR = "demo.invalid"

_TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
_SIGNING_CONFIG = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
_TRUST_CONFIG = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


@dataclass(frozen=True)
class TrustedLog:
    """One log as clients know it; `name` is its host, which is not a place to connect to."""

    name: str
    key: PublicKey
    id: bytes


def trusted_root(
    fulcio: Authority, tsa: Authority, ct_log: PublicKey, logs: list[TrustedLog], since: datetime
) -> dict[str, Any]:
    """The trusted root: everything a verifier needs and nothing that it would connect to."""
    return {
        "mediaType": _TRUSTED_ROOT,
        "tlogs": [_log(log, since) for log in logs],
        "certificateAuthorities": [_authority(fulcio, f"https://fulcio.{OPERATOR}", "Demo Fulcio")],
        "ctlogs": [_log(TrustedLog(f"ctlog.{OPERATOR}", ct_log, key_id(ct_log)), since)],
        "timestampAuthorities": [_authority(tsa, f"https://tsa.{OPERATOR}", "Demo TSA")],
    }


def signing_config(
    *, fulcio: str, oidc: str, rekor: Mapping[int, str], tsa: str | None, since: datetime
) -> dict[str, Any]:
    """The signing configuration: where the services answer; `rekor` maps API versions to addresses."""

    def service(url: str, version: int = 1) -> dict[str, Any]:
        period = {"start": _time(since)}
        return {"url": url, "majorApiVersion": version, "validFor": period, "operator": OPERATOR}

    return {
        "mediaType": _SIGNING_CONFIG,
        "caUrls": [service(fulcio)],
        "oidcUrls": [service(oidc)],
        "rekorTlogUrls": [service(url, version) for version, url in sorted(rekor.items())],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": [service(tsa)] if tsa else [],
        "tsaConfig": {"selector": "ANY"},
    }


def client_trust_config(root: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """Both in one document, as `--trust-config` takes it."""
    return {"mediaType": _TRUST_CONFIG, "trustedRoot": root, "signingConfig": config}


def _log(log: TrustedLog, since: datetime) -> dict[str, Any]:
    return {
        "baseUrl": f"https://{log.name}",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": _b64(spki(log.key)),
            "keyDetails": key_details(log.key),
            "validFor": {"start": _time(since)},
        },
        "logId": {"keyId": _b64(log.id)},
    }


def _authority(authority: Authority, uri: str, title: str) -> dict[str, Any]:
    certificates = [
        {"rawBytes": _b64(certificate.public_bytes(serialization.Encoding.DER))} for certificate in authority.chain
    ]
    return {
        "subject": {"organization": ORGANIZATION, "commonName": title},
        "uri": uri,
        "certChain": {"certificates": certificates},
        "validFor": {"start": _time(authority.created)},
    }


def _time(when: datetime) -> str:
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
