"""A consistent release, made by the rooms that make releases. Tests break one thing and sign again with a good key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from model_provenance.describe.evaluations import with_results
from model_provenance.describe.manifest import complete
from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.describe.statements import StatementOptions, build_statements
from model_provenance.domain.context import CiRun, Context, Fact, Known, Provider, Visibility
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Statement
from model_provenance.domain.facts import FileFacts, Inspection, LicenseFact, ModelFacts
from model_provenance.domain.files import ModelFile
from model_provenance.domain.finding import Severity
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Archive, Blob, Layout, Package
from model_provenance.domain.result import Result
from model_provenance.domain.roles import role_of
from model_provenance.domain.verification import (
    EvidenceFiles,
    Expectation,
    KeyExpectation,
    Observed,
    Report,
    TargetKind,
    Trust,
)
from model_provenance.formats.identity import parse_signer
from model_provenance.formats.manifest import load_source
from model_provenance.formats.oms import files_digest, model_digest
from model_provenance.sign.key import KeySigner
from model_provenance.sign.keyless import KeylessSigner
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.verify.release import verify_release

FILES: Mapping[str, bytes] = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": b"weights" * 100,
    "README.md": b"# MiniLM",
    "LICENSE": b"Apache License",
    "tokenizer.json": b"{}",
}
SIGNER = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
Run = GitHubRun | GitLabRun
_MADE: dict[tuple[Any, ...], tuple[tuple[Statement, ...], dict[str, bytes]]] = {}


def model_files(files: Mapping[str, bytes]) -> tuple[ModelFile, ...]:
    """As the one read would report them."""
    return tuple(ModelFile(p, len(data), Digest.of(data), role_of(p)) for p, data in sorted(files.items()))


@dataclass(frozen=True)
class Draft:
    """An unsigned release of `files`; `run` is the CI job that made it, None for a person's machine."""

    files: Mapping[str, bytes] = field(default_factory=lambda: dict(FILES))
    name: str = "acme/minilm"
    version: str = "1.0.0"
    layout: Layout = Layout.LAYERS
    run: Run | None = None
    #: The source manifest (YAML).
    source: bytes | None = None

    @property
    def package(self) -> Package:
        """What packing would give; manifests and archive are stand-ins with digests of their own."""
        files = model_files(self.files)
        names, root = files_digest(files), model_digest(files)
        if self.layout.is_archive:
            digest = Digest.of(f"archive of {names}".encode())
            archive = Archive(f"model.{self.layout.value}", digest, 10, None)
            return Package(self.layout, files, root, names, digest, archive=archive)
        manifests = tuple(
            Blob(f"application/vnd.{kind}.manifest.v1+json", f"{kind} {names}".encode())
            for kind in ("oci.image", "cncf.model")
        )
        index = Blob("application/vnd.oci.image.index.v1+json", f"index of {names}".encode())
        return Package(self.layout, files, root, names, index.digest, documents=manifests, index=index)

    @property
    def context(self) -> Context:
        """What the runner says, or nothing."""
        run = None if self.run is None else ci_run(self.run)
        commit = None if run is None else f"git+{run.server_url}/{run.repository}@{run.commit}"
        known = Known.UNKNOWN if commit is None else Known.OBSERVED
        provider = Provider.LOCAL if run is None else run.provider
        unknown: Fact[str] = Fact(None, Known.UNKNOWN)
        visibility = Visibility.PUBLIC if run else Visibility.UNKNOWN
        return Context(provider, None, run, None, Fact(commit, known), unknown, unknown, None, visibility, None)

    def parts(self) -> tuple[tuple[Statement, ...], dict[str, bytes]]:
        """The statements, and the documents that lie in the release folder; the same draft is made once."""
        key = (tuple(sorted(self.files.items())), self.name, self.version, self.layout, self.run, self.source)
        if key not in _MADE:
            _MADE[key] = self._parts()
        statements, documents = _MADE[key]
        return statements, dict(documents)

    def _parts(self) -> tuple[tuple[Statement, ...], dict[str, bytes]]:
        package, context, facts = self.package, self.context, facts_of(self.files)
        source = None if self.source is None else with_results(load_source(self.source, "model.yaml"), ())[0]
        declared = {} if source is None else source.value
        sboms = build_sboms(SbomRequest(self.name, self.version, package, facts, context, declared)).documents
        manifest = complete(
            name=ModelName.parse(self.name),
            version=Version.parse(self.version),
            source=source,
            package=package,
            facts=facts,
            context=context,
            sboms=sboms,
            tool_version="0.0.1",
        )
        statements = build_statements(
            package=package,
            manifest=manifest,
            sboms=sboms,
            context=context,
            options=StatementOptions(),
            tool_version="0.0.1",
        )
        return statements, {s.file_name: s.data for s in sboms} | {"model-manifest.json": manifest.data}

    @property
    def statements(self) -> tuple[Statement, ...]:
        """`oms`, `manifest`, `spdx`, `cyclonedx`, `provenance`."""
        return self.parts()[0]

    @property
    def directory(self) -> Observed:
        """The model directory, read."""
        return Observed(TargetKind.DIRECTORY, model_files(self.files))

    @property
    def archive(self) -> Observed:
        """The archive, read."""
        return Observed(TargetKind.ARCHIVE, model_files(self.files), self.package.package_digest)

    @property
    def oci_layout(self) -> Observed:
        """The OCI layout, read."""
        package = self.package
        index, *manifests = package.manifest_digests
        return Observed(TargetKind.OCI_LAYOUT, model_files(self.files), index, tuple(manifests))


