"""A git remote as the address of a repository: `https://host/path`, without credentials.

Remotes in CI carry tokens (`https://oauth2:TOKEN@host/…`, `?private_token=…`), and what is recorded is signed and
published. Only host and path are kept, so nothing has to be recognised as a secret.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
#: `user@host:path`; one letter before the colon is a drive, `//` after it a URL, and `::` a helper program.
_SCP = re.compile(r"(?:[^@/:\s]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]+):(?P<path>(?!//|:)[^\\]+)")
_WEB = ("http", "https")
_OTHER = ("ssh", "git", "git+ssh", "ssh+git", "git+https", "git+http")
_USERINFO = re.compile(r"//[^/\s]*@")
_LONGEST = 2000


def repository_url(remote: str) -> str | None:
    """`https://host[:port]/path` of a remote, without `.git`; None for local paths and what is not understood.

    A port is kept only from web addresses: that of SSH is another service's.
    """
    if len(remote) > _LONGEST or not remote.isprintable():
        return None
    if "://" not in remote:
        match = _SCP.fullmatch(remote)
        return None if match is None else _address(match["host"], None, match["path"])
    try:
        parts = urlsplit(remote)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if host is None or parts.scheme not in _WEB + _OTHER:
        return None
    return _address(host, port if parts.scheme in _WEB else None, parts.path)


def without_credentials(text: str) -> str:
    """`text`, for a message, without what stands before the host of an address in it."""
    return _USERINFO.sub("//", text)


def _address(host: str, port: int | None, path: str) -> str | None:
    segments = [segment for segment in path.split("/") if segment]
    if not segments or not _HOST.fullmatch(host) or any(segment in (".", "..") for segment in segments):
        return None
    if "@" in path:  # a password with a slash in it makes its rest, and the real host, look like a path
        return None
    segments[-1] = segments[-1].removesuffix(".git")
    if not segments[-1]:
        return None
    shown_port = "" if port is None or port in (80, 443) else f":{port}"
    return f"https://{host.lower()}{shown_port}/{quote('/'.join(segments), safe='/~%+._-')}"
