"""Releases described by hand: a package, what its files say, a run on GitHub, on GitLab and on a desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from model_provenance.describe.evaluations import with_results
from model_provenance.describe.manifest import complete
from model_provenance.describe.statements import StatementOptions, build_statements
from model_provenance.domain.context import CiRun, Context, Fact, GitState, Identity, Known, Provider, Visibility
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, SbomDocument, Statement
from model_provenance.domain.facts import DatasetFact, LicenseFact, ModelFacts
from model_provenance.domain.files import ModelFile
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Archive, Blob, Layout, Package
from model_provenance.domain.roles import role_of
from model_provenance.formats.canonical import document
from model_provenance.formats.manifest import load_source
from model_provenance.formats.oms import files_digest, model_digest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TRAINED = "fedcba9876543210fedcba9876543210fedcba98"
CONTAINER = f"sha256:{'c' * 64}"
#: 2023-11-14T22:13:20Z
EPOCH = 1_700_000_000

LOCAL = Context(
    provider=Provider.LOCAL,
    git=GitState("/src", COMMIT, EPOCH, dirty=False, shallow=False, remote="https://github.com/acme/minilm", tag=None),
    run=None,
    identity=None,
    release_commit=Fact(f"git+https://github.com/acme/minilm@{COMMIT}", Known.OBSERVED, "git"),
    training_commit=Fact(None, Known.UNKNOWN),
    container_digest=Fact(None, Known.UNKNOWN),
    container_image=None,
    visibility=Visibility.UNKNOWN,
    epoch=EPOCH,
)
GITHUB_RUN = CiRun(
    provider=Provider.GITHUB,
    server_url="https://github.com",
    repository="acme/minilm",
    repository_id="101",
    owner="acme",
    owner_id="7",
    commit=COMMIT,
    ref="refs/tags/v1.2.0",
    event="push",
    config_uri="acme/minilm/.github/workflows/release.yml@refs/tags/v1.2.0",
    config_commit=COMMIT,
    builder_uri="org/model-provenance/.github/workflows/release-model.yml@refs/tags/v1",
    run_id="42",
    run_attempt="2",
    run_url="https://github.com/acme/minilm/actions/runs/42/attempts/2",
    job="release",
    runner_environment="github-hosted",
    visibility=Visibility.PUBLIC,
    actor="somebody",
    environment="production",
)
GITHUB = replace(
    LOCAL,
    provider=Provider.GITHUB,
    run=GITHUB_RUN,
    identity=Identity("https://token.actions.githubusercontent.com", "repo:acme/minilm", "sigstore", 0, personal=False),
    release_commit=Fact(f"git+https://github.com/acme/minilm@{COMMIT}", Known.OBSERVED, "identity token"),
    training_commit=Fact(f"git+https://github.com/acme/train@{TRAINED}", Known.DECLARED, "the source manifest"),
    container_digest=Fact(CONTAINER, Known.OBSERVED, "release.yml at 0123456789ab, job release"),
    container_image="ghcr.io/acme/trainer",
    visibility=Visibility.PUBLIC,
)
GITLAB = replace(
    LOCAL,
    provider=Provider.GITLAB,
    run=replace(
        GITHUB_RUN,
        provider=Provider.GITLAB,
        server_url="https://gitlab.example.com",
        repository="ml/team/minilm",
        config_uri="gitlab.example.com/ml/team/minilm//.gitlab-ci.yml@refs/heads/main",
        builder_uri="gitlab.example.com/ml/team/minilm//.gitlab-ci.yml@refs/heads/main",
        ref="refs/heads/main",
        run_url="https://gitlab.example.com/ml/team/minilm/-/jobs/42",
        run_attempt=None,
    ),
    release_commit=Fact(f"git+https://gitlab.example.com/ml/team/minilm@{COMMIT}", Known.OBSERVED, "identity token"),
)

NO_FACTS = ModelFacts(
    files=(),
    formats=(),
    parameters=None,
    element_types=(),
    architecture=None,
    model_type=None,
    task=None,
    library=None,
    languages=(),
    tokenizer=None,
    licenses=(),
    datasets=(),
    base_models=(),
    executable=(),
)
CARD_FACTS = replace(
    NO_FACTS,
    licenses=(LicenseFact("apache-2.0", "README.md"),),
    datasets=(DatasetFact("wiki", "README.md"), DatasetFact("s2orc", "README.md")),
    base_models=("nreimers/MiniLM-L6-H384-uncased",),
)
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "README.md": b"card", "LICENSE": b"text"}


def package_of(layout: Layout, files: Mapping[str, bytes]) -> Package:
    """A package of these files, with documents and an index, or an archive."""
    models = tuple(ModelFile(path, len(data), Digest.of(data), role_of(path)) for path, data in files.items())
    names = files_digest(models)
    if layout.is_archive:
        digest = Digest.of(f"archive {layout.value} {names}".encode())
        compression = None if layout is Layout.TAR else "gzip level 6, zlib 1.3.1"
        archive = Archive(f"minilm.{layout.value}", digest, 10, compression)
        return Package(layout, models, model_digest(models), names, digest, archive=archive)
    image = Blob("application/vnd.oci.image.manifest.v1+json", f"image {layout.value} {names}".encode())
    config = Blob("application/vnd.oci.image.config.v1+json", b"{}")
    pack = Blob("application/vnd.oci.image.manifest.v1+json", f"model {layout.value} {names}".encode())
    index = Blob("application/vnd.oci.image.index.v1+json", f"index {layout.value} {names}".encode())
    documents = (config, image, pack)
    return Package(layout, models, model_digest(models), names, index.digest, documents=documents, index=index)


def sboms_of(size: int = 0) -> tuple[SbomDocument, ...]:
    """Two small SBOMs; the first is made larger than `size` bytes."""
    spdx = document({"spdxVersion": "SPDX-2.3", "comment": "x" * size})
    cyclonedx = document({"bomFormat": "CycloneDX"})
    return (
        SbomDocument("sbom.spdx.json", "application/spdx+json", Predicate.SPDX, spdx),
        SbomDocument("sbom.cdx.json", "application/vnd.cyclonedx+json", Predicate.CYCLONEDX, cyclonedx),
    )


@dataclass(frozen=True)
class Release:
    """What a release is described from; every part can be replaced."""

    source: bytes | None = None
    layout: Layout = Layout.LAYERS
    files: Mapping[str, bytes] = field(default_factory=lambda: FILES)
    facts: ModelFacts = NO_FACTS
    context: Context = LOCAL
    sboms: tuple[SbomDocument, ...] = field(default_factory=sboms_of)
    name: str = "acme/minilm"
    version: str = "1.2.0"
    syft: str | None = None
    options: StatementOptions = field(default_factory=StatementOptions)

    @property
    def package(self) -> Package:
        """The package of the files."""
        return package_of(self.layout, self.files)

    @property
    def manifest(self) -> ReleasedManifest:
        """The released manifest."""
        return complete(
            name=ModelName.parse(self.name),
            version=Version.parse(self.version),
            source=None if self.source is None else with_results(load_source(self.source, "model.yaml"), ())[0],
            package=self.package,
            facts=self.facts,
            context=self.context,
            sboms=self.sboms,
            tool_version="0.1.0",
            syft_version=self.syft,
        )

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement."""
        return build_statements(
            package=self.package,
            manifest=self.manifest,
            sboms=self.sboms,
            context=self.context,
            options=self.options,
            tool_version="0.1.0",
        )


MakeRelease = Callable[..., Release]


@pytest.fixture(name="release", scope="session")
def _release() -> MakeRelease:
    """A local release without declarations, but for the changes given; contexts and facts by name or value."""
    named: dict[str, Any] = {"local": LOCAL, "github": GITHUB, "gitlab": GITLAB, "card": CARD_FACTS}

    def make(**changes: Any) -> Release:
        return Release(
            **{key: named.get(value, value) if isinstance(value, str) else value for key, value in changes.items()}
        )

    return make
