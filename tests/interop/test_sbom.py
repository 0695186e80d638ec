"""SBOMs before validators that others wrote in other languages, and with the Syft of today beside that of the wheel."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from tests.describe_sbom.models import MANIFEST
from tests.interop.releasing import command
from tests.sbom_flows.kinds import KINDS, gguf, model_of, sharded

Validate = Callable[..., subprocess.CompletedProcess[str]]
FORMATS = ("cyclonedx-json", "cyclonedx-json@1.7")


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The real model of the demo, and one of each other kind."""
    return model_of(request.param, tmp_path / "model")


@pytest.fixture
def validate(tools: ModuleType) -> Validate:
    """`cdx-validate` of OWASP cdxgen: schema, references and package URLs, in JavaScript."""
    folder = tools.sigstore_js()

    def run(path: Path) -> subprocess.CompletedProcess[str]:
        words = [str(folder / "node" / "bin" / "node"), str(folder / "node_modules" / ".bin" / "cdx-validate")]
        # Its benchmarks ask for end-of-life data and the like; what is held here is that the document is valid.
        words += [
            "-i",
            str(path),
            "--strict",
            "--fail-severity",
            "critical",
            "-r",
            "json",
            "-o",
            str(path.with_suffix(".report")),
        ]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.matrix("validators", "cdx-validate {format}, {model}", "@cyclonedx/cdxgen 12.8.4")
def test_cdx_validate_finds_no_fault(model: Path, format: str, validate: Validate, tmp_path: Path) -> None:
    """Schema and deep validation pass, for the real model and every generated kind, with all that people declare."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(MANIFEST))
    for name, more in (("bare", ()), ("declared", ("--manifest", str(manifest)))):
        made = sbom(model, format, tmp_path / name, *more)
        done = validate(made / "sbom.cdx.json")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        report = json.loads((made / "sbom.cdx.report").read_text())
        assert report["schemaValid"] is True
        assert report["deepValid"] is True


def test_cdx_validate_would_say_so(validate: Validate, tmp_path: Path) -> None:
    """A component without a name, and a reference to nothing, are faults to it: the test above can fail."""
    folder = tmp_path / "model"
    folder.mkdir()
    gguf(folder)
    path = sbom(folder, FORMATS[0], tmp_path / "made") / "sbom.cdx.json"
    value = json.loads(path.read_text())
    del value["metadata"]["component"]["name"]
    path.write_text(json.dumps(value))
    assert validate(path).returncode != 0


@pytest.mark.matrix("validators", "packages of {version} merged", "Syft")
@pytest.mark.parametrize("version", ["1.18.1", "1.51.0"])
def test_what_syft_finds_is_merged(version: str, tools: ModuleType, tmp_path: Path) -> None:
    """The wheel's Syft and the newest one: its packages are in the document, its version is recorded, ours stays ours."""
    folder = tmp_path / "model"
    folder.mkdir()
    sharded(folder)
    more = ["--sbom-engine", "syft"]
    if version != "1.18.1":
        more += ["--syft", str(tools.program("syft"))]
    made = sbom(folder, FORMATS[0], tmp_path / "made", *more)
    value = json.loads((made / "sbom.cdx.json").read_text())
    names = {component["name"] for component in value["components"]}
    assert {"numpy", "requests"} <= names
    named = {(tool["name"].lower(), tool["version"]) for tool in value["metadata"]["tools"]["components"]}
    assert ("syft", version) in named
    models = [
        c for c in [value["metadata"]["component"], *value["components"]] if c["type"] == "machine-learning-model"
    ]
    # Three shards and what Syft calls models are one model here; its base model is the other.
    assert models[0]["name"] == "model"
    assert len([each for each in models if each["name"].startswith("model")]) == 1


def sbom(model: Path, format: str, output: Path, *more: str) -> Path:
    """`sbom MODEL --sbom FORMAT --output DIR`."""
    engine = () if "--sbom-engine" in more else ("--sbom-engine", "native")
    words = ["sbom", str(model), "--name", "model", "--version", "1.0.0", "--sbom", format, "--output", str(output)]
    done = command([*words, *engine, *more], env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return output
