"""Compiled and converted formats: what their headers say, and that a header which lies is unreadable."""

from __future__ import annotations

import struct

import pytest

from model_provenance.domain.facts import Inspection

from .build import codes, facts_of, file_facts, no_floats
from .compiled_files import OPENVINO, coreml, hdf5, savedmodel, tflite
from .onnx_files import message


def test_tflite() -> None:
    """The root table of the FlatBuffer; a field that is not there is not said."""
    facts = file_facts("a.dat", tflite(subgraphs=2))
    assert (facts.format, facts.inspection) == ("tflite", Inspection.RECOGNISED)
    assert facts.details == {"compiled": True, "schema_version": 3, "description": "converted", "subgraphs": 2}


def test_savedmodel_counts_operators_of_graphs_and_functions() -> None:
    """With the version that wrote it."""
    facts = file_facts("saved_model.pb", savedmodel(("MatMul", "Relu"), ("Add",)))
    assert facts.details == {
        "schema_version": 1, "tags": ["serve"], "tensorflow_version": "2.17.0", "graphs": 1, "operators": 3,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["ReadFile", "DatasetToTFRecord", "DebugIdentityV2", "RpcClient", "EagerPyFunc"])
@pytest.mark.parametrize("where", ["graph", "function"])
def test_a_savedmodel_that_reaches_out_can_execute_code(kind: str, where: str) -> None:
    """An operator of its graph writes any file; hidden in a function it does so all the same."""
    data = savedmodel((kind,)) if where == "graph" else savedmodel(("MatMul",), (kind,))
    facts = facts_of({"saved_model.pb": data})
    assert facts.executable == ("saved_model.pb",)
    assert facts.files[0].details["operators_that_reach_out"] == [kind]
    assert facts_of({"saved_model.pb": savedmodel()}).executable == ()


def test_coreml() -> None:
    """Kind, author and licence."""
    facts = facts_of({"a.mlmodel": coreml()})
    assert facts.files[0].details == {
        "specification_version": 9, "kind": "ml-program", "description": "Says yes", "model_version": "1.0", "author": "Acme",
    }  # fmt: skip
    assert [(fact.identifier, fact.source) for fact in facts.licenses] == [("MIT", "a.mlmodel")]
    assert facts_of({"a.mlmodel": coreml(555)}).executable == ("a.mlmodel",)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.mlmodel", b"\x08" + b"\xff" * 8 + b"\x09" + coreml()[2:]),
        ("saved_model.pb", b"\x08" + b"\xff" * 8 + b"\x09" + savedmodel()[2:]),
        (
            "a.onnx",
            b"\x08\x01\x28" + b"\xff" * 8 + b"\x09" + message(7, b"") + message(8, b"\x10" + b"\xff" * 8 + b"\x09"),
        ),
    ],
)
def test_numbers_that_json_does_not_keep_are_text(name: str, data: bytes) -> None:
    """A version of 64 bits is written by its digits in hexadecimal."""
    facts = file_facts(name, data)
    assert facts.inspection is not Inspection.UNREADABLE
    assert no_floats(facts.details)
    assert "0x9ffffffffffffff" in str(facts.details)


def test_openvino() -> None:
    """Two attributes; other XML is none of it."""
    facts = file_facts("openvino_model.xml", OPENVINO)
    assert (facts.format, facts.details) == ("openvino-ir", {"compiled": True, "ir_version": "11", "network": "minilm"})
    assert file_facts("build.xml", b"<?xml version='1.0'?><project/>").format == "other"


KERAS = {"keras_version": "2.15.0", "backend": "tensorflow"}
LAMBDA = '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense"}, {"class_name": "Lambda"}]}}'


@pytest.mark.parametrize("version", [0, 2, 3])
@pytest.mark.parametrize("user_block", [0, 512, 4096])
def test_hdf5_says_what_keras_wrote_and_that_a_lambda_runs_code(version: int, user_block: int) -> None:
    """In the old and the new layout of headers, wherever the superblock is; texts beside their names and in the heap."""
    data = hdf5({**KERAS, "model_config": LAMBDA}, version=version, user_block=user_block)
    facts = facts_of({"model.h5": data})
    assert facts.files[0].inspection is Inspection.RECOGNISED
    assert facts.files[0].details == {
        "superblock_version": version, "offset_bytes": 8, "end_address": len(data), **KERAS, "model_class": "Sequential",
        "layers": {"Dense": 1, "Lambda": 1, "Sequential": 1}, **({"user_block": user_block} if user_block else {}),
    }  # fmt: skip
    assert facts.executable == ("model.h5",)
    assert facts_of({"model.h5": hdf5(KERAS, version=version)}).executable == ()


def test_hdf5_takes_a_class_from_elsewhere() -> None:
    """As of a `.keras` file: what is imported for a configuration runs."""
    config = '{"class_name": "X", "module": "helpers"}'
    facts = facts_of({"model.h5": hdf5({"model_config": config})})
    assert facts.executable == ("model.h5",)
    assert facts.files[0].details["foreign_classes"] == ["helpers.X"]


def test_ggml_of_before_gguf() -> None:
    """Container and version; numbers where the format was llama.cpp's alone."""
    numbers = (32_000, 4096, 256, 32, 32, 128, 2)
    names = ("n_vocab", "n_embd", "n_mult", "n_head", "n_layer", "n_rot", "file_type")
    ggjt = b"tjgg" + struct.pack("<8I", 3, *numbers)
    assert file_facts("ggml-model-q4_0.bin", ggjt).details == {
        "container": "ggjt", "container_version": 3, "hyperparameters": dict(zip(names, numbers, strict=True)),
    }  # fmt: skip
    assert file_facts("a.bin", b"algg" + struct.pack("<3I", 1, 8, 16)).details == {
        "container": "ggla", "container_version": 1, "r": 8, "lora_alpha": 16,
    }  # fmt: skip
    assert file_facts("a.bin", b"lmgg" + bytes(40)).details == {"container": "ggml"}


def test_tensorrt() -> None:
    """The version of its header; a description that an exporter wrote before it."""
    engine = b"ftrt" + struct.pack("<I", 0x61) + bytes(40)
    assert file_facts("a.dat", engine).details["serialization_version"] == 0x61
    described = b'{"author": "A", "task": "detect"}'
    facts = file_facts("a.engine", struct.pack("<I", len(described)) + described + engine)
    assert facts.format == "tensorrt"
    assert facts.details == {
        "recognised_by": "first bytes", "compiled": True, "description": {"author": "A", "task": "detect"},
        "serialization_version": 0x61,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.tflite", b"\xff\xff\xff\x7fTFL3" + bytes(20)),
        ("a.tflite", tflite()[:30]),
        ("a.tflite", b"not one at all"),
        ("a.tflite", tflite().replace(b"\x09\0\0\0converted", b"\xff\xff\xff\x7fconverted")),
        ("saved_model.pb", b"\x08\x01"),
        ("saved_model.pb", savedmodel()[:-5]),
        ("saved_model.pb", b"\x12\xff\xff\xff\xff\x7f"),
        ("a.mlmodel", b""),
        ("a.mlmodel", coreml()[2:]),
        ("net.xml", b"<net " + b"x" * 5000),
    ],
)
def test_a_header_that_lies_is_unreadable(name: str, data: bytes) -> None:
    """With its own finding, never silence."""
    facts = facts_of({name: data})
    assert facts.files[0].inspection is Inspection.UNREADABLE, facts.files[0]
    assert "readers.unreadable" in codes(facts)
