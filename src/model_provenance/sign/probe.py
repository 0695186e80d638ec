"""Do the services of a Sigstore answer, and does this machine's clock agree with theirs? Nothing is signed or sent."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import requests

from model_provenance.domain.text import shown
from model_provenance.sign.instance import load_instance
from model_provenance.sign.patience import Patience

#: A server that does not know what it is asked answers; one whose service is away says so from here on.
_BROKEN, _UNKNOWN = 500, 501
#: What Fulcio and each Rekor show to anybody.
_BUNDLE, _LOG = "/api/v2/trustBundle", {1: "/api/v1/log", 2: "/api/v2/checkpoint"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one service: what went wrong, or the time that it gives, in seconds since 1970 (None where it gives none)."""

    url: str
    problem: str | None
    time: int | None


def services(trust_config: bytes | None) -> tuple[str, ...]:
    """Addresses of the services that would sign; public Sigstore's for None. Raises `sign.trust_config`, `sign.service`."""
    instance = load_instance(trust_config, rekor_version=None, patience=Patience(attempts=1, total=20.0))
    ca, log = (url.rstrip("/") for url in (instance.ca_url, instance.log_url))
    return (f"{ca}{_BUNDLE}", f"{log}{_LOG[instance.log_version]}", *instance.trust.timestamp_urls)


def ask(urls: Sequence[str], *, seconds: float = 5.0) -> tuple[Answer, ...]:
    """Ask each once, all at the same time. Any answer but a server's failure will do: what it says is not looked at."""
    with ThreadPoolExecutor(max(1, len(urls))) as pool:
        return tuple(pool.map(lambda url: _ask(url, seconds), urls))


def _ask(url: str, seconds: float) -> Answer:
    try:
        with requests.get(url, timeout=seconds, stream=True, allow_redirects=False) as response:
            status, date = response.status_code, response.headers.get("Date")
    except (requests.RequestException, ValueError) as error:
        return Answer(url, shown(f"{type(error).__name__}: {error}", 200), None)
    if status >= _BROKEN and status != _UNKNOWN:
        return Answer(url, f"it answers with status {status}", None)
    try:
        return Answer(url, None, None if date is None else int(parsedate_to_datetime(date).timestamp()))
    except ValueError:
        return Answer(url, None, None)
