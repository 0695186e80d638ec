"""What other programs sign, checked by `verify TARGET --bundle`; each also refused for another target or another signer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.interop.desk import SLSA, Desk, holds, keyless_holds, make_desk, problems
from tests.interop.peers import Peers, accepted
from tests.interop.releasing import GITLAB_ISSUER
from tests.interop.stack import REKOR_PREVIOUS, Stack

from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim


def cosign_words(desk: Desk, token: str) -> list[str]:
    """What every keyless signature of cosign needs."""
    words = ["--signing-config", str(desk.signing_config), "--trusted-root", str(desk.root)]
    # A file: given as a word, cosign takes a token that is not signed with RSA for the name of one.
    (desk.folder / "token").write_text(token)
    return [*words, "--identity-token", str(desk.folder / "token"), "--bundle", str(desk.bundle), "--yes"]


@pytest.mark.matrix("theirs", "cosign sign-blob, keyless", "a file")
def test_a_file_signed_by_cosign(desk: Desk, stack: Stack, peers: Peers) -> None:
    """`messageSignature` with a Rekor v2 entry and a timestamp."""
    accepted(peers.cosign("sign-blob", *cosign_words(desk, stack.issue_github_token()), str(desk.file)))
    keyless_holds(desk)


@pytest.mark.matrix("theirs", "cosign attest-blob, keyless", "a statement about a file")
def test_a_statement_signed_by_cosign(desk: Desk, stack: Stack, peers: Peers) -> None:
    """Cosign's own statement, whose subject has a name; the entry is a hashedrekord over the DSSE's PAE."""
    desk.statement()
    words = ["--type", "slsaprovenance1", "--predicate", str(desk.folder / "predicate.json")]
    accepted(peers.cosign("attest-blob", *cosign_words(desk, stack.issue_github_token()), *words, str(desk.file)))
    keyless_holds(desk)


@pytest.mark.matrix("theirs", "cosign sign-blob, key", "a file")
def test_a_file_signed_by_cosigns_key(desk: Desk, peers: Peers) -> None:
    """Without a log."""
    accepted(peers.cosign("generate-key-pair", cwd=desk.folder))
    words = ["--key", str(desk.folder / "cosign.key"), "--bundle", str(desk.bundle), "--yes", "--tlog-upload=false"]
    accepted(peers.cosign("sign-blob", *words, "--use-signing-config=false", str(desk.file)))
    holds(desk, "--key", str(desk.folder / "cosign.pub"))


@pytest.mark.matrix("theirs", "cosign attest-blob, key", "a statement about a file")
def test_a_statement_signed_by_cosigns_key(desk: Desk, peers: Peers) -> None:
    """Without a log; and not with another key."""
    desk.statement()
    accepted(peers.cosign("generate-key-pair", cwd=desk.folder))
    words = ["--key", str(desk.folder / "cosign.key"), "--bundle", str(desk.bundle), "--yes", "--tlog-upload=false"]
    words += ["--type", "slsaprovenance1", "--predicate", str(desk.folder / "predicate.json")]
    accepted(peers.cosign("attest-blob", *words, "--use-signing-config=false", str(desk.file)))
    holds(desk, "--key", str(desk.folder / "cosign.pub"))
    accepted(peers.cosign("generate-key-pair", "--output-key-prefix", "other", cwd=desk.folder))
    assert desk.verify(desk.file, "--key", str(desk.folder / "other.pub"))["result"] == "FAIL"


@pytest.mark.matrix("theirs", "cosign sign-blob, key, with a log entry", "a file")
def test_a_logged_signature_by_cosigns_key(desk: Desk, stack: Stack, peers: Peers) -> None:
    """An entry that is there is checked in full, against the trusted root."""
    accepted(peers.cosign("generate-key-pair", cwd=desk.folder))
    words = ["--key", str(desk.folder / "cosign.key"), "--bundle", str(desk.bundle), "--yes"]
    words += ["--signing-config", str(desk.signing_config), "--trusted-root", str(desk.root)]
    accepted(peers.cosign("sign-blob", *words, str(desk.file)))
    holds(desk, "--key", str(desk.folder / "cosign.pub"), "--trusted-root", str(desk.root))


@pytest.mark.matrix("theirs", "sigstore-python sign", "a file")
def test_a_file_signed_by_sigstore_python(desk: Desk, stack: Stack, peers: Peers) -> None:
    """In a job, with its ambient token."""
    env = RunnerEnv.github(stack, directory=desk.folder / "runner")
    words = ["--trust-config", str(desk.config), "sign", "--bundle", str(desk.bundle), str(desk.file)]
    accepted(peers.sigstore(*words, env=env))
    keyless_holds(desk)


@pytest.mark.matrix("theirs", "sigstore-python attest", "a statement about a file")
def test_a_statement_signed_by_sigstore_python(desk: Desk, stack: Stack, peers: Peers) -> None:
    """In a job, with its ambient token."""
    desk.statement()
    env = RunnerEnv.github(stack, directory=desk.folder / "runner")
    words = ["attest", "--predicate", str(desk.folder / "predicate.json"), "--predicate-type", SLSA]
    words += ["--bundle", str(desk.bundle), str(desk.file)]
    accepted(peers.sigstore("--trust-config", str(desk.config), *words, env=env))
    keyless_holds(desk)


@pytest.mark.matrix("theirs", "sigstore-python sign, GitLab", "a file")
def test_a_file_signed_by_a_job_of_gitlab(desk: Desk, stack: Stack, peers: Peers) -> None:
    """`--signer gitlab:` is no less exact than GitHub's."""
    token = stack.issue_gitlab_token()
    words = ["sign", "--identity-token", token, "--bundle", str(desk.bundle), str(desk.file)]
    accepted(peers.sigstore("--trust-config", str(desk.config), *words))
    identity = "https://gitlab.com/acme/models/minilm//.gitlab-ci.yml@refs/heads/main"
    good = ("--certificate-identity", identity, "--certificate-oidc-issuer", GITLAB_ISSUER)
    assert desk.keyless(desk.file, *good)["result"] == "PASS"
    assert desk.keyless(desk.file, "--signer", "gitlab:acme/models/minilm#48151623")["result"] == "PASS"
    assert desk.keyless(desk.file, "--signer", "gitlab:acme/models/minilm#1")["result"] == "FAIL"


