"""The runner's variables as parsed values. Any step of a job can set them, so they are bounded and typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from model_provenance.domain.context import Visibility
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_LONGEST = 2048
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+")
_NUMBER = re.compile(r"[0-9]{1,20}")


def visibility_named(value: object) -> Visibility:
    """Who may see a repository, in the words of both services; anything else is UNKNOWN, which counts as private."""
    return Visibility(value) if value in ("public", "internal", "private") else Visibility.UNKNOWN


class Variables:
    """Reads variables of one CI; every error is `context.runner` and names variable and service."""

    def __init__(self, env: Mapping[str, str], service: str) -> None:
        self._env = env
        self._service = service

    def optional(self, name: str) -> str | None:
        """The value; None where it is unset or empty, as runners leave what does not apply."""
        value = self._env.get(name)
        if not value:
            return None
        if len(value) > _LONGEST or not value.isprintable():
            raise self._error(name, "is too long or holds control characters")
        return value

    def required(self, name: str) -> str:
        """A value that every runner sets."""
        value = self.optional(name)
        if value is None:
            raise self._error(name, "is not set")
        return value

    def commit(self, name: str) -> str:
        """A full commit id."""
        return self._formed(name, _COMMIT, "a full commit id")

    def number(self, name: str) -> str:
        """A decimal number, kept as text: it is only ever compared."""
        return self._formed(name, _NUMBER, "a number")

    def path(self, name: str) -> str:
        """`owner/repository`, or `group/…/project`."""
        value = self._formed(name, _PATH, "a repository path")
        if any(part in (".", "..") for part in value.split("/")):
            raise self._error(name, "is not a repository path")
        return value

    def ref(self, name: str) -> str:
        """A full git ref."""
        value = self.required(name)
        if not value.startswith("refs/"):
            raise self._error(name, f"is not a full git ref: {shown(value)}")
        return value

    def server(self, name: str) -> str:
        """The web address of a server, without credentials, query or trailing slash."""
        value = self.required(name).rstrip("/")
        try:
            parts = urlsplit(value)
            formed = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        except ValueError:
            formed = False
        if not formed or parts.query or parts.fragment:
            raise self._error(name, "is not the web address of a server")
        return value

    def _formed(self, name: str, form: re.Pattern[str], what: str) -> str:
        value = self.required(name)
        if not form.fullmatch(value):
            raise self._error(name, f"is not {what}: {shown(value)}")
        return value

    def _error(self, name: str, why: str) -> ModelProvenanceError:
        return ModelProvenanceError(
            "context.runner",
            f"this runs on {self._service}, but its variable {name} {why}",
            remedy=f"Run in the job itself; a container that it starts needs it too: `docker run -e {name} …`.",
        )
