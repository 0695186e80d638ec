"""What the readers found in model files: facts, not documents; the SBOM writers render them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from model_provenance.domain.finding import Finding


class Inspection(Enum):
    """How far one file was looked into; there is no silence."""

    READ = "read"
    RECOGNISED = "recognised"
    NOT_INSPECTED = "not-inspected"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file. `details` holds only JSON values, bounded by the reader."""

    path: str
    format: str
    inspection: Inspection
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LicenseFact:
    """A licence named in the model: from the card, a licence file or a GGUF header. `text` is None unless short."""

    #: As written by the author: `apache-2.0`, `llama3.1`, `other`.
    identifier: str
    source: str
    name: str | None = None
    link: str | None = None


#: How a model may descend from its base models, in the words of model hubs' cards.
BASE_RELATIONS = ("finetune", "adapter", "merge", "quantized")


@dataclass(frozen=True, slots=True)
class DatasetFact:
    """A dataset named by the card (declared; a name without a digest)."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """The tokenizer, where there is one."""

    type: str | None
    vocabulary_size: int | None
    #: `sha256:…` of the chat template text.
    chat_template_digest: str | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One logical model: shards are one, adapters know their base."""

    files: tuple[FileFacts, ...]
    formats: tuple[str, ...]
    parameters: int | None
    #: tensor element type -> number of parameters
    element_types: tuple[tuple[str, int], ...]
    architecture: str | None
    model_type: str | None
    task: str | None
    library: str | None
    languages: tuple[str, ...]
    tokenizer: TokenizerFacts | None
    licenses: tuple[LicenseFact, ...]
    datasets: tuple[DatasetFact, ...]
    #: Names (hub ids) of base models, from card, adapter config or GGUF.
    base_models: tuple[str, ...]
    #: Files that can execute code when loaded the usual way (pickles, remote code).
    executable: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    #: `Q4_K_M` (GGUF file type), `gptq-4bit` (configuration); None where nothing says so.
    quantization: str | None = None
    #: Base model -> one of `BASE_RELATIONS`, by the file that names both: card, adapter or merge; never guessed from types.
    base_relations: Mapping[str, str] = field(default_factory=dict)
    #: The same by a file that names no base model. Where there are several, nobody knows which it means.
    base_relation: str | None = None
    #: Who quantised the weights, as their header says.
    quantized_by: str | None = None
    #: Path of the one file that says it, for `task`, `library`, `languages` and `quantized-by`; "" where several do.
    sources: Mapping[str, str] = field(default_factory=dict)