def facts_of(files: Mapping[str, bytes]) -> ModelFacts:
    """A model whose card names its licence."""
    return ModelFacts(
        files=tuple(FileFacts(path, "unknown", Inspection.NOT_INSPECTED) for path in sorted(files)),
        formats=(),
        parameters=None,
        element_types=(),
        architecture=None,
        model_type=None,
        task=None,
        library=None,
        languages=(),
        tokenizer=None,
        licenses=(LicenseFact("apache-2.0", "README.md"),) if "README.md" in files else (),
        datasets=(),
        base_models=(),
        executable=(),
    )


def ci_run(run: Run) -> CiRun:
    """The run as the context room reads it from environment and token."""
    if isinstance(run, GitLabRun):
        url = f"{run.server_url}/{run.project_path}/-/jobs/{run.job_id}"
        return CiRun(
            Provider.GITLAB, run.server_url, run.project_path, run.project_id, run.namespace_path, run.namespace_id,
            run.sha, run.full_ref, run.pipeline_source, run.config_ref_uri, run.sha, run.config_ref_uri, run.job_id,
            None, url, run.job, run.runner_environment, Visibility.PUBLIC,
        )  # fmt: skip
    url = f"{run.server_url}/{run.repository}/actions/runs/{run.run_id}/attempts/{run.run_attempt}"
    return CiRun(
        Provider.GITHUB, run.server_url, run.repository, run.repository_id, run.owner, run.owner_id, run.sha,
        run.git_ref, run.event_name, run.workflow_ref, run.sha, run.builder_ref, run.run_id, run.run_attempt, url,
        run.job, run.runner_environment, Visibility.PUBLIC,
    )  # fmt: skip


def edited(
    statements: Sequence[Statement], name: str, change: Callable[[dict[str, Any]], object], *, relink: bool = True
) -> tuple[Statement, ...]:
    """The statements with one changed; the provenance names the changed one unless `relink` is off."""
    made = [_changed(statement, change) if statement.name == name else statement for statement in statements]
    return relinked(made) if relink and name != "provenance" else tuple(made)


def _changed(statement: Statement, change: Callable[[dict[str, Any]], object]) -> Statement:
    value = json.loads(statement.payload)
    change(value)
    payload = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return replace(statement, payload=payload, predicate_type=value["predicateType"])


