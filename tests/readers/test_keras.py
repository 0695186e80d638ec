"""Keras 3 archives: layers are counted, and those that run the author's code are named."""

from __future__ import annotations

from typing import Any

import pytest

from model_provenance.domain.facts import Inspection, ModelFacts

from .build import codes, facts_of, json_bytes, zipped


def keras(config: Any, metadata: Any = None) -> ModelFacts:
    """The facts of a `.keras` file with this configuration."""
    told = {"keras_version": "3.5.0", "date_saved": "2026-01-01"} if metadata is None else metadata
    members = {
        "config.json": config if isinstance(config, bytes) else json_bytes(config),
        "metadata.json": told if isinstance(told, bytes) else json_bytes(told),
        "model.weights.h5": b"\x89HDF\r\n\x1a\n",
    }
    return facts_of({"model.keras": zipped(members)})


def layer(name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    """One layer as Keras writes it."""
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def model(*layers: dict[str, Any]) -> dict[str, Any]:
    """A sequential model."""
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}


def test_version_class_and_layers_are_read() -> None:
    """A plain model runs nothing."""
    facts = keras(model(layer("Dense"), layer("Dense"), layer("ReLU")))

    assert facts.files[0].inspection is Inspection.READ
    assert facts.files[0].details == {
        "members": 3,
        "keras_version": "3.5.0",
        "date_saved": "2026-01-01",
        "model_class": "Sequential",
        "layers": {"Dense": 2, "ReLU": 1, "Sequential": 1},
    }
    assert (facts.executable, codes(facts)) == ((), [])


@pytest.mark.parametrize(
    "hidden",
    [
        layer("Lambda", function={"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}),
        layer("TimeDistributed", layer=layer("Lambda")),
        layer("Evil", module="builtins_evil.x"),
        layer("Popen", module="subprocess"),
        layer("function", module="builtins", x=1),
    ],
)
def test_layers_that_run_code_are_named_wherever_they_stand(hidden: dict[str, Any]) -> None:
    """Lambda layers and classes from outside Keras, at the top or inside another layer."""
    facts = keras(model(layer("Dense"), hidden))

    assert facts.executable == ("model.keras",)
    assert "readers.executable" in codes(facts)


@pytest.mark.parametrize("config", [b"", b"[]", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"{}" + b" " * (17 << 20)])
def test_a_configuration_that_cannot_be_read_is_not_called_harmless(config: bytes) -> None:
    """It is unreadable, with a finding, and counts as able to run code."""
    facts = keras(config)

    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert "readers.archive" in codes(facts)
    assert facts.files[0].details["can_execute_code"] is True
