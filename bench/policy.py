"""What a policy costs after verification, and a comparable rule in Open Policy Agent over the same facts.

    make bench
    .venv/bin/python bench/policy.py --opa PATH

A real release of 1,000 files with 500 datasets, signed with a key, is verified once. Then `production` decides about it, made
stricter by licences of every dataset, a hundred denied names, evaluations and a signer, so that every gate has work.
`decide` is all that a policy adds to a verification that has read its options; `read` is reading the policy; one row also
verifies a base model by its evidence and weighs a summary. OPA gets manifest, files and signer as JSON: `process` is one `opa
eval`, as a pipeline starts it, `inside` what it reports for evaluation alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from model_provenance.domain.result import Result
from model_provenance.domain.verification import Report, Verified
from model_provenance.flows.asked import given
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.policy import load_policy
from model_provenance.flows.verify import VerifyRequest, checked, trust

OPA = Path.home() / ".cache/model-provenance/interop/opa@v1.22.4/opa"
FILES, DATASETS, DENIED = 1000, 500, 100
RUNS = 30
LIMIT = 0.050
POLICY = """apiVersion: model-provenance/v1
kind: Policy
metadata: {{name: bench, expires: 2099-12-31}}
spec:
  extends: production
  signers: [{{key: release.pub}}]
  licenses: {{allow: [MIT, Apache-2.0, CC-BY-4.0], of: [model, datasets]}}
  datasets: {{requireDigest: true, deny: [{denied}]}}
  evaluations: {{required: [{{name: sts-b, min: 0.8, result: passed}}]}}
  waivers: {{approvers: [{{key: officer.pub}}]}}
"""
#: Beside all that: a base model by its evidence, and a summary by a verifier.
MORE = """  lineage: {baseModel: verified}
  vsa: {verifiers: [{id: "https://example.com/gate", key: officer.pub}], maxAge: 1d, levels: [MODELPROV_SBOM_PASS]}
"""
_RULE = """package bench
import rego.v1
allow if count(deny) == 0
deny contains d.name if { some d in input.manifest.datasets; not d.digest }
deny contains d.name if { some d in input.manifest.datasets; some p in data.denied; glob.match(p, [], lower(d.name)) }
deny contains d.name if { some d in input.manifest.datasets; not d.license in {"MIT", "Apache-2.0", "CC-BY-4.0"} }
deny contains f if { some f in input.files; some s in {".pkl", ".bin", ".pt", ".py"}; endswith(f, s) }
deny contains "sbom" if { not {"https://spdx.dev/Document", "https://cyclonedx.org/bom"} <= sboms }
sboms contains s.predicate_type if some s in input.manifest.sboms
deny contains "level" if input.slsa_level < 1
deny contains "signer" if input.signer != data.signer
deny contains "sts-b" if { not ok }
ok if { some t in input.manifest.tests; t.name == "sts-b"; t.result == "passed"; to_number(t.value) >= 0.8 }
"""

_CEL = """  rules:
    - {id: licences, expr: 'manifest.datasets.all(d, d.license in ["MIT", "Apache-2.0", "CC-BY-4.0"])', message: licence}
    - {id: files, expr: 'files.all(f, !f.path.endsWith(".pkl") && !f.path.endsWith(".bin"))', message: pickle}
    - {id: tests, expr: 'manifest.tests.exists(t, t.name == "sts-b" && double(t.value) >= 0.8)', message: tests}
