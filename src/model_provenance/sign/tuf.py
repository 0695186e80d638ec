"""The trust of a private Sigstore from its TUF repository: an address, or a folder that somebody carried here.

What is fetched counts only if its metadata leads to it from the root that the caller has from somewhere else. Metadata is
kept, so that an older version of the repository is recognised as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater  # type: ignore[attr-defined]  # no __all__

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

TRUSTED_ROOT, SIGNING_CONFIG = "trusted_root.json", "signing_config.v0.2.json"
_LIMIT = 8 * 1024 * 1024
_MISSING = 404


@dataclass(frozen=True, slots=True)
class Trust:
    """What the repository publishes; `signing_config` is None where it publishes none."""

    trusted_root: bytes
    signing_config: bytes | None


def fetch_trust(mirror: str, root: bytes, store: Path) -> Trust:
    """Refresh `store` from `mirror` (https://, http:// on this machine, or a folder) and return what it publishes.

    Raises `trust.tuf` where the metadata does not lead there from `root`, is older than what is stored, or has expired;
    `trust.mirror` where the mirror does not answer or is no address.
    """
    base, fetcher = _source(mirror)
    store.mkdir(parents=True, exist_ok=True)
    targets = store / "targets"
    targets.mkdir(exist_ok=True)
    try:
        updater = Updater(str(store), f"{base}/", str(targets), f"{base}/targets/", fetcher=fetcher, bootstrap=root)
        updater.refresh()
        trusted_root = _target(updater, TRUSTED_ROOT)
        if trusted_root is None:
            raise ModelProvenanceError("trust.tuf", f"the repository publishes no {TRUSTED_ROOT}")
        return Trust(trusted_root, _target(updater, SIGNING_CONFIG))
    except ExpiredMetadataError as error:
        raise ModelProvenanceError(
            "trust.tuf",
            f"the repository has expired: {shown(str(error))}",
            remedy="Ask who runs the private Sigstore to sign its metadata again; a mirror must be refreshed, too.",
        ) from error
    except DownloadError as error:
        raise ModelProvenanceError("trust.mirror", f"{shown(mirror, 400)}: {shown(str(error), 300)}") from error
    except (RepositoryError, ValueError) as error:
        reason = shown(f"{type(error).__name__}: {error}", 300)
        raise ModelProvenanceError(
            "trust.tuf", f"the repository does not follow from the given root ({reason})"
        ) from error


def _target(updater: Updater, name: str) -> bytes | None:
    listed = updater.get_targetinfo(name)
    return None if listed is None else Path(updater.download_target(listed)).read_bytes()


def _source(mirror: str) -> tuple[str, FetcherInterface | None]:
    """The base address, and what fetches from it (None: the library's own, over HTTP)."""
    parts = urlsplit(mirror)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        return mirror.rstrip("/"), None
    if parts.scheme in ("", "file"):
        folder = Path(url2pathname(parts.path) if parts.scheme else mirror).resolve()
        if folder.is_dir():
            return folder.as_uri(), _FolderFetcher(folder)
        raise ModelProvenanceError("trust.mirror", f"{shown(mirror, 400)} is no folder")
    raise ModelProvenanceError(
        "trust.mirror", f"{shown(mirror, 400)} is neither https://, nor a folder, nor http:// on this machine"
    )


class _FolderFetcher(FetcherInterface):
    """Reads what lies in one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(url2pathname(urlsplit(url).path)).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise DownloadHTTPError("not in the folder", _MISSING)
        try:
            with path.open("rb") as file:
                yield file.read(_LIMIT)
        except OSError as error:
            raise DownloadError(str(error)) from error