def relinked(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements with a provenance that names exactly the others."""
    others = [s for s in statements if s.name != "provenance"]
    byproducts = [
        {
            "name": s.name,
            "digest": {"sha256": s.digest.hex},
            "mediaType": "application/vnd.in-toto+json",
            "annotations": {"predicateType": s.predicate_type},
        }
        for s in others
    ]

    def change(value: dict[str, Any]) -> None:
        value["predicate"]["runDetails"]["byproducts"] = byproducts

    return edited(statements, "provenance", change)


KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def key_expectation(key: ec.EllipticCurvePrivateKey = KEY) -> KeyExpectation:
    """Signed by this key."""
    return KeyExpectation(KeySigner(key).public_key.pem)


def by_key(statements: Iterable[Statement], key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, bytes]:
    """Bundles by name."""
    return {bundle.name: bundle.data for bundle in KeySigner(key).sign(tuple(statements))}


def evidence(bundles: Mapping[str, bytes], documents: Mapping[str, bytes] | None = None) -> EvidenceFiles:
    """As the flow reads a folder."""
    return EvidenceFiles(
        tuple((f"{name}.sigstore.json", data) for name, data in bundles.items()), tuple((documents or {}).items())
    )


class Keyless:
    """The simulated Sigstore, and what is signed there; each run is one certificate."""

    default_run = GitHubRun()

    def __init__(self, sim: SigstoreSim) -> None:
        self.sim = sim
        self._made: dict[tuple[Any, ...], dict[str, bytes]] = {}

    @property
    def trust(self) -> Trust:
        """Only this Sigstore is trusted."""
        return Trust(self.sim.trusted_root.encode(), "custom")

    def sign(
        self, statements: Iterable[Statement], run: Run | None = None, *, token: str | None = None, rekor: int = 1
    ) -> dict[str, bytes]:
        """Bundles by name, under one certificate of `run`. Equal requests are signed once."""
        statements = tuple(statements)
        key = (statements, run, token, rekor)
        if key not in self._made:
            signer = KeylessSigner(
                trust_config=self.sim.trust_config_for(rekor_version=rekor).encode(),
                token=lambda: token or self.token(run or GitHubRun()),
            )
            self._made[key] = {bundle.name: bundle.data for bundle in signer.sign(statements)}
        return dict(self._made[key])

    def token(self, run: Run) -> str:
        """An identity token of the run."""
        return self.sim.issue_token(run.claims())


@pytest.fixture(scope="session")
def keyless() -> Iterator[Keyless]:
    """One simulated Sigstore for all tests."""
    with SigstoreSim() as sim:
        yield Keyless(sim)


@dataclass(frozen=True)
class Judge:
    """Verify with defaults: the good key, the right name and version."""

    def __call__(
        self, bundles: Mapping[str, bytes], observed: Observed, *, documents: Mapping[str, bytes] | None = None,
        trust: Trust | None = None, signer: Any = None, name: str | None = "acme/minilm",
        version: str | None = "1.0.0", digest: Digest | None = None, **more: Any,
    ) -> Report:  # fmt: skip
        """The report of one verification."""
        expectation = Expectation(signer or key_expectation(), name, version, digest, **more)
        return verify_release(evidence(bundles, documents), observed, expectation, trust or Trust(None))


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Verify a key-signed release."""
    return Judge()


@pytest.fixture(scope="session")
def judge_keyless(keyless: Keyless) -> Callable[..., Report]:
    """Verify a keyless release against the simulated Sigstore, expecting the GitHub signer of the default run."""

    def judge_(bundles: Mapping[str, bytes], observed: Observed, *, signer: Any = SIGNER, **more: Any) -> Report:
        expected = parse_signer(signer) if isinstance(signer, str) else signer
        return Judge()(bundles, observed, trust=more.pop("trust", keyless.trust), signer=expected, **more)

    return judge_


@pytest.fixture(scope="session")
def api() -> Any:
    """Everything in here: tests are imported by path, so it reaches them as a fixture."""
    import sys

    return sys.modules[__name__]


def failures(report: Report) -> set[str]:
    """Codes of everything that fails, without checks that were only blocked; a report that does not pass names one."""
    codes = {finding.id for finding in report.findings if finding.severity is Severity.ERROR}
    assert (report.result is Result.PASS) == (not codes)
    assert (report.exit_status == 0) == (report.result is Result.PASS)
    assert (report.verified is not None) == (report.result is Result.PASS)
    return codes - {"verify.blocked"} or codes


def warnings(report: Report) -> set[str]:
    """Codes of the warnings."""
    return {finding.id for finding in report.findings if finding.severity is Severity.WARNING}
