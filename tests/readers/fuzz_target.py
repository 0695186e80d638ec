"""Coverage-guided fuzzing of one reader with atheris; seeds are the hostile corpus and the good files.

    PYTHONPATH=src:tests python -m readers.fuzz_target safetensors|gguf|pickle FOLDER [-runs=N] [-seed=S] …

Options that begin with a dash are libFuzzer's. What it finds is written into FOLDER, and the status is not 0. A finding
becomes a case of the corpus.
"""

from __future__ import annotations

import json
import pickle
import sys
import time
from pathlib import Path

import atheris

# Only the readers: coverage of the interpreter and of Hypothesis would lead elsewhere.
with atheris.instrument_imports(include=["model_provenance.readers"]):
    import model_provenance.readers.inspect  # noqa: F401 - imported here so that it is instrumented

from model_provenance.domain.facts import Inspection
from model_provenance.errors import CODES

from .build import TENSOR_PICKLE, facts_of, gguf, is_shown, no_floats, safetensors, string, strings, tensor, u32
from .hostile_cases import CASES

FILES = {"safetensors": "m.safetensors", "gguf": "m.gguf", "pickle": "m.pkl"}
SECONDS = 1.0
_SEED_LIMIT, _LENGTH_LIMIT = 8192, 16384


def seeds(format: str) -> list[bytes]:
    """Small files of that format: good ones first, then hostile ones."""
    good = {
        "safetensors": [safetensors({"a": ("F32", [2, 2]), "b": ("I8", [3])}, {"format": "pt"})],
        "gguf": [
            gguf(
                [
                    string("general.architecture", "llama"),
                    u32("general.alignment", 32),
                    strings("tokenizer.ggml.tokens", ["a"]),
                ],
                [tensor("a", [8, 2], 0, 0), tensor("b", [256], 12, 64)],
                224,
            )
        ],
        "pickle": [TENSOR_PICKLE, pickle.dumps({"a": [1, 2.0, "x"]}, 4), pickle.dumps({"a": [1, "x"]}, 0)],
    }[format]
    hostile = [case.data for case in CASES if case.file == FILES[format] and isinstance(case.data, bytes)]
    return [data for data in [*good, *hostile] if len(data) <= _SEED_LIMIT]


def look(format: str, data: bytes) -> None:
    """One file. Anything but a status, a finding of ours and small plain facts is an exception, and found."""
    start = time.process_time()
    facts = facts_of({FILES[format]: data})
    seconds = time.process_time() - start
    assert seconds <= SECONDS, f"it took {seconds} seconds"
    (file,) = facts.files
    assert isinstance(file.inspection, Inspection)
    assert len(json.dumps(file.details, allow_nan=False)) < 500_000
    assert no_floats(file.details)
    assert all(finding.id in CODES and is_shown(finding.message) for finding in facts.findings)
    assert facts.findings or file.inspection is not Inspection.UNREADABLE


def main() -> None:
    """Fuzz until libFuzzer's `-runs`, or for ever."""
    format, folder = sys.argv[1], Path(sys.argv[2])
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    for number, data in enumerate(seeds(format)):
        (corpus / f"{number:04}").write_bytes(data)
    options = [
        f"-artifact_prefix={folder}/",
        f"-max_len={_LENGTH_LIMIT}",
        "-rss_limit_mb=1024",
        "-timeout=20",
        *sys.argv[3:],
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: look(format, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
