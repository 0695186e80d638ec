"""From answers to a decision: an ERROR is never outvoted, nothing is decided by nobody, and losing evidence never helps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.domain.policy import Answer, Decision, Verdict
from model_provenance.domain.result import Result
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy import evaluate as module
from model_provenance.policy.document import PROFILES, Policy, parse, profile
from model_provenance.policy.evaluate import evaluate
from model_provenance.policy.gates import GATES, HATCHES
from model_provenance.policy.gates.gate import Gate

from .release import (
    ISSUER,
    MANIFEST,
    NOW,
    RESOURCE,
    SUBJECT,
    VERIFIER,
    VERIFIER_ID,
    ancestor,
    status,
    summary,
    verified,
)

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
  evaluations: {{required: [{{name: sts-b, metric: spearman, min: 0.8, result: passed}}]}}
  lineage: {{baseModel: verified, maxDepth: 3}}
  vsa:
    verifiers: [{{id: "{VERIFIER_ID}", identity: "{VERIFIER}", issuer: "{ISSUER}"}}]
    maxAge: 7d
    levels: [SLSA_BUILD_LEVEL_2]
  age: {{max: 30d}}
  revocation: {{revokers: [{{identity: security@acme.example, issuer: "{ISSUER}"}}], maxStaleness: 12h}}
"""
POLICY = parse(STRICT.encode(), "strict.yaml", lambda _: b"")


def decide(policy: Policy, changes: dict[str, Any] | None = None, *, now: int = NOW) -> Decision:
    """The decision over the good release with its base model and its summary, changed."""
    given = dict(changes or {})
    return evaluate(
        verified({key: value for key, value in given.items() if key not in ("lineage", "summaries", "status")}),
        policy,
        now=now,
        lineage=tuple(ancestor(each) for each in given.get("lineage", [{}])),
        summaries=[summary(each) for each in given.get("summaries", [{}])],
        resource=RESOURCE,
        status=status(given.get("status", {})),
    )


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
        found = decide(policy)
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
    fresh: dict[str, Any] = {
        "signed_at": POLICY.expires - 86_400,
        "summaries": [{"verified_at": POLICY.expires - 86_400}],
    }
    fresh["status"] = {"age": (NOW - POLICY.expires) / 3600 + 1}
    assert decide(POLICY, fresh, now=POLICY.expires - 1).result is Result.PASS
    found = decide(POLICY, fresh, now=POLICY.expires)
    assert (found.result, found.answers[0].gate) == (Result.ERROR, "policy")


REVOKED = {
    "action": "revoke",
    "scope": "artifact",
    "reason": "backdoor",
    "propagate": "none",
    "digest": "sha256:" + "cd" * 32,
}
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
    "a summary alone": {"scope": "summary"},
    "no evidence of the base model": {"lineage": [{"backing": "missing", "why": "nothing is about it"}]},
    "nobody looked for the base model": {"lineage": []},
    "no summary": {"summaries": []},
    "no time of the summary": {"summaries": [{"verified_at": None}]},
    "no levels of the summary": {"summaries": [{"levels": []}]},
    "nobody verified the summary": {"summaries": [{"signer": None}]},
    "no status list": {"status": None},
    "a status list that cannot be read": {"status": {"error": "status.rollback"}},
    "an old status list": {"status": {"age": 20}},
    "a status list by the release's signer": {
        "status": {"revokers": [{"method": "keyless", "subject": SUBJECT, "issuer": ISSUER}]}
    },
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
    "evaluation": {
        "manifest": {"tests": [{"name": "sts-b", "metric": "spearman", "value": "0.1", "result": "passed"}]}
    },
    "failed evaluation": {"manifest": {"tests": [*MANIFEST["tests"], {"name": "smoke", "result": "failed"}]}},
    "base model refused": {"lineage": [{"backing": "refused", "why": "signed by another"}]},
    "base model of a cycle": {"lineage": [{}, {"depth": 2, "backing": "cycle", "why": "its own ancestor"}]},
    "summary failed": {"summaries": [{"result": "FAILED"}]},
    "summary of another": {"summaries": [{"resource_uri": "pkg:generic/model/acme/minilm@0.9.0"}]},
    "revoked": {"status": {"entries": [REVOKED]}},
    "revoked dataset": {"status": {"entries": [{**REVOKED, "scope": "dataset", "digest": "sha256:" + "12" * 32}]}},
    "summary replayed": {"summaries": [{"verified_at": NOW - 30 * 86_400}]},
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
            if decide(policy, fault).result is not Result.PASS:
                after = {name: decide(policy, merged(fault, loss)) for name, loss in LOSSES.items()}
                assert [name for name, found in after.items() if found.result is Result.PASS] == []


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(FAULTS)),
    st.lists(st.sampled_from(sorted(LOSSES)), min_size=1, max_size=4),
    st.sampled_from([*map(profile, PROFILES), POLICY]),
)
def test_losing_evidence_never_makes_a_pass(fault: str, losses: list[str], policy: Policy) -> None:
    """Monotonic: what was a FAIL or an ERROR stays one when evidence is taken away."""
    before = decide(policy, FAULTS[fault]).result
    after = decide(policy, merged(FAULTS[fault], *(LOSSES[loss] for loss in losses))).result
    assert before is Result.PASS or after is not Result.PASS


