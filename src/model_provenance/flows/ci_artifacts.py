"""What a release tells the runner that it made ($GITHUB_ARTIFACTS), so that `actions/attest` can follow without being told.

The runner reads the file when the step has ended, and fails the step for a line that it does not take (actions/runner,
CreateArtifactsFileCommand): a release that is signed and pushed would be red. What it would refuse is left out and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json

#: Subjects of all steps of a job.
_SUBJECTS_OF_A_JOB = 500
_LARGEST_LIST = 4 << 20


def declare_artifacts(env: Mapping[str, str], receipt: Receipt, *, folder: Path) -> tuple[str, ...]:
    """Declare the archive as a file and each reference by its digest; returns what was left out, with the reason."""
    path = env.get("GITHUB_ARTIFACTS")
    if not path or receipt.result is not ReleaseResult.SIGNED:
        return ()
    known, lines, left_out = _declared_before(env), [], []
    for name, digest, line in _subjects(receipt, folder):
        if "=" in line or not line.isprintable():
            left_out.append(f"{shown(line)}: the runner takes no line with such a character")
        elif known.get(name, digest) != digest:
            left_out.append(f"{shown(line)}: an earlier step declared {shown(known[name])} under the same name")
        elif name not in known and len(known) >= _SUBJECTS_OF_A_JOB:
            left_out.append(f"{shown(line)}: the job has declared {_SUBJECTS_OF_A_JOB} already")
        else:
            known[name] = digest
            lines.append(line)
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise ModelProvenanceError("ci.outputs", f"cannot declare artifacts: {error.strerror}") from error
    return tuple(left_out)


def _subjects(receipt: Receipt, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Name and digest as the runner will have them, and the line; its scheme keeps a leading `#` from being a comment."""
    for reference in receipt.references:
        name, _, digest = reference.partition("@")
        yield name, digest, f"oci://{reference}"
    archive = receipt.package.archive
    if archive is not None:
        yield archive.file_name, str(receipt.package.package_digest), f"file://{folder / archive.file_name}"


def _declared_before(env: Mapping[str, str]) -> dict[str, str]:
    """What earlier steps of the job declared ($GITHUB_ARTIFACTS_LIST); nothing where the runner has no such list."""
    path = env.get("GITHUB_ARTIFACTS_LIST")
    try:
        if not path or not Path(path).is_file():
            return {}
        with Path(path).open("rb") as stream:
            data = stream.read(_LARGEST_LIST + 1)
    except OSError as error:
        raise ModelProvenanceError("ci.outputs", f"cannot read the list of artifacts: {error.strerror}") from error
    if not data.strip():
        return {}
    value: Any = parse_json(data, what="the list of artifacts", limit=_LARGEST_LIST, code="ci.outputs", depth=10)
    subjects = value.get("subjects") if isinstance(value, dict) else None
    known = [each for each in subjects or () if isinstance(each, dict)]
    return {str(each.get("name")): str(each.get("digest")) for each in known}
