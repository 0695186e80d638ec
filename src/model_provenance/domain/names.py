"""The two names that people choose for a release, parsed once: safe in a path, a tag and a message."""

from __future__ import annotations

import re
from dataclasses import dataclass

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

#: Together with a version, an extension and `.sha256`, a file name stays below 255 bytes.
_NAME_LIMIT = 100
#: A segment starts with a letter or digit (never an option, a hidden file or `..`) and does not end with a dot.
_SEGMENT = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9_-])?")
#: OCI distribution-spec v1.1, "Pulling manifests": a tag; so every version can be one.
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True, order=True)
class ModelName:
    """`acme/minilm`: segments of `[a-z0-9._-]` joined by `/`."""

    text: str

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """Read a name; raises `manifest.name` with what is wrong."""
        problem = _name_problem(text)
        if problem:
            raise ModelProvenanceError("manifest.name", f"`{shown(text)}` is not a model name: {problem}")
        return cls(text)

    @property
    def file_stem(self) -> str:
        """The name as part of a file name: `acme-minilm`."""
        return self.text.replace("/", "-")

    @property
    def last(self) -> str:
        """The last segment, `minilm`: what the OMS subject is called."""
        return self.text.rpartition("/")[2]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """`1.4.0`: any text that is an OCI tag and holds a digit. Its order is that of the text, not of the releases."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read a version; raises `manifest.version` with what is wrong."""
        problem = _version_problem(text)
        if problem:
            raise ModelProvenanceError("manifest.version", f"`{shown(text)}` is not a version: {problem}")
        return cls(text)

    @property
    def file_stem(self) -> str:
        """The version as part of a file name, and as a tag: itself."""
        return self.text

    def __str__(self) -> str:
        return self.text


def release_stem(name: ModelName, version: Version) -> str:
    """`acme-minilm-1.4.0`: what a release's archive and folder are called."""
    return f"{name.file_stem}-{version.file_stem}"


def _name_problem(text: str) -> str | None:
    if not text:
        return "it is empty"
    if len(text) > _NAME_LIMIT:
        return f"it has {len(text)} characters, more than {_NAME_LIMIT}"
    if text != text.lower():
        return "it holds capital letters, which registries refuse; write it in lower case"
    if not all(_SEGMENT.fullmatch(segment) for segment in text.split("/")):
        return "its segments, joined by `/`, are made of a-z, 0-9, `.`, `_` and `-` and start with a letter or a digit"
    return None


def _version_problem(text: str) -> str | None:
    if not text:
        return "it is empty"
    if "+" in text:
        return "`+` cannot stand in an OCI tag; write `-` or `_` before the build part"
    if not _TAG.fullmatch(text) or text.endswith("."):
        return (
            "it is made of at most 128 letters, digits, `.`, `_` and `-`,"
            " starts with a letter, a digit or `_` and does not end with a dot"
        )
    if not any(character.isdigit() for character in text):
        return "it has no digit; a name like `latest` moves, a version names one release for ever"
    return None