def test_a_revoked_ancestor_is_not_hidden_by_leaving_its_evidence_out() -> None:
    """Also where nothing but `revocation` is asked: what cannot be looked up is no pass, with every loss."""
    text = STRICT.partition("spec:")[0] + "spec:\n" + STRICT[STRICT.index("  revocation:") :].partition("\n")[0] + "\n"
    policy = parse(text.encode(), "p.yaml", lambda _: b"")
    assert decide(policy).result is Result.PASS
    root = {"depth": 2, "name": "acme/root", "manifest": {"datasets": [{"name": "d", "digest": "sha256:" + "d0" * 32}]}}
    entry = {**REVOKED, "scope": "dataset", "digest": "sha256:" + "d0" * 32, "propagate": "descendants"}
    revoked = {"status": {"entries": [entry]}, "lineage": [{}, root]}
    assert decide(policy, revoked).result is Result.FAIL
    for hidden in ([], [{}, {"depth": 2, "backing": "missing", "why": "x"}], [{"backing": "missing", "why": "x"}]):
        assert decide(policy, {**revoked, "lineage": hidden}).result is Result.ERROR


def test_every_gate_is_asked_by_the_strict_policy() -> None:
    """What is shown above of losses and faults is shown of every gate; a gate that is added is asked here, too.

    But for rules in other languages: what they make of a loss is for whoever writes them (`test_hatches`).
    """
    assert {gate.id for gate in GATES if gate.section(POLICY) is None} == set(HATCHES)


SUMMARIES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "result": st.sampled_from(["PASSED", "FAILED"]),
            "verified_at": st.sampled_from([NOW - 86_400, NOW - 10, NOW - 90 * 86_400, NOW + 86_400, None]),
            "signer": st.sampled_from([VERIFIER, "second@acme.example", SUBJECT, None]),
            "verifier_id": st.sampled_from([VERIFIER_ID, "https://acme.example/second"]),
            "resource_uri": st.sampled_from([RESOURCE, "pkg:generic/model/acme/minilm@0.9.0"]),
        },
    ),
    max_size=5,
)


def _vsa(words: str) -> Policy:
    second = f'{{id: "https://acme.example/second", identity: second@acme.example, issuer: "{ISSUER}"}}'
    first = f'{{id: "{VERIFIER_ID}", identity: "{VERIFIER}", issuer: "{ISSUER}"}}'
    head = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: v}\n"
    return parse(f"{head}spec: {{vsa: {{verifiers: [{first}, {second}], {words}}}}}".encode(), "v.yaml", lambda _: b"")


@settings(max_examples=300)
@given(SUMMARIES, st.sampled_from(["maxAge: 7d", "maxAge: 7d, count: 2", "maxAge: 7d, select: all"]), st.data())
def test_removing_reordering_or_replaying_summaries_never_makes_a_pass(
    summaries: list[dict[str, Any]], words: str, data: st.DataObject
) -> None:
    """Any of the summaries in any order, each any number of times: what was no PASS with all of them stays none."""
    policy = _vsa(words)
    before = decide(policy, {"summaries": summaries}).result
    fewer = data.draw(st.lists(st.sampled_from(summaries), max_size=8)) if summaries else []
    assert before is Result.PASS or decide(policy, {"summaries": fewer}).result is not Result.PASS


@settings(max_examples=300)
@given(SUMMARIES)
def test_ageing_never_makes_a_pass_and_newest_is_never_more_than_any(summaries: list[dict[str, Any]]) -> None:
    """Whatever is refused today is refused later; `newest` lets nothing through that `any` would not."""
    usual, newest = _vsa("maxAge: 7d"), _vsa("maxAge: 7d, select: newest")
    dated = [each for each in summaries if (each.get("verified_at") or 0) <= NOW]
    passed = decide(usual, {"summaries": summaries}).result is Result.PASS
    assert passed or decide(newest, {"summaries": summaries}).result is not Result.PASS
    if decide(usual, {"summaries": dated}).result is not Result.PASS:
        assert decide(usual, {"summaries": dated}, now=NOW + 5 * 86_400).result is not Result.PASS
