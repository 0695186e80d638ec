"""A client trust config: which Sigstore signs and which keys are then believed (`sigstore_trustroot.proto`).

Parsed here for what we decide by it (where the token goes, whether the logs are public); the sigstore library reads the
same bytes again for everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json

MEDIA_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
TRUSTED_ROOT_MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
#: A root with a hundred authorities and logs is half of it.
LIMIT = 4 * 1024 * 1024

_CODE = "sign.trust_config"
_SERVICES, _URL_LENGTH = 64, 2048
#: Public instances of the Sigstore project (production and staging): a file that leads there makes nothing private.
_PUBLIC = ("sigstore.dev", "sigstage.dev")


@dataclass(frozen=True, slots=True)
class TrustConfig:
    """A private Sigstore as its operator describes it. URLs are those of the signing config, in its order."""

    data: bytes
    #: JSON of the trusted root inside, for verifying what this instance signs.
    trusted_root: bytes
    ca_urls: tuple[str, ...]
    log_urls: tuple[str, ...]
    timestamp_urls: tuple[str, ...]

    @property
    def urls(self) -> tuple[str, ...]:
        """Every service that signing may talk to, for messages."""
        return (*self.ca_urls, *self.log_urls, *self.timestamp_urls)

    @property
    def is_private(self) -> bool:
        """False when any service is one of the public instances, whose logs the whole world reads."""
        hosts = [urlsplit(url).hostname or "" for url in self.urls]
        return not any(host == public or host.endswith(f".{public}") for host in hosts for public in _PUBLIC)


def parse_trust_config(data: bytes) -> TrustConfig:
    """Read a client trust config; `sign.trust_config` says what is wrong with it.

    A service is reached by https, or by http on this machine alone: what is sent there is an identity token that
    anybody on the way could sign with.
    """
    value = parse_json(data, what="the trust config", limit=LIMIT, code=_CODE)
    media_type = value.get("mediaType") if isinstance(value, dict) else None
    if media_type == TRUSTED_ROOT_MEDIA_TYPE:
        _refuse("this is a trusted root, which verifies; signing needs a client trust config, which names services too")
    if media_type != MEDIA_TYPE:
        _refuse(f"the trust config is not of the media type {MEDIA_TYPE}")
    root, signing = (_object(value, name) for name in ("trustedRoot", "signingConfig"))
    config = TrustConfig(
        data=data,
        trusted_root=json.dumps(root).encode(),
        ca_urls=_urls(signing, "caUrls"),
        log_urls=_urls(signing, "rekorTlogUrls"),
        timestamp_urls=_urls(signing, "tsaUrls"),
    )
    if not config.ca_urls or not config.log_urls:
        _refuse("the signing config names no certificate authority or no transparency log")
    for url in config.ca_urls:
        # The library asks for /api/v2/signingCert at the root of the host, whatever path is given.
        if urlsplit(url).path.strip("/"):
            _refuse(f"the certificate authority {shown(url)} has a path; only a host and a port can be used")
    return config


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    child = value.get(name)
    if not isinstance(child, dict):
        _refuse(f"the trust config has no {name}")
    return child


def _urls(signing: Mapping[str, Any], name: str) -> tuple[str, ...]:
    services = signing.get(name) or []
    if not isinstance(services, list) or len(services) > _SERVICES:
        _refuse(f"{name} is not a list of at most {_SERVICES} services")
    return tuple(_url(service.get("url") if isinstance(service, dict) else None, name) for service in services)


def _url(value: object, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _URL_LENGTH:
        _refuse(f"a service of {name} has no url")
    try:
        url = urlsplit(value)
        host = url.hostname
        _ = url.port  # parsed only when it is asked for
    except ValueError as error:
        _refuse(f"{name} has the url {shown(value)}: {shown(str(error))}")
    if not host or url.username is not None or url.query or url.fragment:
        _refuse(f"{name} has the url {shown(value)}, which is not a plain address of a service")
    if url.scheme != "https" and not (url.scheme == "http" and _is_this_machine(url)):
        _refuse(f"{name} has the url {shown(value)}; it must be https, because identity tokens travel there")
    return value


def _is_this_machine(url: SplitResult) -> bool:
    host = url.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse(problem: str) -> NoReturn:
    raise ModelProvenanceError(_CODE, problem)
