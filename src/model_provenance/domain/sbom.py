"""What an SBOM says, before any format: engines give these facts, one writer per format renders them.

All text here is ready to be written: bounded, one line, without control characters (paths of files are exact).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model_provenance.domain.agents import Agent
from model_provenance.domain.context import Known
from model_provenance.domain.dataset_card import DatasetCard
from model_provenance.domain.digest import Digest
from model_provenance.domain.facts import Inspection
from model_provenance.domain.files import Role
from model_provenance.domain.finding import Finding
from model_provenance.domain.licenses import License
from model_provenance.domain.package import Layout


@dataclass(frozen=True, slots=True)
class Origin:
    """How a fact is known and where it was read, e.g. declared in `README.md`."""

    known: Known
    source: str = ""

    def __str__(self) -> str:
        return f"{self.known.value} ({self.source})" if self.source else self.known.value


OBSERVED = Origin(Known.OBSERVED)


@dataclass(frozen=True, slots=True)
class LicenseClaim:
    """A licence with who says so."""

    license: License
    origin: Origin


@dataclass(frozen=True, slots=True)
class Licensing:
    """Everything said about the licence of the model, and what follows from it."""

    claims: tuple[LicenseClaim, ...] = ()
    #: SPDX expression of what the authors declare; None where nothing is declared.
    declared: str | None = None
    #: The same where card, licence file and manifest do not contradict each other; else None.
    concluded: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """What kind of model it is: headers and configurations (observed) and the card (declared)."""

    architecture: str | None = None
    model_type: str | None = None
    task: str | None = None
    library: str | None = None
    languages: tuple[str, ...] = ()
    parameters: int | None = None
    element_types: tuple[tuple[str, int], ...] = ()
    formats: tuple[str, ...] = ()
    quantization: str | None = None
    #: As the header of the weights says.
    quantized_by: str | None = None
    tokenizer: str | None = None
    vocabulary_size: int | None = None
    #: `sha256:…` of the chat template.
    chat_template: str | None = None


@dataclass(frozen=True, slots=True)
class FileFact:
    """One file of the model; `path` is exact."""

    path: str
    size: int
    digest: Digest
    role: Role
    format: str
    inspection: Inspection
    #: Loading it the usual way can run code.
    executable: bool = False


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """Data the model was made or measured with."""

    name: str
    origin: Origin
    version: str | None = None
    digest: Digest | None = None
    url: str | None = None
    license: License | None = None
    #: It measured the model and did not make it.
    for_tests: bool = False
    #: What the manifest declares beside these, e.g. ("retention", "2 years"); the card is in it, too.
    notes: tuple[tuple[str, str], ...] = ()
    card: DatasetCard = field(default_factory=DatasetCard)


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A model that this one descends from."""

    name: str
    origin: Origin
    version: str | None = None
    digest: Digest | None = None
    purl: str | None = None
    #: How the model descends from it: one of `domain.facts.BASE_RELATIONS`; None where nobody says.
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class ContainerEntry:
    """A container that work on the model ran in: it built the model, it is not shipped with it."""

    name: str
    digest: Digest
    #: What ran in it: "release" or "training".
    role: str
    origin: Origin
    purl: str | None = None


@dataclass(frozen=True, slots=True)
class CommitEntry:
    """A commit of `repository` (`https://…`)."""

    repository: str
    revision: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class SoftwarePackage:
    """A software package that the model's files name (Syft)."""

    name: str
    version: str | None
    type: str
    purl: str | None
    license: License | None
    #: Files of the model that name it, relative; exact.
    locations: tuple[str, ...]

    @property
    def key(self) -> str:
        """What tells packages of one document apart."""
        return self.purl or f"{self.type}/{self.name}@{self.version or ''}"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the training ran with, as a file says that the user gave: built with, never shipped."""

    #: Name of the file.
    source: str
    digest: Digest
    #: In order of key; `locations` is empty.
    packages: tuple[SoftwarePackage, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One test or measurement of the model."""

    name: str
    result: str | None = None
    metric: str | None = None
    value: str | None = None
    dataset: str | None = None
    url: str | None = None
    #: Of the report.
    digest: Digest | None = None
    #: One of `domain.evaluation.KINDS`.
    kind: str | None = None
    #: The bounds that were declared for it, e.g. "at least 0.7"; None where there are none.
    bound: str | None = None
    #: The people, or the part of the data, that it was measured for.
    group: str | None = None
    #: The result file that the value was read from; None where somebody typed it.
    report: str | None = None

    @property
    def subject(self) -> str:
        """Name and metric, and in front of them that it is no measure of performance."""
        kind = f"{self.kind}: " if self.kind not in (None, "performance") else ""
        return kind + (f"{self.name}: {self.metric}" if self.metric else self.name)


