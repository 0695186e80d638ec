"""The imports that a pickle of plain tensors needs. Anything else can run code, or could one day.

An allow-list, because lists of what is dangerous are bypassed again and again. Being on it does not make a pickle safe:
it says that nothing was found that reaches beyond rebuilding tensors.
"""

from __future__ import annotations

_TORCH_STORAGES = (
    "BFloat16Storage", "BoolStorage", "ByteStorage", "CharStorage", "ComplexDoubleStorage", "ComplexFloatStorage",
    "DoubleStorage", "FloatStorage", "HalfStorage", "IntStorage", "LongStorage", "QInt32Storage", "QInt8Storage",
    "QUInt2x4Storage", "QUInt4x2Storage", "QUInt8Storage", "ShortStorage",
)  # fmt: skip
_TORCH_TYPES = (
    "bfloat16", "bool", "complex128", "complex32", "complex64", "float16", "float32", "float64", "float8_e4m3fn",
    "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "half", "int16", "int32", "int64", "int8", "qint32", "qint8",
    "quint8", "uint16", "uint32", "uint64", "uint8",
)  # fmt: skip
_TORCH_REBUILD = (
    "_rebuild_meta_tensor_no_storage", "_rebuild_nested_tensor", "_rebuild_parameter", "_rebuild_parameter_with_state",
    "_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3",
    "_rebuild_wrapper_subclass",
)  # fmt: skip
_NUMPY_CORES = ("numpy.core", "numpy._core")
_PLAIN_TYPES = ("bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "slice", "tuple")

#: (module, name) exactly as the pickle writes them.
ALLOWED: frozenset[tuple[str, str]] = frozenset(
    [
        ("collections", "OrderedDict"),
        ("_codecs", "encode"),
        ("torch", "Size"),
        ("torch", "Tensor"),
        ("torch", "device"),
        ("torch.serialization", "_get_layout"),
        ("torch.nn.parameter", "Parameter"),
        ("torch.storage", "TypedStorage"),
        ("torch.storage", "UntypedStorage"),
        ("torch.storage", "_TypedStorage"),
        ("torch.storage", "_UntypedStorage"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        *(("torch", name) for name in (*_TORCH_STORAGES, *_TORCH_TYPES)),
        *(("torch._utils", name) for name in _TORCH_REBUILD),
        *((module, name) for module in ("builtins", "__builtin__") for name in _PLAIN_TYPES),
        *(
            (f"{module}.multiarray", name)
            for module in ("numpy.core", "numpy._core")
            for name in ("_reconstruct", "scalar")
        ),
        *((f"{module}.numeric", "_frombuffer") for module in ("numpy.core", "numpy._core")),
    ]
)
