"""The check run of a release job: where it may be posted, and the sentence that says why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from model_provenance.context.github import event_of, stranger_of
from model_provenance.domain.context import CiRun, Provider
from model_provenance.domain.finding import Finding
from model_provenance.domain.receipt import Receipt
from model_provenance.errors import ModelProvenanceError
from model_provenance.report.check import Check, failed_check, release_check
from model_provenance.report.check_run import post

_MODES = ("auto", "always", "never")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class CheckRun:
    """Whether and as what this job posts a check run."""

    def __init__(self, mode: str | None, run: CiRun, env: Mapping[str, str], token: str | None) -> None:
        self._mode = mode or "auto"
        if self._mode not in _MODES:
            raise ModelProvenanceError("ci.input", f"the input `check-run` is none of {', '.join(_MODES)}")
        self._run, self._env, self._token = run, env, token
        #: Whether this run signs nothing, which its check says in its name whatever comes of it.
        self.dry_run = False

    def release(self, receipt: Receipt, *, summary: str, details: str) -> tuple[str, str]:
        """Address of the check of a release, and a sentence on why there is none; one of the two is empty."""
        return self._posted(release_check(receipt, summary=summary, details=details, **self._about()))

    def error(self, model: str, title: str, findings: Sequence[Finding], *, summary: str) -> None:
        """The check of a release that ended in an error; the error itself is never hidden by this."""
        try:
            self._posted(failed_check(model, title, findings, summary=summary, dry_run=self.dry_run, **self._about()))
        except ModelProvenanceError:
            return

    def _posted(self, check: Check) -> tuple[str, str]:
        if self._run.provider is not Provider.GITHUB or self._mode == "never":
            return "", ""
        stranger = stranger_of(self._run, event_of(self._env))
        if stranger is not None and self._mode == "auto":
            why = f"This pull request is {stranger}'s, whose token only reads, so there is no check run."
            return "", f"{why} Summary and annotations say the same."
        try:
            return post(check, self._env, self._token), ""
        except ModelProvenanceError as error:
            if self._mode == "always":
                raise
            return "", f"{error.message}. {error.remedy}"

    def _about(self) -> dict[str, Any]:
        run = self._run
        return {
            "head_sha": self._head(),
            "run": f"{run.run_id}/{run.run_attempt or '1'}",
            "details_url": run.run_url,
        }

    def _head(self) -> str:
        """The commit that people look at: of a pull request its head, not the merge commit that the job runs on."""
        request = event_of(self._env).get("pull_request")
        head = request.get("head") if isinstance(request, dict) else None
        sha = head.get("sha") if isinstance(head, dict) else None
        return sha if isinstance(sha, str) and _COMMIT.fullmatch(sha) else self._run.commit