"""
_MODULE = """package model_provenance
import rego.v1
default allow := false
evaluated := {"all"}
reasons contains d.name if { some d in input.manifest.datasets; not d.license in {"MIT", "Apache-2.0", "CC-BY-4.0"} }
reasons contains f.path if { some f in input.files; some s in {".pkl", ".bin"}; endswith(f.path, s) }
allow if { count(reasons) == 0; some t in input.manifest.tests; t.name == "sts-b"; to_number(t.value) >= 0.8 }
"""


def main() -> None:
    """Make the release, measure, print a table; ends with 1 where a decision takes longer than the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--opa", type=Path, default=OPA, help="the executable of Open Policy Agent")
    opa = parser.parse_args().opa
    os.environ["COSIGN_PASSWORD"] = ""
    with tempfile.TemporaryDirectory(prefix="bench-policy-") as name:
        base = Path(name)
        request = _release(base)
        policy = load_policy(str(base / "policy.yaml"))
        asked = given(request, policy, trust(None, None))
        report = checked(request, None, asked)
        verified = report.verified
        if verified is None:
            raise SystemExit("the release does not verify")
        start = time.perf_counter()
        verdicts = {answer.gate: answer.verdict.value for answer in asked.consider(report).decision.answers}
        first = time.perf_counter() - start
        decide = _timed(lambda: asked.consider(report))
        more = given(_more(base, request), load_policy(str(base / "more.yaml")), trust(None, None))
        answers = {answer.gate: answer.verdict.value for answer in more.consider(report).decision.answers}
        if (answers["lineage"], answers["vsa"]) != ("PASS", "PASS"):
            raise SystemExit(f"base model and summary do not count: {answers}")
        rows = [
            ("read the policy", _timed(lambda: load_policy(str(base / "policy.yaml")))),
            (
                f"decide, {sum(verdict != 'SKIPPED' for verdict in verdicts.values())} gates: first time in a process",
                first,
            ),
            ("decide again", decide),
            ("and with a base model and a summary", _timed(lambda: more.consider(report))),
            *_rules(opa, base, request, report),
            *_opa(opa, base, verified),
        ]
    print(f"{FILES} files, {DATASETS} datasets; {verdicts}")
    for label, seconds in rows:
        print(f"{label:<44}  " + ("not installed" if seconds is None else f"{seconds * 1000:8.2f} ms"))
    if max(first, decide) > LIMIT:
        raise SystemExit(f"a decision takes longer than {LIMIT * 1000:.0f} ms")


def _release(base: Path) -> VerifyRequest:
    model = base / "model"
    model.mkdir()
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (model / "config.json").write_text('{"model_type": "bert"}')
    for number in range(FILES - 2):
        (model / f"part-{number}.txt").write_text(str(number))
    datasets = [
        {"name": f"corpus-{n}", "digest": f"sha256:{n:064x}", "license": ("MIT", "Apache-2.0", "CC-BY-4.0")[n % 3]}
        for n in range(DATASETS)
    ]
    tests = [{"name": "sts-b", "value": "0.82", "result": "passed"}]
    for key in ("release", "officer"):
        _ran("keygen", "--output", base / key)
    parent = _parent(base, header)
    manifest: dict[str, Any] = {"model_name": "bench", "version": "1.0.0", "license": "MIT"}
    manifest |= {"datasets": datasets, "tests": tests}
    manifest["fine_tuned_from"] = {"model": "parent", "digest": parent}
    (base / "source.json").write_text(json.dumps(manifest))
    denied = ", ".join(f"{{name: 'banned-{n}-*'}}" for n in range(DENIED))
    (base / "policy.yaml").write_text(POLICY.format(denied=denied))
    words = ("--name", "bench", "--version", "1.0.0", "--manifest", base / "source.json", "--sbom-engine", "native")
    _ran("release", model, *words, "--key", base / "release.key", "--output", base / "out")
    return VerifyRequest(model, SignerOptions(key=base / "release.pub"), evidence=base / "out")


