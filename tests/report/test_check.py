"""Check runs keep GitHub's limits, whatever a release finds."""

from __future__ import annotations

import pytest

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.errors import ModelProvenanceError
from model_provenance.report.check import TEXT_LIMIT, Check, annotations_of, check_name, failed_check
from model_provenance.report.check_run import post
from model_provenance.testing.github_api import GitHubApi

ABOUT = {"head_sha": "d" * 40, "run": "1/1", "details_url": "https://github.com/acme/minilm/actions/runs/1"}


def found(count: int, message: str = "it is wrong") -> list[Finding]:
    """Findings on lines of a manifest."""
    return [
        Finding("manifest.schema", Severity.ERROR, Status.FAIL, message, "Correct it.", f"model.yaml:{n}:3")
        for n in range(1, count + 1)
    ]


def check(findings: list[Finding], summary: str = "summary") -> Check:
    """The check of an error."""
    return failed_check("minilm", "ERROR: manifest.schema", findings, summary=summary, dry_run=False, **ABOUT)


def posted(api: GitHubApi, what: Check) -> str:
    """Post to the simulator, as a job of acme/minilm."""
    return post(what, {"GITHUB_API_URL": api.url, "GITHUB_REPOSITORY": "acme/minilm"}, api.token)


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (50, 1), (51, 2), (120, 3)])
def test_annotations_go_fifty_a_request(count: int, requests: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates append; nothing is lost, and no request holds more than the API takes."""
    monkeypatch.setattr("time.sleep", lambda _: None)  # PyGithub waits a second between writes
    with GitHubApi() as api:
        posted(api, check(found(count)))

    assert api.requests == requests
    assert [a["start_line"] for a in api.checks[0]["output"]["annotations"]] == list(range(1, count + 1))


def test_limits_are_bytes_not_characters() -> None:
    """A summary of emoji is cut where its bytes end, at a line end, with a note."""
    text = check([], summary="🟢" * 99 + "\n" + ("🟡" * 99 + "\n") * 300).summary

    assert TEXT_LIMIT - 1000 < len(text.encode()) <= TEXT_LIMIT
    assert text.endswith(" more lines did not fit; the summary of the job has more.\n")
    assert "\ufffd" not in text


@pytest.mark.parametrize("size", [TEXT_LIMIT - 1, TEXT_LIMIT, TEXT_LIMIT + 1, 10 * TEXT_LIMIT])
def test_a_summary_of_any_size_is_taken(size: int) -> None:
    """The API, which refuses 65536 bytes, takes it; and not a byte more than it has to is cut."""
    text = ("line\n" * size)[:size]
    with GitHubApi() as api:
        posted(api, check(found(1, "ü" * 40_000), summary=text))

    [taken] = api.checks
    assert (taken["output"]["summary"] == text) == (size <= TEXT_LIMIT)
    assert "did not fit" in taken["output"]["summary"] or size <= TEXT_LIMIT


@pytest.mark.parametrize("location", ["", "model.yaml", "model.yaml:0", "model.yaml:x", "/etc/passwd:1", ":3"])
def test_what_stands_on_no_line_is_no_annotation(location: str) -> None:
    """The API wants a path of the repository and a line; such findings stand in the summary."""
    assert not list(annotations_of([Finding("a.b", Severity.ERROR, Status.FAIL, "m", "", location)]))


def test_a_dry_run_that_fails_has_the_name_of_one_that_does_not() -> None:
    """A red check under another name would stay red when the next run is well."""
    check = failed_check("minilm", "ERROR: manifest.schema", (), summary="x", dry_run=True, **ABOUT)

    assert check.name == check_name("minilm", dry_run=True)


def test_a_dry_run_never_has_the_name_of_a_signed_one() -> None:
    """A required check of that name cannot be satisfied by a fork."""
    assert check_name("minilm", dry_run=True) != check_name("minilm", dry_run=False)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://api.github.com@evil.example", "", "http://h/ x"])
def test_an_api_address_that_is_none_is_refused(url: str) -> None:
    """The token goes only to an address of the runner's form; an empty one is github.com."""
    env = {"GITHUB_API_URL": url or "ftp://x", "GITHUB_REPOSITORY": "acme/minilm"}

    with pytest.raises(ModelProvenanceError, match="not an address"):
        post(check([]), env, "token")


def test_no_token_is_said() -> None:
    """Not a request without authorisation."""
    with pytest.raises(ModelProvenanceError, match="no token"):
        post(check([]), {}, None)


@pytest.mark.parametrize("fault", ["down", "bad-gateway", "garbage", "forbidden"])
def test_whatever_the_api_answers_is_our_own_error(fault: str) -> None:
    """No exception of PyGithub or requests gets out."""
    with GitHubApi() as api:
        api.misbehave(fault)
        with pytest.raises(ModelProvenanceError, match="There is no check run"):
            posted(api, check([]))
