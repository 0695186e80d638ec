"""What must not be released: secrets, and what is not a model, with the words that help."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.pack.conftest import MakeModel

from model_provenance.errors import ModelProvenanceError
from model_provenance.pack.refuse import check_model
from model_provenance.pack.walk import walk

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 437951328\n"


def checked(root: Path) -> ModelProvenanceError | None:
    """The refusal of a model's contents, or None."""
    with walk(root) as inventory:
        try:
            check_model(inventory)
        except ModelProvenanceError as error:
            return error
    return None


@pytest.mark.parametrize(
    "path",
    [
        "sub/.git/config", "deep/er/.git", ".env", "app/.env.production", ".envrc", ".netrc", "_netrc", ".npmrc", ".pypirc",
        ".git-credentials", ".aws/credentials", ".azure/tokens.json", ".kube/config", "kubeconfig", ".docker/config.json",
        ".config/gcloud/credentials.db", "application_default_credentials.json", ".cache/huggingface/token",
        ".huggingface/token", "home/.cache/huggingface/stored_tokens", ".ssh/config", "id_rsa", "keys/id_ed25519",
        "cosign.key", "kaggle.json", ".vault-token", ".NETRC",
    ],
)  # fmt: skip
def test_credentials_are_refused_by_name(make_model: MakeModel, path: str) -> None:
    """At any depth; the message says what it is and the remedy how to go on."""
    root = make_model({"config.json": b"{}", path: b"x"})
    with pytest.raises(ModelProvenanceError) as caught:
        walk(root)
    assert (caught.value.code, caught.value.exit_status) == ("pack.secret", 2)
    assert "--ignore-path" in caught.value.remedy
    first = next(part for part in (path, *(str(p) for p in Path(path).parents)) if f"{part}: " in caught.value.message)
    with walk(root, ignore=[first]) as inventory:
        assert [entry.path for entry in inventory.entries] == ["config.json"]


@pytest.mark.parametrize(
    "path",
    [".env.example", "env", ".gitkeep", "token", "huggingface/token", "id_rsa.pub", "tokenizer.key", "config", ".hf"],
)
def test_names_that_only_look_alike_are_let_through(make_model: MakeModel, path: str) -> None:
    """Examples, public keys and a tokenizer's files are parts of a model."""
    assert checked(make_model({"a": b"1", path: b"x"})) is None


def test_a_foreign_model_is_listed_with_all_its_files(make_model: MakeModel) -> None:
    """Verifying somebody else's model must see what was signed, credentials and nested repositories included."""
    root = make_model({"a": b"", ".env": b"", "sub/.git/config": b""})
    with walk(root, refuse_secrets=False) as inventory:
        assert [entry.path for entry in inventory.entries] == [".env", "a", "sub/.git/config"]


SECRETS = {
    "key.txt": b"-----BEGIN PRIVATE KEY-----\nMIG",
    "a.json": b"\xef\xbb\xbf  \n-----BEGIN OPENSSH PRIVATE KEY-----\n",
    "release.key": b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
    "server.pem": b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n",
    "sa.json": json.dumps({"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nx"}).encode(),
    "login.ppk": b"PuTTY-User-Key-File-3: ssh-ed25519",
}


@pytest.mark.parametrize("name", SECRETS)
def test_private_keys_are_refused_by_content(make_model: MakeModel, name: str) -> None:
    """Under any name, in PEM, OpenSSH, cosign and PuTTY form, and inside a service account file."""
    error = checked(make_model({"a": b"1", name: SECRETS[name]}))
    assert error is not None
    assert error.code == "pack.secret"
    assert name in error.message


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("server.pem", b"-----BEGIN CERTIFICATE-----\n"),
        ("key.pub", b"-----BEGIN PUBLIC KEY-----\n"),
        ("README.md", b"# Keys\nA PEM key starts with -----BEGIN PRIVATE KEY-----\n"),
        ("data.bin", b"-----BEGIN PRIVATE KEY-----" + b"x" * 70000),
    ],
)
def test_what_only_mentions_keys_is_let_through(make_model: MakeModel, name: str, data: bytes) -> None:
    """Certificates, public keys and prose."""
    assert checked(make_model({"a": b"1", name: data})) is None


