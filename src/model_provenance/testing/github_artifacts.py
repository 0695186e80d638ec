"""What GitHub's runner makes of a step's $GITHUB_ARTIFACTS, and what `actions/attest` then takes as subjects.

Two readers, each by its own rules: actions/runner (CreateArtifactsFileCommand, ArtifactsListFileCommand) turns lines into
named digests and fails the step for a line that it does not take; actions/attest (artifacts list) takes only SHA-256.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LIMIT, _SUBJECTS = 1024 * 1024, 500
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DIGEST = re.compile(r"(?P<ref>.+)@(?P<algorithm>sha256|sha384|sha512):(?P<hex>[0-9a-fA-F]+)")
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_SHA256 = re.compile("sha256:[0-9a-f]{64}")


class StepFailedError(Exception):
    """The runner fails the step with this."""


def captured(text: str, workspace: Path, before: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """The content of $GITHUB_ARTIFACTS_LIST for the next step; `before` are the subjects of earlier ones."""
    if len(text.encode()) > _LIMIT:
        raise StepFailedError("the file is larger than 1 MiB")
    subjects = [dict(each) for each in before]
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        subject = _subject(line, workspace, number)
        same = [each for each in subjects if each["name"] == subject["name"]]
        if same and same[0]["digest"] != subject["digest"]:
            raise StepFailedError(f"line {number}: {subject['name']} has another digest already")
        if not same:
            if len(subjects) >= _SUBJECTS:
                raise StepFailedError(f"line {number}: more than {_SUBJECTS} subjects")
            subjects.append(subject)
    return {"version": 1, "subjects": subjects}


def attested(document: Mapping[str, Any], *, push_to_registry: bool = False) -> dict[str, str]:
    """Subject -> hex SHA-256, as the statement of `actions/attest` will have it. ValueError where it refuses the list."""
    if document["version"] != 1:
        raise ValueError("unknown version")
    found: dict[str, str] = {}
    for each in document["subjects"]:
        if each["kind"] not in ("file", "oci") or not _SHA256.fullmatch(each["digest"]) or each["name"] in found:
            raise ValueError(f"not a subject: {each}")
        found[each["name"]] = each["digest"].removeprefix("sha256:")
    if push_to_registry and [each["kind"] for each in document["subjects"]] != ["oci"]:
        raise ValueError("push-to-registry takes exactly one subject, in a registry")
    return found


def _subject(line: str, workspace: Path, number: int) -> dict[str, str]:
    if "=" in line:
        raise StepFailedError(f"line {number}: `=` is reserved")
    scheme = _SCHEME.match(line)
    kind = scheme[0].lower() if scheme else ""
    if kind not in ("", "file://", "oci://"):
        raise StepFailedError(f"line {number}: unknown scheme {kind}")
    rest = line[len(kind) :]
    found = None if kind == "file://" else _DIGEST.fullmatch(rest)
    if found is not None and len(found["hex"]) == _HEX_LENGTH[found["algorithm"]]:
        return {"name": found["ref"], "digest": f"{found['algorithm']}:{found['hex'].lower()}", "kind": "oci"}
    if kind == "oci://":
        raise StepFailedError(f"line {number}: no digest of a registry's manifest")
    file = workspace / rest
    if not rest.strip() or not file.is_file():
        raise StepFailedError(f"line {number}: {rest} is no file")
    return {"name": file.name, "digest": f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}", "kind": "file"}
