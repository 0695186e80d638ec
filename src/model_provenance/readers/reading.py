"""What a reader is and what it gives back: the contract between the registry, the readers and the logical model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

from model_provenance.domain.facts import DatasetFact, Inspection, LicenseFact, TokenizerFacts
from model_provenance.domain.files import Role
from model_provenance.domain.finding import Finding
from model_provenance.readers.cursor import Cursor

#: Bytes at the beginning of a file that recognition may look at.
HEAD_SIZE = 512


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a file before a reader is chosen: its name and its first bytes."""

    path: str
    size: int
    role: Role
    data: bytes
    #: The last segment of the path, in lower case.
    name: str
    #: The last extension with its dot, in lower case; empty where there is none.
    suffix: str

    @classmethod
    def of(cls, path: str, size: int, role: Role, data: bytes) -> Head:
        """The head of the file at `path`, which begins with `data`."""
        name = path.rpartition("/")[2].lower()
        return cls(path, size, role, data, name, PurePosixPath(name).suffix)

    @property
    def folder(self) -> str:
        """The path of the folder, `.` at the root."""
        return str(PurePosixPath(self.path).parent)


class WeightKind(Enum):
    """Which part of a model the tensors of a file are."""

    MODEL = "model"
    ADAPTER = "adapter"
    #: Shipped beside the model and not part of its count: projector, importance matrix, vocabulary.
    AUXILIARY = "auxiliary"


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of one file."""

    tensors: int
    #: element type -> number of elements
    element_types: Mapping[str, int]
    kind: WeightKind = WeightKind.MODEL

    @property
    def parameters(self) -> int:
        """Elements of all tensors, as stored: packed quantised tensors count their packed elements."""
        return sum(self.element_types.values())


@dataclass(frozen=True, slots=True)
class RemoteCode:
    """One `auto_map` reference: a class that `trust_remote_code` loaders import and run."""

    #: As written, `modeling_x.XModel` or `owner/name--modeling_x.XModel`.
    reference: str
    #: Path in this model, or None where the code lies in another repository.
    path: str | None
    #: Whether a file of that name is all that makes it one; without the file it is a name of something else.
    only_with_file: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says. `details` goes to `FileFacts`; the rest is this file's part of the logical model."""

    details: Mapping[str, Any] = field(default_factory=dict)
    inspection: Inspection = Inspection.READ
    #: Where the reader knows better than its own name: a zip may be a PyTorch file or Keras.
    format: str | None = None
    weights: Weights | None = None
    architecture: str | None = None
    model_type: str | None = None
    quantization: str | None = None
    task: str | None = None
    library: str | None = None
    languages: tuple[str, ...] = ()
    tokenizer: TokenizerFacts | None = None
    licenses: tuple[LicenseFact, ...] = ()
    datasets: tuple[DatasetFact, ...] = ()
    base_models: tuple[str, ...] = ()
    #: One of `domain.facts.BASE_RELATIONS`.
    base_relation: str | None = None
    quantized_by: str | None = None
    #: Folders that are parts of this model (modules.json, model_index.json), relative to the file's own.
    components: tuple[str, ...] = ()
    #: Tensors per shard, by file name, as a shard index says.
    shards: Mapping[str, int] = field(default_factory=dict)
    #: Why loading this file the usual way can run code; None where nothing says so.
    executes: str | None = None
    remote_code: tuple[RemoteCode, ...] = ()
    findings: tuple[Finding, ...] = ()

    def with_finding(self, finding: Finding) -> Reading:
        """The same facts and one finding more."""
        return replace(self, findings=(*self.findings, finding))


@dataclass(frozen=True, slots=True)
class Reader:
    """One format: how it is recognised, who reads it, and what a person is told that it reads."""

    format: str
    #: Code of the finding when the file cannot be read.
    code: str
    #: One line per thing that is read; the documentation page is made of these.
    reads: tuple[str, ...]
    by_bytes: Callable[[Head], bool]
    by_name: Callable[[Head], bool]
    read: Callable[[Head, Cursor], Reading]
    #: What a file of this format may hold that a loader runs: a file that cannot be read counts as holding it. None where
    #: the format has nothing of the kind.
    may_hold: str | None = None


def never(_head: Head) -> bool:
    """For formats that have no first bytes, or no name, of their own."""
    return False


def named(*names: str) -> Callable[[Head], bool]:
    """Recognises files by their whole name, in lower case."""
    return lambda head: head.name in names


def suffixed(*suffixes: str) -> Callable[[Head], bool]:
    """Recognises files by their last extension."""
    return lambda head: head.suffix in suffixes
