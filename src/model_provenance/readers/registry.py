"""Every format that is known, in the order in which files are tried: first bytes before names."""

from __future__ import annotations

from model_provenance.readers import (
    adapter,
    archive,
    card,
    components,
    config,
    coreml,
    ggml,
    gguf,
    hdf5,
    license_text,
    mergekit,
    numpy_array,
    onnx,
    openvino,
    pickles,
    recognised,
    safetensors,
    savedmodel,
    settings,
    shard_index,
    tar,
    tensorrt,
    tflite,
    tokenizer,
    tokenizer_config,
    vocabulary,
)
from model_provenance.readers.reading import Head, Reader

READERS: tuple[Reader, ...] = (
    # First: a tar file begins with the name of its first member, which may look like any other format.
    tar.READER,
    safetensors.READER,
    gguf.READER,
    archive.READER,
    numpy_array.READER,
    onnx.READER,
    tflite.READER,
    openvino.READER,
    *savedmodel.READERS,
    coreml.READER,
    hdf5.READER,
    tensorrt.READER,
    ggml.READER,
    *recognised.READERS,
    shard_index.READER,
    config.READER,
    *settings.READERS,
    adapter.READER,
    mergekit.READER,
    components.READER,
    tokenizer.READER,
    *tokenizer_config.READERS,
    vocabulary.READER,
    card.READER,
    license_text.READER,
    # Last: its first bytes are only two, and its names are shared with raw weights.
    pickles.READER,
)

#: Formats of weights, for `ModelFacts.formats`; the others describe the model.
WEIGHT_FORMATS = frozenset(
    {
        "safetensors", "gguf", "pytorch-zip", "pytorch-legacy", "torchscript", "pickle", "keras", "npz", "numpy",
        "onnx", "hdf5", "tflite", "tensorrt", "ggml", "tensorflow-savedmodel", "coreml", "coreml-compiled", "openvino-ir",
    }
)  # fmt: skip


def reader_of(head: Head) -> Reader | None:
    """The reader of a file; None where no format is recognised."""
    by_bytes = next((reader for reader in READERS if reader.by_bytes(head)), None)
    return by_bytes or named_reader(head)


def named_reader(head: Head) -> Reader | None:
    """The reader that the file's name calls for, whatever its bytes are."""
    return next((reader for reader in READERS if reader.by_name(head)), None)
