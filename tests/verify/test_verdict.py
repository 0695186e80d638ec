"""What findings mean together: result, exit status, level; and that no check can be silent or fail open."""

from __future__ import annotations

import ast
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import model_provenance
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import Finding, Severity, Status, failed, passed, skipped, undecided, warned
from model_provenance.domain.result import Result
from model_provenance.domain.verification import Scope, Verified
from model_provenance.errors import CODES, Exit
from model_provenance.formats.slsa_level import ReviewedBuilder, slsa_level
from model_provenance.verify import run
from model_provenance.verify.checks import CHECKS, Check
from model_provenance.verify.outcome import PRECEDENCE, blocked, not_checked, unchecked, verdict

SOURCE = Path(model_provenance.__file__).parent
BY_STATUS = {
    10: "signature.invalid",
    11: "files.changed",
    12: "evidence.missing",
    15: "bundle.target",
}


def test_no_finding_at_all_is_no_pass() -> None:
    """Nothing checked is not a pass."""
    assert verdict([]) == (Result.ERROR, Exit.UNDECIDED)


def test_warnings_and_notes_pass() -> None:
    """What does not decide does not decide."""
    findings = [passed("files", ""), warned("expect.unpinned", ""), skipped("x", ""), unchecked("package", "")]
    assert verdict(findings) == (Result.PASS, Exit.OK)


@pytest.mark.parametrize("first", BY_STATUS)
@pytest.mark.parametrize("second", BY_STATUS)
def test_the_exit_status_follows_the_documented_order(first: Any, second: Any) -> None:
    """A signature outranks content, content outranks what is missing, and what is known outranks what is not."""
    order = [int(status) for status in PRECEDENCE]
    findings = [failed(BY_STATUS[first], ""), passed("files", ""), failed(BY_STATUS[second], "")]
    assert verdict(findings)[1] == min((first, second), key=order.index)


def test_could_not_decide_is_an_error_and_not_a_failure() -> None:
    """15 alone is ERROR; beside something that is known to be wrong it is FAIL with that status."""
    assert verdict([undecided("bundle.target", "")]) == (Result.ERROR, Exit.UNDECIDED)
    assert verdict([blocked("")]) == (Result.ERROR, Exit.UNDECIDED)
    assert verdict([blocked(""), failed("files.extra", "")]) == (Result.FAIL, Exit.CONTENT)


def test_an_error_finding_of_any_code_ends_with_a_failing_status() -> None:
    """Also codes whose own status is 0 or 2 never give 0 here."""
    for code in CODES:
        result, status = verdict([Finding(code, Severity.ERROR, Status.FAIL, ""), passed("files", "")])
        assert result is not Result.PASS
        assert status in PRECEDENCE


def test_what_was_left_out_on_purpose_is_listed() -> None:
    """Blocked checks are failures, not things left out."""
    assert not_checked([unchecked("package", "package digest"), blocked("x"), passed("y", "z")]) == ("package digest",)


# --- the runner


def _with(monkeypatch: Any, index: Any, answer: Any) -> Any:
    check = CHECKS[index]._replace(run=answer)
    monkeypatch.setattr(run, "CHECKS", (*CHECKS[:index], check, *CHECKS[index + 1 :]))


@pytest.mark.parametrize("index", range(len(CHECKS)))
@pytest.mark.parametrize("kind", ["silent", "crash", "memory"])
def test_a_check_that_says_nothing_or_crashes_is_never_a_pass(
    api: Any, judge: Any, monkeypatch: Any, index: Any, kind: Any
) -> None:
    """A defect of ours in any check is "could not decide"."""

    def answer(_: Any) -> Any:
        if kind == "silent":
            return []
        raise MemoryError if kind == "memory" else ZeroDivisionError

    draft = api.Draft()
    _with(monkeypatch, index, answer)
    report = judge(api.by_key(draft.statements), draft.directory)
    assert api.failures(report) == {"verify.crashed"}
    assert report.exit_status == 15


def test_the_checks_are_numbered_once_and_named_once() -> None:
    """The list is what code, reports and documentation share."""
    assert [check.number for check in CHECKS] == list(range(1, 18))
    assert len({check.id for check in CHECKS}) == len({check.title for check in CHECKS}) == len(CHECKS)
    assert all(isinstance(check, Check) and check.title[0].islower() for check in CHECKS)


def test_the_seal_is_used_where_checks_are_carried_out_alone() -> None:
    """`verify/run.py` after the checks of evidence, `verify/summary.py` after those of somebody's summary, and nobody else."""
    users = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and any(name.name in ("SEAL", "_Seal") for name in node.names)
    }
    assert users == {"verify/run.py", "verify/summary.py"}


def test_a_verified_cannot_be_made_by_hand() -> None:
    """Without the seal the constructor refuses."""
    signer = SignerIdentity("key", "key:x")
    with pytest.raises(TypeError):
        Verified(None, Scope.RELEASE, signer, (), None, None, (), {}, {}, (), None)  # type: ignore[arg-type]


def test_misuse_of_verified_does_not_type_check(tmp_path: Any) -> None:
    """The type test beside this suite: every line marked `error` must be one for mypy, and no other."""
    # Not a `.py` file there, or the type check of the whole project would find what is to be found here.
    case = tmp_path / "verified_misuse.py"
    case.write_bytes((Path(__file__).parent.parent / "typing" / "verified_misuse.txt").read_bytes())
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path), str(case)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"MYPYPATH": str(SOURCE.parent), "PATH": "/usr/bin:/bin"},
    )
    found = {
        int(line.split(":")[1])
        for line in done.stdout.splitlines()
        if "verified_misuse.py:" in line and ": error:" in line
    }
    expected = {n for n, line in enumerate(case.read_text("utf-8").splitlines(), 1) if "# error" in line}
    assert found == expected, done.stdout + done.stderr
    assert len(expected) >= 4


