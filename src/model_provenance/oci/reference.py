"""`HOST/REPOSITORY[:TAG][@sha256:…]`: what names a model in a registry, parsed once (distribution-spec v1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

SCHEME = "oci://"
_LIMIT = 1024
#: The registry limits a repository's name together with its own to 255 characters; so do the tools that read it.
_REPOSITORY_LIMIT = 255
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
)
_PATH = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PATH}(?:/{_PATH})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_VERSION_TAG = re.compile(r"v?[0-9]+(?:\.[0-9]+)+(?:[._-].*)?", re.DOTALL)
#: Docker Hub is called one thing and reached at another.
_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository of a registry, and what is meant in it: a tag, a digest, or both (then the tag is only a name)."""

    host: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference, with or without `oci://`. Raises `registry.reference` with what is wrong."""
        rest = text.removeprefix(SCHEME)
        if len(rest) > _LIMIT:
            raise _wrong(text, f"it is longer than {_LIMIT} characters")
        if "://" in rest or "?" in rest or "#" in rest:
            raise _wrong(text, "it is an address of another kind")
        rest, at, digest = rest.partition("@")
        host, slash, path = rest.partition("/")
        path, colon, tag = path.partition(":")
        if not slash or not path:
            raise _wrong(text, "it has no repository after the host")
        if not ("." in host or ":" in host or host == "localhost"):
            raise _wrong(
                text, f"`{shown(host, 60)}` is not a registry; Docker Hub is written docker.io/{shown(rest, 100)}"
            )
        if not _HOST.fullmatch(host):
            raise _wrong(text, "its host cannot be one")
        if colon and not _TAG.fullmatch(tag):
            raise _wrong(text, f"`{shown(tag, 130)}` cannot be a tag")
        return cls(
            host.lower(),
            _repository(text, host.lower(), path),
            tag if colon else None,
            _digest(text, digest) if at else None,
        )

    @property
    def api_host(self) -> str:
        """Where the registry is reached."""
        return "registry-1.docker.io" if self.host in _HUB else self.host

    @property
    def is_hub(self) -> bool:
        """True for Docker Hub."""
        return self.host in _HUB

    def at(self, digest: Digest) -> str:
        """`HOST/REPOSITORY@sha256:…`, the form of every output (design, 4.4.8)."""
        return f"{self.host}/{self.repository}@{digest}"

    def with_tag(self, tag: str) -> Reference:
        """The same repository with a tag."""
        return replace(self, tag=tag, digest=None)

    @property
    def version(self) -> str | None:
        """The version that the tag says, without its `v`; None for a tag that is no version, like `latest`."""
        if self.tag is None or not _VERSION_TAG.fullmatch(self.tag):
            return None
        return self.tag.removeprefix("v")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def is_reference(text: str) -> bool:
    """True for a target that lies in a registry."""
    return text.startswith(SCHEME)


def _repository(text: str, host: str, path: str) -> str:
    if path != path.lower():
        raise _wrong(text, f"registries take lower case only: {shown(path.lower(), 200)}")
    if host in _HUB and "/" not in path:
        path = f"library/{path}"
    if not _REPOSITORY.fullmatch(path):
        raise _wrong(text, f"`{shown(path, 200)}` cannot be a repository")
    if len(host) + 1 + len(path) > _REPOSITORY_LIMIT:
        raise _wrong(text, f"host and repository are longer than {_REPOSITORY_LIMIT} characters")
    return path


def _digest(text: str, digest: str) -> Digest:
    try:
        return Digest.parse(digest)
    except ValueError as error:
        raise _wrong(text, str(error)) from error


def _wrong(text: str, why: str) -> ModelProvenanceError:
    return ModelProvenanceError("registry.reference", f"`{shown(text, 300)}`: {why}")
