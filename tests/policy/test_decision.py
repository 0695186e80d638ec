"""From answers to a decision: an ERROR is never outvoted, nothing is decided by nobody, and losing evidence never helps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.domain.policy import Answer, Decision, Verdict
from model_provenance.domain.verification import Result
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy import evaluate as module
from model_provenance.policy.document import PROFILES, Policy, parse, profile
from model_provenance.policy.evaluate import evaluate
from model_provenance.policy.gates import GATES
from model_provenance.policy.gates.gate import Gate

from .release import ISSUER, MANIFEST, NOW, SUBJECT, verified

STRICT = f"""
apiVersion: model-provenance/v1
kind: Policy
metadata: {{name: strict, expires: 2026-12-31}}
spec:
  extends: production
  signers: [{{identity: "{SUBJECT}", issuer: "{ISSUER}"}}]
  source: {{events: [push], refs: [refs/heads/main]}}
  licenses: {{deny: [GPL-3.0-only], of: [model, base_model, datasets]}}
  datasets: {{requireDigest: true, deny: [{{name: "laion*"}}]}}
  age: {{max: 30d}}
"""
POLICY = parse(STRICT.encode(), "strict.yaml", lambda _: b"")


def decision(*verdicts: Verdict) -> Decision:
    """A decision of gates that answer this."""
    return Decision("p", "sha256:0", NOW, tuple(Answer("gate", verdict, "x") for verdict in verdicts))


@given(st.lists(st.sampled_from(list(Verdict)), max_size=8))
def test_the_rule(verdicts: list[Verdict]) -> None:
    """ERROR before FAIL before PASS; only skipped gates, or none, are an ERROR."""
    result = decision(*verdicts).result
    if Verdict.ERROR in verdicts or not set(verdicts) - {Verdict.SKIPPED}:
        assert result is Result.ERROR
    else:
        assert result is (Result.FAIL if Verdict.FAIL in verdicts else Result.PASS)


def test_a_good_release_passes_every_profile_and_a_strict_policy() -> None:
    """The default release of these tests is one that everybody should let through."""
    for policy in (*map(profile, PROFILES), POLICY):
        found = evaluate(verified(), policy, now=NOW)
        assert found.result is Result.PASS, found


@pytest.mark.parametrize("given_", [None, True, {"result": "PASS"}, b"PASS", object()])
def test_only_a_verified_is_decided_about(given_: Any) -> None:
    """Whatever else is handed in is a TypeError before any gate is asked."""
    with pytest.raises(TypeError):
        evaluate(given_, POLICY, now=NOW)


def test_no_gate_is_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a gate that ran the decision is an ERROR."""
    monkeypatch.setattr(module, "GATES", ())
    assert evaluate(verified(), POLICY, now=NOW).result is Result.ERROR


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), RecursionError(), ModelProvenanceError("sbom.malformed", "x")]
)
def test_a_gate_that_breaks_has_not_passed(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours is an ERROR of that gate; the others still answer."""

    def broken(*_: object) -> Answer:
        raise error

    monkeypatch.setattr(module, "GATES", (*GATES, Gate("broken", "breaks", lambda policy: policy, broken)))
    found = evaluate(verified(), POLICY, now=NOW)
    assert (found.result, found.answers[-1].verdict) == (Result.ERROR, Verdict.ERROR)
    assert found.answers[0].verdict is Verdict.PASS


def test_an_expired_policy_lets_nothing_through() -> None:
    """On its last day it decides; a second later it cannot."""
    assert POLICY.expires
    age = {"signed_at": POLICY.expires - 86_400}
    assert evaluate(verified(age), POLICY, now=POLICY.expires - 1).result is Result.PASS
    found = evaluate(verified(age), POLICY, now=POLICY.expires)
    assert (found.result, found.answers[0].gate) == (Result.ERROR, "policy")


#: Everything that evidence can lose.
LOSSES: dict[str, Any] = {
    "no files": {"files": []},
    "no inspection": {"executable": None},
    "no level": {"slsa_level": None},
    "no time": {"signed_at": None},
    "no log": {"time_evidence": ["tsa"]},
    "no evidence of time": {"time_evidence": []},
    "no certificate": {"signer": {"method": "key", "subject": "key:x", "issuer": None, "extensions": {}}},
    "no root": {"model_digest": None},
    "no manifest": {"manifest": None},
    "less than a release": {"scope": "remote"},
} | {f"no {key}": {"manifest_without": [key]} for key in MANIFEST}
FAULTS: dict[str, Any] = {
    "nothing": {},
    "pickle": {"files": ["model.safetensors", "config.json", "x.pkl"]},
    "code": {"executable": ["config.json"]},
    "licence": {"manifest": {"license": "GPL-3.0-only"}},
    "licence of a dataset": {"manifest": {"datasets": [{"name": "a", "digest": "sha256:" + "0" * 64}]}},
    "dataset": {"manifest": {"datasets": [{"name": "LAION", "license": "MIT", "digest": "sha256:" + "0" * 64}]}},
    "old": {"signed_at": NOW - 400 * 86_400},
    "branch": {"signer": {"extensions": {12: "https://github.com/acme/minilm", 14: "refs/heads/x", 20: "push"}}},
    "level": {"slsa_level": 1},
    "base": {"manifest": {"fine_tuned_from": {"model": "a", "license": "GPL-3.0-only"}}},
}


def merged(*changes: dict[str, Any]) -> dict[str, Any]:
    """All changes at once; later ones win, and what is left out of the manifest adds up."""
    found: dict[str, Any] = {}
    for change in changes:
        without = [*found.get("manifest_without", []), *change.get("manifest_without", [])]
        found = {**found, **change, "manifest_without": without}
    return found


def test_no_single_loss_makes_a_pass() -> None:
    """The same, for every fault with every loss under every policy."""
    for policy in (*map(profile, PROFILES), POLICY):
        for fault in FAULTS.values():
            if evaluate(verified(fault), policy, now=NOW).result is not Result.PASS:
                after = {
                    name: evaluate(verified(merged(fault, loss)), policy, now=NOW) for name, loss in LOSSES.items()
                }
                assert [name for name, found in after.items() if found.result is Result.PASS] == []


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(FAULTS)),
    st.lists(st.sampled_from(sorted(LOSSES)), min_size=1, max_size=4),
    st.sampled_from([*map(profile, PROFILES), POLICY]),
)
def test_losing_evidence_never_makes_a_pass(fault: str, losses: list[str], policy: Policy) -> None:
    """Monotonic: what was a FAIL or an ERROR stays one when evidence is taken away."""
    before = evaluate(verified(FAULTS[fault]), policy, now=NOW).result
    after = evaluate(verified(merged(FAULTS[fault], *(LOSSES[loss] for loss in losses))), policy, now=NOW).result
    assert before is Result.PASS or after is not Result.PASS
