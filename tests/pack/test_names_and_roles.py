"""Roles and allowed names: told from the path alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.domain.files import Role
from model_provenance.domain.paths import FILE_LIMIT, PathSet, clash_key, path_problem
from model_provenance.domain.roles import role_of

ROLES = {
    Role.WEIGHT: "model-00001-of-00004.safetensors pytorch_model.bin 2_Dense/pytorch_model.bin adapter_model.bin m.gguf "
    "consolidated.00.pth model.ckpt onnx/model.onnx model.onnx_data model.onnx.data variables.data-00000-of-00002 tf_model.h5 "
    "model.keras w.npz emb.npy m.pkl flax_model.msgpack m.tflite rank0.engine m.mlmodel saved_model.pb MODEL.SAFETENSORS "
    "weights.pt weight.bin classifier.joblib",
    Role.TOKENIZER: "tokenizer.json tokenizer_config.json tokenizer.model vocab.txt vocab.json merges.txt spiece.model "
    "special_tokens_map.json added_tokens.json sentencepiece.bpe.model qwen.tiktoken source.spm tokenizer/merges.txt "
    "chat_template.jinja",
    Role.CONFIG: "config.json generation_config.json modules.json conf.yaml params.yml model.safetensors.index.json "
    "openvino_model.xml settings.toml",
    Role.CARD: "README.md readme.md MODEL_CARD.md",
    Role.LICENSE: "LICENSE LICENSE.txt LICENCE.md COPYING NOTICE LICENSE-APACHE LICENSE.apache-2.0 sub/LICENSE UNLICENSE",
    Role.CODE: "modeling_x.py tokenization_x.py run.sh kernel.cu demo.ipynb license.py",
    Role.DOC: "onnx/README.md USE_POLICY.md paper.pdf notes.txt figure.png",
    Role.OTHER: "training_args.bin data.parquet .gitkeep archive.zip .env noticeboard.dat",
}


@pytest.mark.parametrize(("role", "path"), [(role, path) for role, paths in ROLES.items() for path in paths.split()])
def test_the_role_of_a_file_is_told_by_its_name(role: Role, path: str) -> None:
    """Names that model hubs and trainers use are known."""
    assert role_of(path) is role


@given(st.text(max_size=40))
def test_every_name_has_a_role(path: str) -> None:
    """No name is without a role, and none raises."""
    assert isinstance(role_of(path), Role)


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a b/c d.json",
        "-rf",
        "--help",
        "模型/權重.bin",
        "é.json",
        "a\\b",
        "..a/b..",
        ".hidden",
        "a" * 255,
        "👩🏽‍🔬.txt",
    ],
)
def test_unusual_but_harmless_names_are_allowed(path: str) -> None:
    """Spaces, leading dashes, other scripts and backslashes are names like others."""
    assert path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "empty"),
        ("/a", "absolute"),
        ("a/", "normalised"),
        ("a//b", "normalised"),
        ("./a", "normalised"),
        ("a/../b", "normalised"),
        ("a\nb", "control"),
        ("a\x7fb", "control"),
        ("a\x1b[31m", "control"),
        ("a\u2028b", "control"),
        ("\u202egnp.exe", "control"),
        ("e\u0301", "normal form C"),
        ("a\udcff", "UTF-8"),
        ("a" * 256, "longer"),
        ("é" * 128, "longer"),
        ("a/" * 70 + "b", "deeper"),
        (("a" * 200 + "/") * 11 + "b", "longer"),
        (".wh.a", "wh"),
        ("a/.wh..wh..opq", "wh"),
    ],
)
def test_names_that_cannot_be_kept_the_same_everywhere_are_told(path: str, problem: str) -> None:
    """The reason names what is wrong."""
    assert problem in (path_problem(path) or "")


@given(st.text(min_size=1, max_size=20))
def test_names_that_clash_have_one_key(name: str) -> None:
    """Case and normal form do not tell names apart."""
    for form in ("NFC", "NFD"):
        assert clash_key(unicodedata.normalize(form, name)) == clash_key(name)
    if name.isascii():
        assert clash_key(name.upper()) == clash_key(name.lower())


def test_a_set_of_paths_admits_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders may be listed again, files may not, and neither without bound."""
    paths = PathSet()
    assert paths.add_file("a/b/c") is None
    assert paths.add_folder("a/b") is None
    assert paths.add_file("a/b/d") is None
    assert paths.add_file("a/b") == "it stands there twice"
    assert "folders" in (paths.add_file("A/x") or "")
    monkeypatch.setattr("model_provenance.domain.paths.FILE_LIMIT", 4)
    assert FILE_LIMIT == 100_000
    assert "more than 4" in (paths.add_file("y") or "") + (paths.add_file("z") or "")
