"""A check run as GitHub takes it: verdict, summary and annotations, each within the documented limits.

docs.github.com, REST API, "Create a check run": 65535 bytes of summary and of text (bytes, not characters), 50
annotations a request, 64 KB of annotation message; columns only within one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.domain.text import shown
from model_provenance.report.markdown import fitted

TEXT_LIMIT = 65_535
ANNOTATIONS_A_CALL = 50
_ANNOTATIONS = 500
_MESSAGE_LIMIT = 16_000
_TITLE_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Check:
    """One check run to post."""

    name: str
    #: success, neutral or failure
    conclusion: str
    title: str
    summary: str
    text: str
    annotations: tuple[Mapping[str, Any], ...]
    head_sha: str
    #: Which run and which bytes this speaks of: `RUN/ATTEMPT/sha256:…`.
    external_id: str
    details_url: str

    def output(self, annotations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The `output` object of one request."""
        return {
            "title": self.title,
            "summary": self.summary,
            "text": self.text,
            "annotations": [dict(annotation) for annotation in annotations],
        }

    def pages(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Annotations in portions that one request takes; at least one, maybe empty."""
        yield self.annotations[:ANNOTATIONS_A_CALL]
        for start in range(ANNOTATIONS_A_CALL, len(self.annotations), ANNOTATIONS_A_CALL):
            yield self.annotations[start : start + ANNOTATIONS_A_CALL]


def check_name(model: str, *, dry_run: bool) -> str:
    """Named after the model. A dry run never has the name of the run that signs (design, 4.4.12)."""
    return shown(f"model-provenance / {model}{' (dry run)' if dry_run else ''}", 100)


def release_check(receipt: Receipt, *, summary: str, details: str, head_sha: str, run: str, details_url: str) -> Check:
    """The check of a release: green only when it was signed, grey for a dry run."""
    signed = receipt.result is ReleaseResult.SIGNED
    digest = str(receipt.package.package_digest) if signed else "unsigned"
    verdict = "SIGNED" if signed else "UNSIGNED, a dry run"
    return Check(
        name=check_name(receipt.name, dry_run=not signed),
        conclusion="success" if signed else "neutral",
        title=shown(f"{verdict}: {receipt.name} {receipt.version}", _TITLE_LIMIT),
        summary=_bounded(summary),
        text=_bounded(details),
        annotations=tuple(annotations_of(receipt.findings)),
        head_sha=head_sha,
        external_id=f"{run}/{digest}",
        details_url=details_url,
    )


def failed_check(
    model: str,
    title: str,
    findings: Sequence[Finding],
    *,
    summary: str,
    dry_run: bool,
    head_sha: str,
    run: str,
    details_url: str,
) -> Check:
    """The check of a release that ended in an error; under the name that the same run has when it goes well."""
    return Check(
        name=check_name(model, dry_run=dry_run),
        conclusion="failure",
        title=shown(title, _TITLE_LIMIT),
        summary=_bounded(summary),
        text="",
        annotations=tuple(annotations_of(findings)),
        head_sha=head_sha,
        external_id=f"{run}/error",
        details_url=details_url,
    )


def annotations_of(findings: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    """What stands on a line of a file of the repository: `file:line[:column]`."""
    count = 0
    for finding in findings:
        path, _, rest = finding.location.partition(":")
        line, _, column = rest.partition(":")
        if finding.status is Status.PASS or not path or path.startswith("/") or not line.isdecimal() or int(line) < 1:
            continue
        count += 1
        if count > _ANNOTATIONS:
            return
        message = finding.message + (f"\nFix: {finding.remedy}" if finding.remedy else "")
        annotation: dict[str, Any] = {
            "path": path,
            "start_line": int(line),
            "end_line": int(line),
            "annotation_level": _LEVELS[finding.severity],
            "title": finding.id,
            "message": _bytes(message, _MESSAGE_LIMIT),
        }
        if column.isdecimal() and int(column) >= 1:
            annotation |= {"start_column": int(column), "end_column": int(column)}
        yield annotation


def _bounded(markdown: str) -> str:
    """What one field may have."""
    return fitted(markdown, TEXT_LIMIT, rest="the summary of the job has more")


def _bytes(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


_LEVELS = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.INFO: "notice"}