@dataclass(frozen=True, slots=True)
class IpClaim:
    """Somebody's claim on the model or its data."""

    claimant: str
    claim: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model may and should be used for, as declared."""

    #: "allowed", "restricted", "forbidden"
    commercial: str | None = None
    intended: tuple[str, ...] = ()
    prohibited: tuple[str, ...] = ()
    claims: tuple[IpClaim, ...] = ()
    policy_url: str | None = None


@dataclass(frozen=True, slots=True)
class Declarations:
    """What only people can say about the model; all from the manifest."""

    hyperparameters: tuple[tuple[str, str], ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    usage: Usage = Usage()
    #: Where an imported model was published, and by whom.
    download_url: str | None = None
    publisher: Agent | None = None
    #: The supplier, where the manifest names one.
    supplier: Agent | None = None
    #: The notice, or "NONE".
    copyright: str | None = None
    #: Who answers for the data, on what ground, how long it is kept: ("retention", "P5Y").
    governance: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Distribution:
    """What is handed on: the archive, or the model index that names every blob."""

    #: As the manifest names the artifact.
    file_name: str
    digest: Digest
    #: Lower-case hex; None where nobody made it.
    sha512: str | None
    is_archive: bool


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that this description was made with."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class EngineScan:
    """What an SBOM engine beside the native one found, or why none ran."""

    packages: tuple[SoftwarePackage, ...] = ()
    #: The engine that ran; None where only the native one describes the model.
    tool: Tool | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class SbomSummary:
    """The SBOMs of a release in numbers, for reports."""

    #: e.g. "native, with Syft 1.18.1"
    engine: str
    files: int
    packages: int
    datasets: int
    base_models: tuple[str, ...]
    license: str | None


@dataclass(frozen=True, slots=True)
class SbomFacts:
    """One release, described. Equal facts give equal documents."""

    name: str
    version: str
    purl: str
    layout: Layout
    package_digest: Digest
    model_digest: Digest
    files_digest: Digest
    #: Whom the manifest names, else the owner of the repository that released; None where neither is known.
    supplier: Agent | None
    licensing: Licensing
    traits: ModelTraits
    #: In order of path.
    files: tuple[FileFact, ...]
    datasets: tuple[DatasetEntry, ...]
    base_models: tuple[BaseModel, ...]
    packages: tuple[SoftwarePackage, ...]
    containers: tuple[ContainerEntry, ...]
    release_commit: CommitEntry | None
    training_commit: CommitEntry | None
    tools: tuple[Tool, ...]
    #: field -> how it is known, for the facts of the model as a whole.
    origins: Mapping[str, Origin] = field(default_factory=dict)
    #: Seconds since 1970; None where no commit and no SOURCE_DATE_EPOCH gives a time.
    epoch: int | None = None
    declared: Declarations = Declarations()
    #: None only where what is shipped was not made, as when an SBOM is derived again.
    distribution: Distribution | None = None
    environment: Environment | None = None

    @property
    def maker(self) -> Agent | None:
        """Who made the model: the publisher of an imported one, else whom the manifest names as its supplier.

        None where the supplier was only observed: who owns a repository may have imported what lies in it.
        """
        if self.declared.publisher is not None or self.declared.download_url is not None:
            return self.declared.publisher
        return self.declared.supplier


@dataclass(frozen=True, slots=True)
class SbomBinding:
    """What an SBOM says it is about; the verifier compares it with what it observed."""

    name: str
    version: str
    package_digest: Digest
    model_digest: Digest
    files_digest: Digest
