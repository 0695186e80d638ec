"""Objects of a Keras configuration: which of them are none of Keras' own, and which reach out of the model.

`deserialize_keras_object` imports the module that an object names and calls what it finds there. Keras' own modules hold
more than layers: `keras.utils.get_file` writes a file from any address (CVE-2025-8747).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Modules whose classes Keras brings itself.
_OWN = ("keras", "keras_hub", "keras_nlp", "keras_cv")
#: Keras 2 registers its own optimizers as anybody registers classes.
_REGISTERED = frozenset(
    f"Custom>{name}"
    for name in (
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD",
    )
)  # fmt: skip
#: Functions of Keras that stand in a configuration as if they were Python's own. None of Python's has such a name, which
#: would be taken where Keras has none.
_AS_BUILTIN = frozenset(
    (
        "binary_accuracy", "binary_crossentropy", "binary_focal_crossentropy", "categorical_accuracy",
        "categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge", "cosine_similarity", "ctc", "dice",
        "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "hard_swish", "hinge", "huber", "kl_divergence",
        "leaky_relu", "linear", "log_cosh", "log_softmax", "mean_absolute_error", "mean_absolute_percentage_error",
        "mean_squared_error", "mean_squared_logarithmic_error", "mish", "poisson", "relu", "relu6", "selu", "sigmoid", "silu",
        "softmax", "softplus", "softsign", "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
        "sparse_top_k_categorical_accuracy", "squared_hinge", "swish", "tanh", "top_k_categorical_accuracy", "tversky",
    )
)  # fmt: skip
#: What of `keras` layers are made of. The rest is tools.
_AREAS = frozenset(
    (
        "activations", "backend", "constraints", "distribution", "dtype_policies", "engine", "initializers",
        "layers", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "quantizers", "random",
        "regularizers",
    )
)  # fmt: skip
#: Folders of the package that are no part of the name of an area.
_FOLDERS = frozenset(("api", "legacy", "src", "_tf_keras", "keras"))
#: Where functions compute and do nothing else.
_OF_FUNCTIONS = frozenset(("activations", "constraints", "initializers", "losses", "metrics", "ops", "regularizers"))
#: Functions that models of KerasHub are made of.
_OF_HUB = ("gelu_approximate",)
#: A tool that is saved as a model.
_SAVED_TOOLS = frozenset((("keras.utils", "FeatureSpace"),))
#: Layers whose vocabulary is a list, or the name or address of a file.
_VOCABULARIES = frozenset(("StringLookup", "IntegerLookup", "TextVectorization"))
#: Layers that hold a model of another format, by the path of its folder.
_OTHER_MODELS = frozenset(("TFSMLayer",))
#: Parts of TensorFlow that compute, and functions of its root that do more.
_COMPUTING = frozenset(
    (
        "__operators__", "audio", "bitwise", "dtypes", "image", "linalg", "math", "nn", "quantization", "ragged", "random",
        "sets", "signal", "sparse", "strings",
    )
)  # fmt: skip
_REACHING = frozenset(
    (
        "import_graph_def", "load_file_system_library", "load_library", "load_op_library", "numpy_function", "print",
        "py_func", "py_function", "read_file", "write_file", "matching_files",
    )
)  # fmt: skip


def foreign_class(entry: Mapping[str, Any]) -> str | None:
    """The name of a class or function that does not come from Keras; None where it does, or no module is named."""
    name, module, registered = entry["class_name"], entry.get("module"), entry.get("registered_name")
    config = entry.get("config")
    as_builtin = (module, name) == ("builtins", "function") and isinstance(config, str) and config in _AS_BUILTIN
    if isinstance(module, str) and module.partition(".")[0] not in _OWN and not as_builtin:
        return f"{module}.{name}"
    # `package>Name` is looked up among what other packages registered, before the module.
    return next((one for one in (name, registered) if isinstance(one, str) and _of_others(one)), None)


def _of_others(registered: str) -> bool:
    package, mark, _ = registered.partition(">")
    return bool(mark) and package not in _OWN and registered not in _REGISTERED


def reaching_out(entry: Mapping[str, Any]) -> str | None:
    """What an object calls or reads that is no part of a model; None where nothing says so."""
    name, config = entry["class_name"], entry.get("config")
    module = entry.get("module")
    if isinstance(module, str) and not _is_part_of_layers(module, name, config):
        return f"{module}.{config if name == 'function' and isinstance(config, str) else name}"
    if name in _OTHER_MODELS:
        return f"the model in a folder, by a {name}"
    if not isinstance(config, Mapping):
        return None
    if name == "TFOpLambda" and not _computes(config.get("function")):
        return f"tf.{config.get('function')}"
    if name in _VOCABULARIES and isinstance(config.get("vocabulary"), str):
        return f"the file of a vocabulary, by a {name}"
    return None


def _is_part_of_layers(module: str, name: str, config: object) -> bool:
    root, *parts = module.split(".")
    if root not in _OWN or (module, name) in _SAVED_TOOLS:
        return True  # what comes from elsewhere is said as that
    area = next((part for part in parts if part not in _FOLDERS), None)
    if name == "function" or name[:1].islower():  # older versions take a function for a class
        return area in _OF_FUNCTIONS or (root != "keras" and config in _OF_HUB)
    if root != "keras":
        return "utils" not in parts
    return area is None or area in _AREAS


def _computes(function: object) -> bool:
    """Whether a function of TensorFlow, by its name below `tf.`, works on tensors alone."""
    if not isinstance(function, str):
        return False
    parts = function.removeprefix("compat.v1.").split(".")
    return parts[0] not in _REACHING if len(parts) == 1 else parts[0] in _COMPUTING
