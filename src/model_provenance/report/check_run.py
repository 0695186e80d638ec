"""Posting a check run with the job's token, through PyGithub.

A check informs: whether it could be posted never changes what a release is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.report.check import Check

_SECONDS = 20
_API = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+(?:/[A-Za-z0-9._~/-]*)?")


def post(check: Check, env: Mapping[str, str], token: str | None) -> str:
    """Post the check and return its address. Raises `ci.check_run` with the reason."""
    if not token:
        raise _refused("the job has no token (`github-token` is empty)")
    api, repository = env.get("GITHUB_API_URL") or "https://api.github.com", env.get("GITHUB_REPOSITORY", "")
    if not _API.fullmatch(api):
        raise _refused(f"GITHUB_API_URL is {shown(api)}, not an address")
    import requests  # noqa: PLC0415 - heavy, only where a check is posted
    from github import Auth, Github, GithubException  # noqa: PLC0415

    try:
        with Github(
            auth=Auth.Token(token), base_url=api.rstrip("/"), timeout=_SECONDS, retry=None, lazy=True
        ) as client:
            first, *more = check.pages()
            created = client.get_repo(repository).create_check_run(
                name=check.name,
                head_sha=check.head_sha,
                details_url=check.details_url,
                external_id=check.external_id,
                status="completed",
                conclusion=check.conclusion,
                output=check.output(first),
            )
            for page in more:
                created.edit(output=check.output(page))
            if not created.html_url:
                raise ValueError("no address of the check")  # noqa: TRY301 - caught with those of the library
            return str(created.html_url)
    except GithubException as error:
        raise _refused(_why(error.status, error.data)) from error
    except (requests.RequestException, ValueError, AssertionError, TypeError) as error:
        raise _refused(f"{shown(api, 100)} did not answer as GitHub does: {shown(str(error), 200)}") from error


def _why(status: int, data: object) -> str:
    message = data.get("message") if isinstance(data, dict) else None
    said = f"GitHub answered {status}: {shown(str(message), 200)}" if message else f"GitHub answered {status}"
    return f"the job has no `checks: write` ({said})" if status in (403, 404) else said


def _refused(why: str) -> ModelProvenanceError:
    return ModelProvenanceError("ci.check_run", f"There is no check run: {why}")