# --- the SLSA level


def github(**extensions: Any) -> Any:
    """A job's certificate."""
    values = {
        9: "https://github.com/org/b/.github/workflows/release-model.yml@refs/tags/v1",
        10: "c" * 40,
        11: "github-hosted",
        18: "https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main",
    } | {int(name[1:]): value for name, value in extensions.items()}
    items = tuple(sorted((number, value) for number, value in values.items() if value is not None))
    return SignerIdentity("keyless", values[9], "https://token.actions.githubusercontent.com", items)


REVIEWED = (ReviewedBuilder("https://github.com/org/b/.github/workflows/release-model.yml", frozenset({"c" * 40})),)


@pytest.mark.parametrize(
    ("signer", "reviewed", "level"),
    [
        (SignerIdentity("key", "key:ab"), REVIEWED, 1),
        (SignerIdentity("keyless", "dev@example.com", "https://accounts.google.com"), REVIEWED, 1),
        (github(), (), 2),
        (github(), REVIEWED, 3),
        (github(_10="d" * 40), REVIEWED, 2),
        (github(_10=None), REVIEWED, 2),
        (github(_9="https://github.com/org/b/.github/workflows/other.yml@refs/tags/v1"), REVIEWED, 2),
        (github(_18="https://github.com/org/b/.github/workflows/release-model.yml@refs/heads/x"), REVIEWED, 2),
        (github(_11="self-hosted"), REVIEWED, 1),
        (github(_11=None), REVIEWED, 1),
        (replace(github(), issuer="https://issuer.example"), REVIEWED, 1),
    ],
)
def test_the_slsa_level_follows_from_the_certificate(signer: Any, reviewed: Any, level: Any) -> None:
    """In the job 2, by a reviewed builder 3, self-hosted and unknown signers 1; each with reasons."""
    found, reasons = slsa_level(signer, has_provenance=True, reviewed=reviewed)
    assert found == level
    assert reasons


def test_without_provenance_there_is_no_level() -> None:
    """Level 1 is that provenance exists."""
    assert slsa_level(github(), has_provenance=False, reviewed=REVIEWED)[0] == 0


def test_a_release_that_does_not_pass_has_no_level(api: Any, judge: Any) -> None:
    """A level is a property of what was verified."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements, api.OTHER_KEY), draft.directory)
    assert report.slsa_level is None
    assert report.verified is None


# --- offline


@pytest.fixture
def no_connections(monkeypatch: Any) -> Any:
    """Any attempt to connect or to look up a name fails the test."""

    def refuse(*args: Any, **_: Any) -> Any:
        raise AssertionError(f"a connection was opened: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def test_local_verification_opens_no_connection(api: Any, keyless: Any, judge_keyless: Any, request: Any) -> None:
    """Keyless evidence with a given trusted root; signing happened before."""
    draft = api.Draft(run=keyless.default_run)
    bundles = {rekor: keyless.sign(draft.statements, rekor=rekor) for rekor in (1, 2)}
    request.getfixturevalue("no_connections")
    for signed in bundles.values():
        assert api.failures(judge_keyless(signed, draft.directory)) == set()


def test_the_production_root_needs_no_connection(
    api: Any, keyless: Any, judge_keyless: Any, request: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    """Without a root the embedded one is used: an empty cache and no network decide all the same (here: refuse)."""
    from model_provenance.domain.verification import Trust

    draft = api.Draft(run=keyless.default_run)
    bundles = keyless.sign(draft.statements)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    request.getfixturevalue("no_connections")
    report = judge_keyless(bundles, draft.directory, trust=Trust(None))
    assert "log.unknown" in api.failures(report)
    assert not list(tmp_path.iterdir()), "verifying writes nothing"


def test_verification_works_in_a_network_namespace_without_any_route(api: Any, keyless: Any, tmp_path: Any) -> None:
    """A process that has no network at all verifies a keyless release."""
    probe = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine allows no network namespace")
    draft = api.Draft(run=keyless.default_run)
    for name, data in keyless.sign(draft.statements).items():
        (tmp_path / f"{name}.json").write_bytes(data)
    (tmp_path / "root.json").write_bytes(keyless.trust.trusted_root)
    (tmp_path / "files.txt").write_text(
        "\n".join(f"{f.path} {f.size} {f.digest.hex} {f.role.value}" for f in draft.directory.files)
    )
    program = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(SOURCE.parent)!r})
from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile, Role
from model_provenance.domain.verification import EvidenceFiles, Expectation, Observed, TargetKind, Trust
from model_provenance.formats.identity import parse_signer
from model_provenance.verify.release import verify_release
folder = Path({str(tmp_path)!r})
lines = [line.split(" ") for line in (folder / "files.txt").read_text().splitlines()]
files = tuple(ModelFile(path, int(size), Digest(digest), Role(role)) for path, size, digest, role in lines)
names = ("oms", "manifest", "spdx", "cyclonedx", "provenance")
bundles = tuple((name, (folder / (name + ".json")).read_bytes()) for name in names)
expectation = Expectation(parse_signer({api.SIGNER!r}), "acme/minilm", "1.0.0")
trust = Trust((folder / "root.json").read_bytes())
report = verify_release(EvidenceFiles(bundles), Observed(TargetKind.DIRECTORY, files), expectation, trust)
sys.exit(report.exit_status)
"""
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
