"""ONNX: a walk over protobuf that reads who wrote a model and where its tensors lie, and skips the tensors."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.domain.facts import Inspection

from .build import codes, facts_of, file_facts
from .onnx_files import initializer, message, node, number, onnx, varint

WHOLE = onnx(
    (node("Conv"), node("Relu"), node("Gelu", "com.microsoft")),
    (initializer((3, 4), raw=bytes(48)), initializer((5,), kind=10, raw=bytes(10))),
    {"": 17, "com.microsoft": 1},
)


def test_the_header_and_the_tensors_are_read() -> None:
    """Producer, operator sets, nodes, initializers and parameters, by element type."""
    facts = facts_of({"model.onnx": WHOLE})

    assert facts.files[0].inspection is Inspection.READ
    assert facts.files[0].details == {
        "ir_version": 8,
        "producer_name": "pytorch",
        "producer_version": "2.1.0",
        "graph": "main",
        "operator_sets": {"ai.onnx": 17, "com.microsoft": 1},
        "nodes": 3,
        "initializers": 2,
        "operator_domains": ["com.microsoft"],
    }
    assert (facts.parameters, facts.element_types) == (17, (("F32", 12), ("F16", 5)))


def test_external_data_is_listed_and_kept_inside_the_model() -> None:
    """A path beside the file is a fact; one that leads out of the model is a finding."""
    inside = onnx((), (initializer((1,), external="model.onnx_data"),))
    assert file_facts("model.onnx", inside).details["external_data"] == ["model.onnx_data"]
    assert "readers.onnx_external" not in codes(facts_of({"model.onnx": inside}))
    for path in ("../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\x", "C:x", "..\\x"):
        outside = onnx((), (initializer((1,), external=path),))
        assert "readers.onnx_external" in codes(facts_of({"model.onnx": outside}))


OUTSIDE = initializer((1,), external="../x")
IN_A_BRANCH = message(5, message(6, message(5, OUTSIDE)))


@pytest.mark.parametrize(
    "graph",
    [
        message(1, node("Constant") + message(5, message(5, OUTSIDE))),
        message(1, node("X") + message(5, message(10, OUTSIDE))),
        message(1, node("If") + IN_A_BRANCH),
        message(1, node("If") + message(5, message(11, message(1, node("If") + IN_A_BRANCH)))),
        message(1, node("Constant") + message(5, message(22, message(1, OUTSIDE)))),
        message(1, node("X") + message(5, message(23, message(2, OUTSIDE)))),
        message(15, message(1, OUTSIDE)),
    ],
    ids=[
        "attribute",
        "list",
        "branch",
        "branch of a branch",
        "sparse attribute",
        "list of sparse",
        "sparse initializer",
    ],
)
def test_external_data_is_found_wherever_a_tensor_may_stand(graph: bytes) -> None:
    """A runtime opens the file of every tensor; those that are no initializers of the model are not counted as its tensors."""
    facts = facts_of({"model.onnx": number(1, 8) + message(7, graph)})
    assert "readers.onnx_external" in codes(facts)
    assert facts.files[0].details["initializers"] == 0


def test_external_data_of_a_function_is_found() -> None:
    """Functions of the model are graphs, too."""
    function = message(25, message(7, node("C") + message(5, message(5, OUTSIDE))))
    assert "readers.onnx_external" in codes(facts_of({"model.onnx": number(1, 8) + message(7, b"") + function}))


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x08\x07\x12\x07pytorch",
        number(1, 8) + message(7, b"") * 2,
        number(1, 8) + message(7, b"")[:-1] + varint(2**40),
        number(1, 8) + b"\x3a" + varint(2**63),
        number(1, 8) + number(7, 3),
        number(1, 8) + b"\x3b\x00",
        number(1, 8) + b"\x00",
        b"\x08" + b"\xff" * 11,
        onnx((), (initializer((2**62, 2**62)),)),
        onnx((), (initializer((2**63,)),)),
        onnx((), (initializer((1,) * 65),)),
        onnx((), (message(1, varint(1) * 100),)),
        number(1, 8) + message(2, "x" * 5000) + message(7, b""),
        number(1, 8) + message(7, (b"\x0a\x00") * 450_000),
    ],
)  # fmt: skip
def test_what_is_no_model_is_unreadable_and_says_why(data: bytes) -> None:
    """Truncated, lying, endless, nested wrong: one finding of its own within a second."""
    begin = time.process_time()
    facts = facts_of({"model.onnx": data})

    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert codes(facts) == ["readers.onnx"]
    assert time.process_time() - begin < 4  # 0.5 s on an idle machine


@given(st.binary(max_size=200))
def test_any_bytes_give_a_status(data: bytes) -> None:
    """Nothing after the first field ends in an exception."""
    assert file_facts("model.onnx", number(1, 8) + data).inspection in (Inspection.READ, Inspection.UNREADABLE)


def test_every_changed_byte_gives_a_status() -> None:
    """1,000 copies with one byte changed, or cut: read or unreadable."""
    choice = random.Random(1)
    for _ in range(1000):
        data = bytearray(WHOLE)
        data[choice.randrange(2, len(data))] = choice.randrange(256)
        cut = data[: choice.randrange(2, len(data))] if choice.random() < 0.3 else data
        assert file_facts("model.onnx", bytes(cut)).inspection in (Inspection.READ, Inspection.UNREADABLE)
