"""What GitHub's attest action makes, by the very JavaScript that is in it, where it looks for Sigstore: by name, over TLS."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.interop.desk import CONTENT, SLSA, Desk, make_desk, problems
from tests.interop.peers import Peers, accepted, refused
from tests.interop.stack import FULCIO, TSA, Stack

from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.testing.trust import TrustedLog

SIGNER = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
CYCLONEDX = "https://cyclonedx.org/bom"
SBOM = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:7f2b4d5e-0000-4000-8000-000000000001"}
Attest = Callable[..., Any]


@pytest.fixture
def desk(stack: Stack, sim: SigstoreSim, tmp_path: Path) -> Desk:
    """The names of public Sigstore and of GitHub's lead to the servers; the Rekor of version 1 is the simulator's."""
    log = TrustedLog(sim.rekor_v1.HOST, sim.rekor_v1.key.public_key(), sim.rekor_v1.log_id)
    root, config = stack.with_rekor_v1(log, f"{sim.url}/rekor-v1")
    stack.serve_as(
        {
            "fulcio.sigstore.dev": FULCIO,
            "rekor.sigstore.dev": f"{sim.url}/rekor-v1",
            "fulcio.githubapp.com": FULCIO,
            "timestamp.githubapp.com": TSA,
        }
    )
    made = make_desk(stack, tmp_path, config)
    made.root.write_text(root)
    return made


@pytest.fixture
def attest(desk: Desk, stack: Stack, peers: Peers) -> Attest:
    """Run it in a job; what it wrote."""

    def run(instance: str, *predicate: str, **job: Any) -> Any:
        env = dict(RunnerEnv.github(stack, directory=desk.folder / "runner", **job))
        env["NODE_EXTRA_CA_CERTS"] = str(stack.issuer_certificate)
        words = [instance, desk.file.name, hashlib.sha256(CONTENT).hexdigest(), str(desk.bundle), *predicate]
        accepted(peers.sigstore_js("attestAction", *words, env=env))
        return json.loads(desk.bundle.read_text())

    return run


def verify(desk: Desk, signer: str, *more: str, target: Path | None = None) -> dict[str, Any]:
    """Ours, by the name of a repository."""
    return desk.verify(target or desk.file, "--trusted-root", str(desk.root), "--signer", signer, *more)


@pytest.mark.matrix(
    "theirs", "@actions/attest (in actions/attest), {kind}, public instance", "a statement about a file"
)
@pytest.mark.parametrize("kind", ["provenance", "CycloneDX"])
def test_an_attestation_of_the_action_is_accepted(desk: Desk, attest: Attest, kind: str) -> None:
    """For its repository and file; not for another repository, the same name with another ID, another ref or another file."""
    (desk.folder / "sbom.json").write_text(json.dumps(SBOM))
    predicate = () if kind == "provenance" else (CYCLONEDX, str(desk.folder / "sbom.json"))
    value = attest("public-good", *predicate)
    assert value["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert set(value["verificationMaterial"]["certificate"]) == {"rawBytes"}
    [entry] = value["verificationMaterial"]["tlogEntries"]
    assert entry["kindVersion"] == {"kind": "dsse", "version": "0.0.1"}
    assert entry["inclusionPromise"]["signedEntryTimestamp"]
    assert not value["verificationMaterial"].get("timestampVerificationData", {}).get("rfc3161Timestamps")
    assert value["dsseEnvelope"]["payloadType"] == "application/vnd.in-toto+json"
    statement = json.loads(base64.b64decode(value["dsseEnvelope"]["payload"]))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == (SLSA if kind == "provenance" else CYCLONEDX)

    report = verify(desk, SIGNER)
    assert report["result"] == "PASS", problems(report)
    assert report["predicate_types"] == [statement["predicateType"]]
    for other, code in (
        (SIGNER.replace("minilm", "other"), "signer.repository"),
        (SIGNER.replace("#718293041", "#1"), "signer.repository_id"),
        (SIGNER.replace("heads/main", "heads/dev"), "signer.ref"),
        (
            SIGNER.replace("github:acme/minilm#718293041/.github/workflows/release.yml", "gitlab:acme/minilm"),
            "signer.issuer",
        ),
    ):
        report = verify(desk, other)
        assert (report["result"], report["exit_status"]) == ("FAIL", 10)
        assert code in {finding["id"] for finding in report["findings"] if finding["status"] == "fail"}, problems(
            report
        )
    changed = desk.folder / "other.bin"
    changed.write_bytes(CONTENT + b"!")
    assert verify(desk, SIGNER, target=changed)["result"] == "FAIL"


def test_an_attestation_by_a_reusable_workflow_names_its_builder(desk: Desk, attest: Attest) -> None:
    """Refused by the caller's name alone, accepted with the workflow that was trusted to sign, refused with another."""
    builder = "trusted/builders/.github/workflows/model.yml@refs/tags/v2"
    attest("public-good", job_workflow_ref=builder)
    assert verify(desk, SIGNER)["result"] == "FAIL"
    assert verify(desk, SIGNER, "--builder", builder)["result"] == "PASS"
    assert verify(desk, SIGNER, "--builder", builder.replace("v2", "v3"))["result"] == "FAIL"


def test_an_attestation_of_a_private_repository_is_in_no_log(desk: Desk, attest: Attest) -> None:
    """GitHub's own instance stamps the time and keeps no log: nobody else can see that it signed, so we refuse by that name."""
    value = attest("github", visibility="private")
    assert not value["verificationMaterial"].get("tlogEntries")
    [_] = value["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    report = verify(desk, SIGNER)
    assert report["result"] == "FAIL"
    errors = {f["id"] for f in report["findings"] if f["status"] == "fail" and f["severity"] == "error"}
    assert errors == {"log.missing"}, problems(report)


def test_the_action_takes_no_token_of_another_issuer(desk: Desk, stack: Stack, peers: Peers) -> None:
    """Its own check of the claims, so that the test above is known to have run it."""
    env = dict(RunnerEnv.github(stack, directory=desk.folder / "runner", claims={"iss": "https://gitlab.com"}))
    env["NODE_EXTRA_CA_CERTS"] = str(stack.issuer_certificate)
    done = peers.sigstore_js("attestAction", "public-good", "x", "0" * 64, str(desk.bundle), env=env)
    refused(done)
    assert 'Unexpected "iss" claim' in done.stderr
