"""All hostile files: one list, in which a name stands once."""

from __future__ import annotations

from itertools import chain

from .hostile_case import Case
from .hostile_compiled import coreml_cases, flat_cases, metadata_cases, onnx_cases, savedmodel_cases
from .hostile_containers import ggml_cases, hdf5_cases, tar_cases, tensorrt_cases
from .hostile_dearest import dear_cases
from .hostile_documents import card_cases, configuration_cases, index_cases, license_cases, merge_cases, tokenizer_cases
from .hostile_pickled import archive_cases, numpy_cases, pickle_cases
from .hostile_tensors import gguf_cases, safetensors_cases

CASES: tuple[Case, ...] = tuple(
    chain(
        safetensors_cases(),
        gguf_cases(),
        pickle_cases(),
        archive_cases(),
        numpy_cases(),
        configuration_cases(),
        tokenizer_cases(),
        index_cases(),
        card_cases(),
        license_cases(),
        merge_cases(),
        onnx_cases(),
        savedmodel_cases(),
        metadata_cases(),
        coreml_cases(),
        flat_cases(),
        hdf5_cases(),
        ggml_cases(),
        tensorrt_cases(),
        tar_cases(),
        dear_cases(),
    )
)
