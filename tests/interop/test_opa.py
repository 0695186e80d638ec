"""Modules of Rego with the real `opa`: the cases of the gate, and what hostile modules come to."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.policy.opa import RECORDING, executable, writing_down
from tests.policy.release import NOW, report, verified, waiver

from model_provenance.domain.digest import Digest
from model_provenance.domain.policy import Answer, Verdict
from model_provenance.domain.verification import Verified
from model_provenance.policy.document import parse
from model_provenance.policy.evaluate import evaluate
from model_provenance.policy.outside import Outside, Programs

pytestmark = pytest.mark.interop

CASES = Path(__file__).parents[1] / "cases/policy/rego"
#: But for the one that is about another program.
RECORDED = sorted(path.parent for path in CASES.glob("*/opa.json") if not path.parent.name.startswith("unknown"))
MODULE = """package model_provenance

import rego.v1

evaluated := {"only"}

%s
"""


@pytest.fixture(scope="session")
def opa(tools: Any) -> Path:
    """The real one."""
    return Path(tools.program("opa"))


def answer(policy: bytes, files: dict[str, bytes], programs: Programs, found: Verified | None = None) -> Answer:
    """The answer of the one module that a policy has."""
    found = found or verified()
    decided = parse(policy, "policy.yaml", lambda name: files[name])
    decision = evaluate(
        found, decided, now=NOW, waivers=[waiver({"gate": "rego/only"})], outside=Outside(report(found), programs)
    )
    [one] = [answer for answer in decision.answers if answer.gate.startswith("rego")]
    return one


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
def test_what_was_recorded_is_what_opa_says(folder: Path, tmp_path: Path, opa: Path) -> None:
    """Byte for byte the same answer, or the same error, over the same module and the same document."""
    case = yaml.safe_load((folder / "case.yaml").read_text("utf-8"))
    record = tmp_path / RECORDING
    programs = Programs(given=writing_down(tmp_path, opa, record))
    files = {"only.rego": (folder / "only.rego").read_bytes()}
    found = answer((folder / "policy.yaml").read_bytes(), files, programs, verified(case.get("verified")))
    if os.environ.get("MODEL_PROVENANCE_RECORD") == "opa":
        (folder / RECORDING).write_bytes(record.read_bytes() + b"\n")
    assert json.loads(record.read_bytes()) == json.loads((folder / RECORDING).read_bytes())
    assert case["says"] in f"{found.what}: {found.why}"
    assert found.verdict is Verdict(case["expect"])


def policy_of(body: str) -> tuple[bytes, dict[str, bytes]]:
    """A policy with one module, whose package is what every module is asked for."""
    source = (MODULE % body).encode()
    spec = {"rego": [{"id": "only", "file": "only.rego", "digest": str(Digest.of(source)), "rules": ["only"]}]}
    head = {"apiVersion": "model-provenance/v1", "kind": "Policy", "metadata": {"name": "case"}, "spec": spec}
    return json.dumps(head).encode(), {"only.rego": source}


def refused(body: str, opa: Path) -> str:
    """Why a module has no answer; that it has one is a failure of the test."""
    found = answer(*policy_of(body), Programs(given=opa))
    assert found.verdict is Verdict.ERROR, found
    return f"{found.what}: {found.why}"


def test_a_module_that_allows_is_a_pass(opa: Path) -> None:
    """So that what is refused below is refused for what it does."""
    assert answer(*policy_of('allow := input.scope == "release"'), Programs(given=opa)).verdict is Verdict.PASS


def test_rego_that_loops_is_ended(opa: Path) -> None:
    """By opa's own limit, which says where it was; it is never an answer."""
    body = "allow if { some x in numbers.range(1, 9000); some y in numbers.range(1, 9000); x * y < 0 }"
    said = refused(body, opa)
    # Which limit comes first depends on how busy the machine is.
    assert any(words in said for words in ("deadline exceeded", "timed out", "did not end within", "more time"))


def test_rego_that_takes_all_memory_is_ended(opa: Path) -> None:
    """By the system: the address space that it may write to is limited."""
    steps = "\n".join(f'a{n} := concat("", [{", ".join([f"a{n - 1}"] * 100)}])' for n in range(1, 6))
    body = f'a0 := "0123456789"\n\n{steps}\n\nallow if count(a5) > 0'
    assert "memory" in refused(body, opa)


@pytest.mark.parametrize(
    "call",
    [
        'http.send({"method": "get", "url": "http://127.0.0.1:1/"}).status_code == 200',
        "opa.runtime().env.SECRET",
        'net.lookup_ip_addr("localhost")',
        "time.now_ns() > 0",
        'rand.intn("x", 10) >= 0',
    ],
)
def test_rego_reaches_nothing_outside_of_the_document(call: str, opa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no environment of this process, no clock: such functions do not exist there."""
    monkeypatch.setenv("SECRET", "do-not-tell")
    said = refused(f"allow if {{ {call} }}", opa)
    assert "undefined function" in said
    assert "do-not-tell" not in said


def test_an_error_of_a_function_is_no_answer(opa: Path) -> None:
    """By itself Rego makes it `undefined`, and a denial that is undefined never denies."""
    body = 'default allow := true\n\nreasons contains "x" if to_number(input.scope) > 1'
    assert "to_number" in refused(body, opa)


def test_rego_sees_nothing_of_the_environment(tmp_path: Path, opa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process itself is started without it: neither tokens nor proxies."""
    monkeypatch.setenv("SECRET", "do-not-tell")
    seen = tmp_path / "seen"
    spy = executable(
        tmp_path,
        f"import os, sys\nopen({str(seen)!r}, 'a').write(repr(dict(os.environ)))\n"
        f"os.execv({str(opa)!r}, [{str(opa)!r}, *sys.argv[1:]])\n",
    )
    assert answer(*policy_of("allow := true"), Programs(given=spy)).verdict is Verdict.PASS
    assert "do-not-tell" not in seen.read_text()


def test_a_pinned_opa_runs_in_ci_from_the_path(tmp_path: Path, opa: Path) -> None:
    """The policy names its digest: then it may come from anywhere, and one byte more is another program."""
    shutil.copy(opa, tmp_path / "opa")
    policy, files = policy_of("allow := true")
    programs = Programs(env={"PATH": str(tmp_path), "CI": "true"})
    assert "is not run in CI" in answer(policy, files, programs).why
    pinned = policy.replace(
        b'"rules": ["only"]', b'"rules": ["only"], "opaDigests": ["%s"]' % str(Digest.of(opa.read_bytes())).encode()
    )
    assert answer(pinned, files, programs).verdict is Verdict.PASS
    with (tmp_path / "opa").open("ab") as file:
        file.write(b"\n")
    assert "which the policy does not name" in answer(pinned, files, programs).why
