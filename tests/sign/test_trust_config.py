"""Client trust configs: what is read from them, and what is refused before a token is sent anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from model_provenance.errors import ModelProvenanceError
from model_provenance.sign.trust_config import MEDIA_TYPE, TRUSTED_ROOT_MEDIA_TYPE, parse_trust_config


def config(**urls: str) -> dict[str, Any]:
    """A trust config of three services."""
    ca, log, stamp = (urls.get(name, f"https://{name}.example.com") for name in ("ca", "log", "stamp"))
    return {
        "mediaType": MEDIA_TYPE,
        "trustedRoot": {"mediaType": TRUSTED_ROOT_MEDIA_TYPE, "tlogs": []},
        "signingConfig": {
            "caUrls": [{"url": ca}],
            "rekorTlogUrls": [{"url": log}],
            "tsaUrls": [{"url": stamp}],
        },
    }


def refused(value: Any) -> str:
    """The message with which a trust config is refused, after the code has been checked."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse_trust_config(value if isinstance(value, bytes) else json.dumps(value).encode())
    assert caught.value.code == "sign.trust_config"
    assert caught.value.exit_status == 2
    return caught.value.message


def test_urls_and_root_are_taken_out() -> None:
    """The services are listed for messages, the trusted root comes out as JSON of its own."""
    value = config()
    trust = parse_trust_config(json.dumps(value).encode())
    assert trust.urls == ("https://ca.example.com", "https://log.example.com", "https://stamp.example.com")
    assert json.loads(trust.trusted_root) == value["trustedRoot"]
    assert trust.is_private


@pytest.mark.parametrize(
    "url", ["https://rekor.sigstore.dev", "https://fulcio.SIGSTAGE.dev:443", "https://sigstore.dev/"]
)
def test_a_file_that_leads_to_public_services_makes_nothing_private(url: str) -> None:
    """A trust config with one service of public Sigstore is not private: its log is read by the whole world."""
    assert not parse_trust_config(json.dumps(config(log=url)).encode()).is_private


def test_a_similar_name_is_another_host() -> None:
    """Only the hosts of public Sigstore count, not those that end alike."""
    assert parse_trust_config(json.dumps(config(log="https://notsigstore.dev")).encode()).is_private


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "http://rekor.localhost"])
def test_plain_http_is_for_this_machine(url: str) -> None:
    """A service on loopback may be http."""
    assert parse_trust_config(json.dumps(config(ca=url)).encode()).ca_urls == (url,)


@pytest.mark.parametrize(
    "url",
    [
        "http://fulcio.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "example.com",
        "https://",
        "https://user@example.com",
        "https://example.com?x=1",
        "https://example.com#x",
        "https://example.com:port",
        "https://[::1",
        "",
        "https://" + "x" * 3000,
    ],
)
def test_a_token_is_sent_nowhere_else(url: str) -> None:
    """Anything but https, or http to loopback, is refused: an identity token travels there."""
    refused(config(ca=url))


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "a trusted root alone": lambda c: c.update(mediaType=TRUSTED_ROOT_MEDIA_TYPE),
    "another media type": lambda c: c.update(mediaType="application/json"),
    "no trusted root": lambda c: c.pop("trustedRoot"),
    "no signing config": lambda c: c.pop("signingConfig"),
    "a root that is a list": lambda c: c.update(trustedRoot=[]),
    "no certificate authority": lambda c: c["signingConfig"].update(caUrls=[]),
    "no log": lambda c: c["signingConfig"].pop("rekorTlogUrls"),
    "services that are no list": lambda c: c["signingConfig"].update(caUrls={}),
    "a service that is text": lambda c: c["signingConfig"].update(caUrls=["https://example.com"]),
    "too many services": lambda c: c["signingConfig"].update(tsaUrls=[{"url": "https://example.com"}] * 65),
    "a path that would be dropped": lambda c: c["signingConfig"].update(caUrls=[{"url": "https://example.com/fulcio"}]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_trust_config_is_refused_for(what: str) -> None:
    """A config that cannot work is refused before anything is asked of anybody."""
    value = config()
    BROKEN[what](value)
    refused(value)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xff", b'{"mediaType":1}', b'{"a":1,"a":1}', b" " * (4 * 1024 * 1024 + 1)]
)
def test_what_is_no_trust_config_is_refused(data: bytes) -> None:
    """Other bytes, duplicated keys and files beyond 4 MiB are refused."""
    refused(data)


def test_a_trusted_root_is_told_apart() -> None:
    """Who gives a trusted root to sign with is told what else signing needs."""
    assert "trusted root" in refused({"mediaType": TRUSTED_ROOT_MEDIA_TYPE})
