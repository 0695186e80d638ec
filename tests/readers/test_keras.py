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
        layer("get_file", module="keras.utils"),
        layer("load_model", module="keras.models"),
        layer("Activation", activation={"module": "keras.utils", "class_name": "function", "config": "get_file"}),
        layer(
            "Activation",
            activation={"module": "keras.src.utils.file_utils", "class_name": "function", "config": "get_file"},
        ),
        layer("Activation", activation={"module": "keras.models", "class_name": "function", "config": "load_model"}),
        layer("Dense") | {"registered_name": "Acme>Evil"},
        layer("Acme>Evil"),
        layer("Custom>Evil"),
        {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "function"},
        layer("TFOpLambda", function="io.write_file"),
        layer("TFOpLambda", function="py_function"),
        layer("TFSMLayer", filepath="../other"),
        layer("StringLookup", vocabulary="/etc/passwd"),
    ],
)
def test_layers_that_run_code_are_named_wherever_they_stand(hidden: dict[str, Any]) -> None:
    """Lambda layers and classes from outside Keras, at the top or inside another layer."""
    facts = keras(model(layer("Dense"), hidden))

    assert facts.executable == ("model.keras",)
    assert "readers.executable" in codes(facts)


@pytest.mark.parametrize(
    "plain",
    [
        layer("Functional", module="keras.src.models.functional"),
        layer("Add", module="keras.src.ops.numpy"),
        layer("Dense", activation={"module": "keras.activations", "class_name": "function", "config": "gelu"}),
        layer("TransformerEncoder", module="keras_hub.src.layers.modeling.transformer_encoder"),
        layer("GPT2Backbone", module="keras_hub.src.models.gpt2.gpt2_backbone")
        | {"registered_name": "keras_hub>GPT2Backbone"},
        layer("TFOpLambda", function="math.add"),
        layer("TFOpLambda", function="compat.v1.nn.bias_add"),
        layer("TFOpLambda", function="reshape"),
        layer("StringLookup", vocabulary=["a", "b"]),
        layer("FeatureSpace", module="keras.utils"),
        layer("SeedGenerator", module="keras.src.random.seed_generator"),
        layer("DTypePolicy", module="keras"),
        layer("Custom>Adam"),
        {"class_name": "function", "module": "builtins", "config": "mean_squared_error", "registered_name": "function"},
    ],
)
def test_what_keras_is_made_of_runs_nothing(plain: dict[str, Any]) -> None:
    """Classes of the package under their public and their inner names, and functions that compute."""
    assert keras(model(plain)).executable == ()


@pytest.mark.parametrize("config", [b"", b"[]", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"{}" + b" " * (17 << 20)])
def test_a_configuration_that_cannot_be_read_is_not_called_harmless(config: bytes) -> None:
    """It is unreadable, with a finding, and counts as able to run code."""
    facts = keras(config)

    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert "readers.archive" in codes(facts)
    assert facts.files[0].details["can_execute_code"] is True
