"""GitHub's REST API for check runs on loopback: it takes what the documentation allows and refuses everything else.

docs.github.com, REST API endpoints for check runs. Limits that the documentation states are enforced, so that a client that
passes here does not fail there: 50 annotations a request, 65535 bytes of summary and text, columns only within one line.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Any, final

from model_provenance.testing.faults import Fault, Faults, Service
from model_provenance.testing.loopback import LoopbackServer, Request, Response

_RUNS = re.compile(r"/repos/(?P<repository>[^/]+/[^/]+)/check-runs(?:/(?P<id>[0-9]+))?")
_CONCLUSIONS = (
    "action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out",
)  # fmt: skip
_FIELDS = frozenset(
    {"name", "head_sha", "details_url", "external_id", "status", "conclusion", "started_at", "completed_at", "output"}
)
_OUTPUT = frozenset({"title", "summary", "text", "annotations", "images"})
_ANNOTATION = frozenset(
    {
        *("path", "start_line", "end_line", "start_column", "end_column"),
        *("annotation_level", "message", "title", "raw_details"),
    }
)
_TEXT_LIMIT, _PAGE, _MESSAGE_LIMIT, _TITLE_LIMIT = 65_535, 50, 64 * 1024, 255


class _InvalidError(Exception):
    """422 with this message."""


@final
class GitHubApi:
    """The API from `with` to its end. `token` may write checks in `repository`; any other token only reads."""

    def __init__(self, repository: str = "acme/minilm", *, may_write: bool = True) -> None:
        self.repository, self.may_write = repository, may_write
        self.token = f"ghs_{secrets.token_hex(18)}"
        #: Every check run, as it was posted; `annotations` are those of all its requests.
        self.checks: list[dict[str, Any]] = []
        self.requests = 0
        self._faults = Faults()
        self._server: LoopbackServer | None = None

    def __enter__(self) -> GitHubApi:
        self._server = LoopbackServer({"/": (Service.GITHUB, self._handle)}, self._faults)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.stop()

    @property
    def url(self) -> str:
        """What GITHUB_API_URL is set to."""
        assert self._server is not None  # noqa: S101 - used in a `with` statement
        return self._server.url

    def misbehave(self, fault: Fault | str, *, times: int | None = None) -> None:
        """Go wrong from now on, or for the next `times` requests."""
        self._faults.start(Service.GITHUB, Fault(fault), times=times, seconds=60.0)

    def _handle(self, request: Request) -> Response:
        self.requests += 1
        found = _RUNS.fullmatch(request.path)
        if found is None:
            return Response.json({"message": "Not Found"}, 404)
        if request.headers.get("authorization") not in (f"token {self.token}", f"Bearer {self.token}"):
            return Response.json({"message": "Bad credentials"}, 401)
        if not self.may_write or self._faults.hit(Service.GITHUB, Fault.FORBIDDEN):
            return Response.json({"message": "Resource not accessible by integration"}, 403)
        if found["repository"] != self.repository:
            return Response.json({"message": "Not Found"}, 404)
        try:
            if request.method == "POST" and found["id"] is None:
                return self._create(request.json())
            if request.method == "PATCH" and found["id"] is not None and int(found["id"]) <= len(self.checks):
                return self._update(int(found["id"]), request.json())
        except _InvalidError as error:
            return Response.json({"message": f"Invalid request. {error}"}, 422)
        return Response.json({"message": "Not Found"}, 404)

    def _create(self, body: Any) -> Response:
        _known(body, _FIELDS, "the check run")
        for name in ("name", "head_sha"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise _InvalidError(f"{name} is missing")
        if not re.fullmatch("[0-9a-f]{40}", body["head_sha"]):
            raise _InvalidError("No commit found for SHA")
        _check(body)
        self.checks.append({**body, "output": dict(body.get("output") or {})})
        return self._answer(len(self.checks), 201)

    def _update(self, number: int, body: Any) -> Response:
        _known(body, _FIELDS, "the check run")
        _check(body)
        check = self.checks[number - 1]
        before = check["output"].get("annotations", [])
        check |= body
        # An update adds annotations to those that are there and replaces everything else.
        check["output"]["annotations"] = [*before, *check["output"].get("annotations", [])]
        return self._answer(number, 200)

    def _answer(self, number: int, status: int) -> Response:
        check = self.checks[number - 1]
        page = f"https://github.com/{self.repository}/runs/{number}"
        fields = {key: check.get(key) for key in ("name", "head_sha", "external_id", "status", "conclusion")}
        url = f"{self.url}/repos/{self.repository}/check-runs/{number}"
        return Response.json({"id": number, "url": url, "html_url": page, **fields}, status)


def _check(body: Mapping[str, Any]) -> None:
    if "conclusion" in body and body["conclusion"] not in _CONCLUSIONS:
        raise _InvalidError("conclusion is not one")
    output = body.get("output")
    if output is None:
        return
    _known(output, _OUTPUT, "output")
    for name in ("title", "summary"):
        if not isinstance(output.get(name), str) or not output[name]:
            raise _InvalidError(f"output.{name} is missing")
    for name in ("summary", "text"):
        if len(str(output.get(name) or "").encode()) > _TEXT_LIMIT:
            raise _InvalidError(f"Only {_TEXT_LIMIT} characters are allowed; output.{name} has more")
    annotations = output.get("annotations") or []
    if len(annotations) > _PAGE:
        raise _InvalidError(f"No more than {_PAGE} annotations a request")
    for annotation in annotations:
        _check_annotation(annotation)


def _check_annotation(value: Any) -> None:
    _known(value, _ANNOTATION, "an annotation")
    if not value.get("path") or value.get("annotation_level") not in ("notice", "warning", "failure"):
        raise _InvalidError("an annotation has no path or no level")
    lines = (value.get("start_line"), value.get("end_line"))
    if not all(isinstance(line, int) and line >= 1 for line in lines):
        raise _InvalidError("an annotation has no lines")
    if lines[0] != lines[1] and ("start_column" in value or "end_column" in value):
        raise _InvalidError("columns need one line")
    if not value.get("message") or len(value["message"].encode()) > _MESSAGE_LIMIT:
        raise _InvalidError("the message of an annotation is missing or too large")
    if len(value.get("title") or "") > _TITLE_LIMIT:
        raise _InvalidError("the title of an annotation is too long")


def _known(value: Any, fields: frozenset[str], what: str) -> None:
    if not isinstance(value, dict) or value.keys() - fields:
        raise _InvalidError(f"{what} has unknown fields")