def test_a_git_lfs_pointer_is_refused_with_the_real_size(make_model: MakeModel) -> None:
    """Whatever the file is called; the remedy has the three ways to fetch the content, and nothing turns this off."""
    error = checked(make_model({"model.safetensors": POINTER, "vocab.txt": POINTER, "config.json": b"{}"}))
    assert error is not None
    assert (error.code, error.exit_status) == ("pack.lfs_pointer", 2)
    assert "model.safetensors: a Git LFS pointer in place of a file of 438.0 MB" in error.message
    assert "vocab.txt" in error.message
    for word in ("git lfs pull", "lfs: true", "GIT_LFS_SKIP_SMUDGE"):
        assert word in error.remedy


def test_a_pointer_is_told_by_its_form(make_model: MakeModel) -> None:
    """A pointer without a size is one, a document about pointers is not."""
    assert checked(make_model({"a.bin": POINTER[:43]}, "one")) is not None
    assert checked(make_model({"README.md": b"x\n" + POINTER}, "two")) is None
    assert checked(make_model({"README.md": POINTER + b"#" * 2000}, "three")) is None


def test_a_weight_file_without_bytes_is_refused(make_model: MakeModel) -> None:
    """An interrupted download; other empty files are fine."""
    error = checked(make_model({"model.safetensors": b"", ".gitkeep": b"", "__init__.py": b""}))
    assert error is not None
    assert error.code == "pack.empty_weight"
    assert error.message == "model.safetensors: a weight file of zero bytes"


def index(*shards: object) -> bytes:
    """An index as transformers writes it."""
    return json.dumps({"metadata": {}, "weight_map": {f"layer.{i}": shard for i, shard in enumerate(shards)}}).encode()


def test_an_index_that_names_a_missing_shard_is_refused(make_model: MakeModel) -> None:
    """Names are relative to the index; the missing ones are listed, up to a bound."""
    present = {"m-1.safetensors": b"1", "sub/m-1.safetensors": b"1"}
    complete = {"model.safetensors.index.json": index("m-1.safetensors"), "sub/x.index.json": index("m-1.safetensors")}
    assert checked(make_model({**present, **complete}, "complete")) is None
    error = checked(make_model({**present, "m.safetensors.index.json": index("m-1.safetensors", "m-2.safetensors")}))
    assert error is not None
    assert error.code == "pack.missing_shard"
    assert error.message == "m.safetensors.index.json: it names m-2.safetensors, which the model does not have"
    many = checked(make_model({"pytorch_model.bin.index.json": index(*(f"s{i}" for i in range(9)))}, "many"))
    assert many is not None
    assert "s0, s1, s2, s3, s4 and 4 more" in many.message


@pytest.mark.parametrize(
    "data", [b"{", b'{"weight_map": 1}', b'{"weight_map": {"a": 1}}', b'{"a": 1, "a": 2}', b"[" * 5000, b"\xff"]
)
def test_an_index_that_cannot_be_read_is_refused(make_model: MakeModel, data: bytes) -> None:
    """Malformed, of the wrong type, with a duplicated key, nested without end."""
    error = checked(make_model({"model.safetensors.index.json": data}))
    assert error is not None
    assert error.code == "pack.shard_index"


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"other": {}}'])
def test_other_files_called_index_are_no_matter(make_model: MakeModel, data: bytes) -> None:
    """Only a `weight_map` makes an index of shards."""
    assert checked(make_model({"search.index.json": data})) is None


def test_a_shard_name_cannot_forge_the_message(make_model: MakeModel) -> None:
    """Names from the index are escaped."""
    error = checked(make_model({"m.index.json": index("../../etc/passwd\x1b[2J\n")}))
    assert error is not None
    assert error.message.isprintable()


def test_reasons_are_reported_together(make_model: MakeModel) -> None:
    """A pointer, a key and an empty weight in one error."""
    error = checked(make_model({"a.bin": b"", "b.bin": POINTER, "c.txt": SECRETS["key.txt"]}))
    assert error is not None
    assert error.code == "pack.refused"
    assert len(error.message.splitlines()) == 4
    assert "git lfs pull" in error.remedy


def test_a_real_git_lfs_pointer_is_recognised(make_model: MakeModel) -> None:
    """The bytes that `git lfs pointer` prints, where it is installed."""
    root = make_model({"w.bin": b"weights" * 1000})
    try:
        pointer = subprocess.run(
            ["git", "lfs", "pointer", f"--file={root}/w.bin"], capture_output=True, check=True, env=os.environ
        ).stdout
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("git lfs is not installed")
    (root / "w.bin").write_bytes(pointer)
    error = checked(root)
    assert error is not None
    assert "7.0 kB" in error.message