def _parent(base: Path, header: bytes) -> str:
    """Release a base model; its digest."""
    parent = base / "parent"
    parent.mkdir()
    (parent / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (parent / "config.json").write_text('{"model_type": "bert", "base": true}')
    words = ("--name", "parent", "--version", "1.0.0", "--sbom-engine", "native")
    _ran("release", parent, *words, "--key", base / "release.key", "--output", base / "parent-out")
    return str(json.loads((base / "parent-out/receipt.json").read_text())["model_digest"])


def _more(base: Path, request: VerifyRequest) -> VerifyRequest:
    """With the evidence of the base model, and a summary that the officer has signed."""
    (base / "more.yaml").write_text((base / "policy.yaml").read_text() + MORE)
    (base / "gate.yaml").write_text(POLICY.partition("spec:")[0].format() + "spec: {sbom: {formats: [spdx]}}\n")
    words = ("--evidence", base / "out", "--key", base / "release.pub", "--policy", base / "gate.yaml")
    own = ("--vsa", base / "v.json", "--vsa-key", base / "officer.key", "--verifier-id", "https://example.com/gate")
    _ran("verify", request.target, *words, *own)
    return replace(request, base_evidence=(base / "parent-out",), summaries=(base / "v.json",))


def _ran(*words: object) -> None:
    with Path(os.devnull).open("w") as nowhere:
        command = [os.fspath(Path(__file__).parent.parent / ".venv/bin/model-provenance"), *map(str, words)]
        if subprocess.run(command, check=False, stdout=nowhere).returncode != 0:
            raise SystemExit(f"{words[0]} failed")


def _timed(function: Callable[[], Any]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _rules(opa: Path, base: Path, request: VerifyRequest, report: Report) -> list[tuple[str, float | None]]:
    """The same questions in CEL and in Rego, as a policy asks them: each in a process of its own."""
    head = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: rules}\nspec:\n"
    (base / "cel.yaml").write_text(head + _CEL)
    (base / "own.rego").write_text(_MODULE)
    pin = f"sha256:{hashlib.sha256(_MODULE.encode()).hexdigest()}"
    (base / "rego.yaml").write_text(head + f"  rego: [{{id: own, file: own.rego, digest: '{pin}', rules: [all]}}]\n")
    rows: list[tuple[str, float | None]] = []
    for name, label in (("cel", "three rules in CEL"), ("rego", "a module of Rego through the gate")):
        if name == "rego" and not opa.is_file():
            rows.append((label, None))
            continue
        used = replace(request, opa=opa if name == "rego" else None)
        asked = given(used, load_policy(str(base / f"{name}.yaml")), trust(None, None))
        decision = asked.consider(report).decision
        if decision.result is not Result.PASS:
            raise SystemExit(f"{label}: {decision.answers}")
        rows.append((label, _timed(partial(asked.consider, report))))
    return rows


def _opa(opa: Path, base: Path, verified: Verified) -> list[tuple[str, float | None]]:
    """One `opa eval` of a rule that asks much the same."""
    labels = ("opa eval, process", "opa eval, inside")
    if not opa.is_file():
        return [(label, None) for label in labels]
    facts: dict[str, Any] = {"manifest": dict(verified.manifest), "files": [file.path for file in verified.files]}
    facts |= {"slsa_level": verified.slsa_level, "signer": verified.signer.subject}
    (base / "input.json").write_text(json.dumps(facts))
    data = {"denied": [f"banned-{n}-*" for n in range(DENIED)], "signer": verified.signer.subject}
    (base / "data.json").write_text(json.dumps(data))
    (base / "rule.rego").write_text(_RULE)
    command = [str(opa), "eval", "--metrics", "--format", "json", "--data", str(base / "rule.rego")]
    command += ["--data", str(base / "data.json"), "--input", str(base / "input.json"), "data.bench.allow"]
    inside = []
    start = time.perf_counter()
    for _ in range(RUNS // 3):
        answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        if answer["result"][0]["expressions"][0]["value"] is not True:
            raise SystemExit("opa does not allow it, so the comparison would be of something else")
        inside.append(answer["metrics"]["timer_rego_query_eval_ns"] / 1e9)
    return [(labels[0], (time.perf_counter() - start) / len(inside)), (labels[1], statistics.median(inside))]


if __name__ == "__main__":
    main()