@pytest.mark.matrix("theirs", "sigstore-js, Rekor v1 entry `{kind}`", "a statement about a file")
@pytest.mark.parametrize("kind", ["dsse", "intoto"])
def test_a_statement_signed_as_the_attest_action_does(
    sim: SigstoreSim, peers: Peers, tmp_path: Path, kind: str
) -> None:
    """Both kinds of entries that Rekor v1 has for envelopes, against the simulator."""
    desk = make_desk(sim, tmp_path, sim.trust_config_for(rekor_version=1))
    words = [str(desk.config), sim.issue_github_token(), str(desk.statement()), str(desk.bundle), kind]
    accepted(peers.sigstore_js("attest", *words))
    keyless_holds(desk)


def test_an_envelope_entry_of_the_previous_rekor_is_refused(stack: Stack, peers: Peers, tmp_path: Path) -> None:
    """`dsse` 0.0.2 was taken by Rekor v2 until 2.2 and by no verifier since: refused by name, not misread."""
    desk = make_desk(stack, tmp_path, stack.trust_config_for(REKOR_PREVIOUS))
    words = [str(desk.config), stack.issue_github_token(), str(desk.statement()), str(desk.bundle), "dsse"]
    accepted(peers.sigstore_js("attest", *words))
    [entry] = json.loads(desk.bundle.read_text())["verificationMaterial"]["tlogEntries"]
    assert entry["kindVersion"] == {"kind": "dsse", "version": "0.0.2"}
    report = desk.keyless(desk.file)
    assert report["result"] == "ERROR", problems(report)
    assert any("0.0.2" in finding["message"] for finding in report["findings"]), problems(report)
