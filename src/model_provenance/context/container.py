"""The digest of the container image that the job runs in, and how it is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from model_provenance.context.workflow_file import container_image
from model_provenance.domain.context import CiRun, Fact, Known, Provider
from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PINNED = re.compile(r"(?P<image>[A-Za-z0-9][A-Za-z0-9._:/-]{0,500})@(?P<digest>sha256:[0-9a-f]{64})")
#: `OWNER/REPO/.github/workflows/FILE@REF`: the ref may hold an `@`, the folder is fixed.
_WORKFLOW = re.compile(r"(?P<repository>[^/@]+/[^/@]+)/(?P<path>\.github/workflows/[^/@]+\.ya?ml)@.+")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LARGEST_WORKFLOW = 256 << 10

#: The file at (commit, path), up to a limit of bytes, as git has it; None where it does not.
BlobReader = Callable[[str, str, int], "bytes | None"]


@dataclass(frozen=True, slots=True)
class Container:
    """What could be learned: an unknown digest carries the finding that says why and what to add."""

    digest: Fact[str]
    image: str | None = None
    findings: tuple[Finding, ...] = ()


def container_of(
    given: str | None, run: CiRun | None, claims: Mapping[str, str], env: Mapping[str, str], blob: BlobReader | None
) -> Container:
    """The digest as given, else as GitHub's workflow file or GitLab's CI_JOB_IMAGE pins it, else unknown.

    `claims` are the identity token's; without them it cannot be told which workflow file the job stands in.
    Errors: `context.container_form` where what was given is no digest.
    """
    if given is not None:
        return _declared(given)
    if run is None:
        return _unknown("outside CI nothing says which container this is", "", Severity.INFO)
    if run.provider is Provider.GITLAB:
        line = "    image: REGISTRY/IMAGE@sha256:DIGEST"
        return _observed(env.get("CI_JOB_IMAGE"), "CI_JOB_IMAGE", f"Pin the image of the job:\n{line}")
    remedy = (
        f"Pin the container of the job:\n    {shown(run.job or 'JOB')}:\n      container: REGISTRY/IMAGE@sha256:DIGEST"
    )
    file = _workflow_of(run, claims)
    if not claims:
        # A dry run, or a key: nobody did anything wrong, and pinning the container would not make it known.
        why = "without an identity token it cannot be told which workflow file this job stands in"
        return _unknown(why, "Give --container-digest.", Severity.INFO)
    if isinstance(file, str):
        return _unknown(file, remedy)
    commit, path = file
    text = None if blob is None else blob(commit, path, _LARGEST_WORKFLOW)
    if text is None:
        return _unknown(f"the checkout does not hold {shown(path)} at {commit[:12]}", remedy)
    return _observed(container_image(text, run.job or ""), f"{path} at {commit[:12]}, job {run.job}", remedy)


def _workflow_of(run: CiRun, claims: Mapping[str, str]) -> tuple[str, str] | str:
    """Commit and path of the file that this job stands in, or why it cannot be told.

    A job of a reusable workflow stands in that workflow's file, while the environment names only the caller's.
    """
    match = _WORKFLOW.fullmatch(claims.get("job_workflow_ref", ""))
    commit = claims.get("job_workflow_sha", "")
    if match is None or not _COMMIT.fullmatch(commit):
        return "the identity token does not say which workflow file this job stands in"
    if match["repository"] != run.repository:
        return f"the job stands in a workflow of another repository, {shown(match['repository'])}"
    return commit, match["path"]


def _declared(given: str) -> Container:
    pinned = _PINNED.fullmatch(given)
    if pinned is None and not _DIGEST.fullmatch(given):
        raise ModelProvenanceError("context.container_form", f"{shown(given)} is not a container digest")
    return Container(
        Fact(pinned["digest"] if pinned else given, Known.DECLARED, "--container-digest"),
        pinned["image"] if pinned else None,
    )


def _observed(image: str | None, source: str, remedy: str) -> Container:
    if not image:
        return _unknown("the job names no container image", remedy)
    pinned = _PINNED.fullmatch(image)
    if pinned is None:
        why = "is an expression" if "${{" in image else "is not pinned by a digest"
        return _unknown(f"the job's image {shown(image)} {why}", remedy)
    return Container(Fact(pinned["digest"], Known.OBSERVED, source), pinned["image"])


def _unknown(why: str, remedy: str, severity: Severity = Severity.WARNING) -> Container:
    message = f"the container's digest is not recorded: {why}"
    finding = Finding("context.container_unknown", severity, Status.SKIPPED, message, remedy)
    return Container(Fact(None, Known.UNKNOWN), None, (finding,))
