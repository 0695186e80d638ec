"""No file is loaded that can run code, unless the policy allows exactly these bytes.

By name, because loaders choose by name; and by what the signed SBOMs say was found inside when the model was released.
"""

from __future__ import annotations

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile
from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import Formats

_KINDS = {
    "pickle": ("pkl", "pickle", "joblib", "dill", "cloudpickle", "mar", "nemo"),
    "torch_bin": ("bin", "pt", "pth", "ckpt", "pt2", "torchscript", "ptl", "distcp"),
    "keras": ("h5", "hdf5", "keras", "pb"),
    "native": ("llamafile", "engine", "trt", "plan", "so", "dll", "dylib", "exe"),
}
_CODE = ("py", "pyc", "pyi", "ipynb", "sh", "js", "lua", "r", "jl")
_SHOWN = 5


def decide(section: Formats, case: Case) -> Answer:
    """Every file by its name, and every file that an SBOM marks."""
    verified = case.verified
    if verified.executable is None or not verified.files:
        return cannot_decide(
            "formats",
            "it is not known which files can run code",
            "no file was read, or no signed SBOM says so",
            "Verify the whole release with its files.",
        )
    kinds = {suffix: kind for kind in section.deny for suffix in _KINDS[kind]}
    found = [(file, kind) for file in verified.files if (kind := _kind(file, kinds, verified.executable)) is not None]
    denied = [(file, kind) for file, kind in found if file.digest not in _allowed(section, kind)]
    if not denied:
        return passed("formats", f"{len(found)} files can run code, all allowed" if found else "no file can run code")
    names = [f"{shown(file.path, 100)} ({kind})" for file, kind in denied[:_SHOWN]]
    more = f" and {len(denied) - _SHOWN} more" if len(denied) > _SHOWN else ""
    return refused(
        "formats",
        section.effect,
        ", ".join(names) + more,
        "loading it can run code",
        f"Save the weights as safetensors; or allow exactly these bytes: {denied[0][0].digest}.",
    )


def _kind(file: ModelFile, kinds: dict[str, str], executable: frozenset[str]) -> str | None:
    suffix = file.path.rpartition("/")[2].rpartition(".")[2].lower()
    if suffix in kinds:
        return kinds[suffix]
    return "code" if suffix in _CODE or file.path in executable else None


def _allowed(section: Formats, kind: str) -> frozenset[Digest]:
    allowed = section.allowed_code if kind == "code" else section.allowed
    return allowed or frozenset()


GATE = Gate("formats", "no file runs code when loaded", lambda policy: policy.formats, decide)
