"""What a file is to the model, told from its name alone: decides layer media types, SBOM completeness and refusals."""

from __future__ import annotations

import re

from model_provenance.domain.files import Role

#: Formats that hold tensors or a trained estimator, whatever their stem.
WEIGHT_SUFFIXES = frozenset(
    {
        "bin",
        "caffemodel",
        "cbm",
        "ckpt",
        "distcp",
        "engine",
        "ggml",
        "gguf",
        "h5",
        "hdf5",
        "joblib",
        "keras",
        "llamafile",
        "mlmodel",
        "model",
        "msgpack",
        "nemo",
        "npy",
        "npz",
        "onnx",
        "onnx_data",
        "ort",
        "ot",
        "params",
        "pb",
        "pdiparams",
        "pdmodel",
        "pdparams",
        "pickle",
        "pkl",
        "plan",
        "pt",
        "pt2",
        "pte",
        "pth",
        "ptl",
        "safetensors",
        "skops",
        "tflite",
        "torchscript",
        "trt",
        "ubj",
        "xgb",
    }
)
#: External tensor data: `model.onnx_data_1`, `model.onnx.data`, `variables.data-00000-of-00001`.
_EXTERNAL_DATA = re.compile(r".*(\.onnx[._]data(_\d+)?|\.data-\d+-of-\d+)")
#: What trainers leave in a model folder under a weight's suffix.
_NOT_WEIGHTS = frozenset({"training_args.bin", "scheduler.bin", "scheduler.pt", "rng_state.pth"})

_TOKENIZER = re.compile(
    r"tokenizer([._-].*)?|vocab([._-].*)?|(.*[._-])?merges\.txt|special_tokens_map\.json|added_tokens\.json"
    r"|spiece\.model|sentencepiece.*|.*\.(spm|tiktoken|bpe)|.*\.bpe\.model|bpe\.codes|dict\.txt|tekken\.json|normalizer\.json"
    r"|chat_template\.(json|jinja)"
)
_LICENSE = re.compile(r"(un)?(licen[cs]es?|copying|notice)([._ -].*)?")
_CODE_SUFFIXES = frozenset(
    {
        "c",
        "cc",
        "cpp",
        "cu",
        "cuh",
        "go",
        "h",
        "hpp",
        "ipynb",
        "java",
        "jl",
        "js",
        "lua",
        "m",
        "py",
        "pyi",
        "r",
        "rs",
        "scala",
        "sh",
        "swift",
        "ts",
    }
)
_CONFIG_SUFFIXES = frozenset(
    {"cfg", "conf", "config", "ini", "jinja", "json", "jsonl", "pbtxt", "prototxt", "toml", "xml", "yaml", "yml"}
)
_DOC_SUFFIXES = frozenset({"gif", "htm", "html", "jpeg", "jpg", "md", "pdf", "png", "rst", "svg", "txt", "webp"})
_CARDS = frozenset({"readme.md", "model_card.md", "model-card.md", "modelcard.md"})


def role_of(path: str) -> Role:
    """The role of a file by its model-relative POSIX path; upper and lower case are alike. Never opens the file."""
    folder, _, base = path.rpartition("/")
    name = base.lower()
    suffix = name.rpartition(".")[2] if "." in name.lstrip(".") else ""
    if suffix in _CODE_SUFFIXES:
        return Role.CODE
    if _LICENSE.fullmatch(name) and suffix not in _CONFIG_SUFFIXES:
        return Role.LICENSE
    if _TOKENIZER.fullmatch(name):
        return Role.TOKENIZER
    if (suffix in WEIGHT_SUFFIXES or _EXTERNAL_DATA.fullmatch(name)) and name not in _NOT_WEIGHTS:
        return Role.WEIGHT
    if suffix in _CONFIG_SUFFIXES:
        return Role.CONFIG
    if name in _CARDS and not folder:
        return Role.CARD
    return Role.DOC if suffix in _DOC_SUFFIXES else Role.OTHER
