"""What we sign, checked by the programs that others use; each also refuses it for another signer or another content."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.interop.peers import Peers, accepted, refused
from tests.interop.private_pki import Pki
from tests.interop.releasing import (
    BRANCH,
    GITHUB_IDENTITY,
    GITHUB_ISSUER,
    GITLAB_ISSUER,
    MANIFEST,
    PUSH,
    REUSABLE,
    Job,
    Released,
    command,
    repository,
)
from tests.interop.stack import Stack

from model_provenance.formats.certificate import fulcio_extensions, load
from model_provenance.formats.certificate import identity as identity_of
from model_provenance.testing.runner_env import RunnerEnv

STATEMENTS = {
    "oms": "https://model_signing/signature/v1.0",
    "manifest": "https://model-provenance.dev/manifest/v1",
    "provenance": "slsaprovenance1",
    "spdx": "spdxjson",
    "cyclonedx": "cyclonedx",
    "test-result": "https://in-toto.io/attestation/test-result/v0.1",
}
IDENTITIES = {
    PUSH.name: (PUSH, GITHUB_IDENTITY, GITHUB_ISSUER),
    REUSABLE.name: (
        REUSABLE,
        "https://github.com/trusted/builders/.github/workflows/model.yml@refs/tags/v2",
        GITHUB_ISSUER,
    ),
    BRANCH.name: (BRANCH, "https://gitlab.com/acme/models/minilm//.gitlab-ci.yml@refs/heads/main", GITLAB_ISSUER),
}


@pytest.fixture(scope="session")
def keyed(tmp_path_factory: pytest.TempPathFactory, peers: Peers) -> Released:
    """A release signed with cosign's own encrypted key."""
    folder = tmp_path_factory.mktemp("keyed")
    accepted(peers.cosign("generate-key-pair", cwd=folder))
    repository(folder)
    words = [
        "release",
        "model",
        "--name",
        "minilm",
        "--version",
        "1.0.0",
        "--sbom-engine",
        "native",
        "--manifest",
        MANIFEST,
    ]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "COSIGN_PASSWORD": "secret"}
    done = command([*words, "--key", str(folder / "cosign.key")], cwd=folder / "minilm", env=env)
    assert done.returncode == 0, done.stderr
    place = folder / "minilm"
    return Released(place / "dist" / "minilm-1.0.0", place / "model", folder / "cosign.pub", PUSH, env)  # type: ignore[arg-type]


@pytest.mark.matrix("ours", "release: {name} statement, keyless", "cosign verify-blob-attestation")
@pytest.mark.parametrize("name", STATEMENTS)
def test_cosign_verifies_a_statement(on_servers: Callable[[Job], Released], peers: Peers, name: str) -> None:
    """By identity, issuer, type and digest; not by another identity, another digest or another type."""
    made = on_servers(PUSH)
    words = ["verify-blob-attestation", "--bundle", str(made.bundle(name)), "--digestAlg", "sha256"]
    words += ["--trusted-root", str(made.root), "--certificate-oidc-issuer", GITHUB_ISSUER]
    right = ["--certificate-identity", GITHUB_IDENTITY, "--digest", made.model_digest, "--type", STATEMENTS[name]]
    accepted(peers.cosign(*words, *right))
    for place, value in (
        (1, GITHUB_IDENTITY.replace("minilm", "other")),
        (3, "0" * 64),
        (5, "https://example.com/other"),
    ):
        wrong = list(right)
        wrong[place] = value
        refused(peers.cosign(*words, *wrong))


@pytest.mark.matrix("ours", "release as {job}", "cosign verify-blob-attestation")
@pytest.mark.parametrize("job", IDENTITIES)
def test_cosign_knows_the_signer_of_each_job(on_servers: Callable[[Job], Released], peers: Peers, job: str) -> None:
    """GitHub's and GitLab's certificates name the workflow as production's do."""
    job_, identity, issuer = IDENTITIES[job]
    made = on_servers(job_)
    words = ["verify-blob-attestation", "--bundle", str(made.bundle("provenance")), "--digestAlg", "sha256"]
    words += ["--trusted-root", str(made.root), "--digest", made.model_digest, "--type", "slsaprovenance1"]
    accepted(peers.cosign(*words, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer))
    refused(
        peers.cosign(*words, "--certificate-identity", identity, "--certificate-oidc-issuer", "https://other.example")
    )


@pytest.mark.matrix("ours", "release: {name} statement, cosign's key", "cosign verify-blob-attestation --key")
@pytest.mark.parametrize("name", STATEMENTS)
def test_cosign_verifies_a_statement_signed_with_its_key(keyed: Released, peers: Peers, name: str) -> None:
    """Without a log, as a key needs none; not for another digest, and not with another key."""
    words = ["verify-blob-attestation", "--bundle", str(keyed.bundle(name)), "--digestAlg", "sha256"]
    words += ["--type", STATEMENTS[name], "--insecure-ignore-tlog"]
    accepted(peers.cosign(*words, "--key", str(keyed.root), "--digest", keyed.model_digest))
    refused(peers.cosign(*words, "--key", str(keyed.root), "--digest", "0" * 64))


@pytest.mark.matrix("ours", "release: {name} statement, keyless", "sigstore-python verify_dsse")
@pytest.mark.parametrize("name", STATEMENTS)
def test_sigstore_python_verifies_a_statement(on_servers: Callable[[Job], Released], name: str) -> None:
    """By identity and issuer; not by another issuer."""
    from sigstore.errors import VerificationError
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier, policy

    made = on_servers(PUSH)
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(made.root)))
    bundle = Bundle.from_json(made.bundle(name).read_bytes())
    kind, payload = verifier.verify_dsse(bundle, policy.Identity(identity=GITHUB_IDENTITY, issuer=GITHUB_ISSUER))
    assert kind == "application/vnd.in-toto+json"
    assert json.loads(payload)["_type"] == "https://in-toto.io/Statement/v1"
    with pytest.raises(VerificationError):
        verifier.verify_dsse(bundle, policy.Identity(identity=GITHUB_IDENTITY, issuer=GITLAB_ISSUER))


@pytest.mark.matrix("ours", "release: {name} statement, keyless", "sigstore-js verify")
@pytest.mark.parametrize("name", STATEMENTS)
def test_sigstore_js_verifies_a_statement(
    on_servers: Callable[[Job], Released], peers: Peers, tmp_path: Path, name: str
) -> None:
    """And names the signer; a payload that was changed is refused."""
    made = on_servers(PUSH)
    done = peers.sigstore_js("verify", str(made.root), str(made.bundle(name)))
    accepted(done)
    assert json.loads(done.stdout) == {"identity": GITHUB_IDENTITY, "issuer": GITHUB_ISSUER}
    value = json.loads(made.bundle(name).read_text())
    payload = base64.b64decode(value["dsseEnvelope"]["payload"]).replace(b"sha256", b"sha512", 1)
    value["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    (tmp_path / "changed.json").write_text(json.dumps(value))
    refused(peers.sigstore_js("verify", str(made.root), str(tmp_path / "changed.json")))


@pytest.mark.matrix("ours", "release: OMS signature, keyless", "model_signing verify sigstore")
def test_model_signing_verifies_a_keyless_signature(
    on_servers: Callable[[Job], Released], peers: Peers, tmp_path: Path
) -> None:
    """The model against the release's `oms` bundle; not a changed model, not another signer."""
    made = on_servers(PUSH)
    words = ["verify", "sigstore", "--signature", str(made.bundle("oms")), "--identity_provider", GITHUB_ISSUER]
    words += ["--trust_config", str(made.root.parent / "trust-config.json")]
    accepted(peers.model_signing(*words, "--identity", GITHUB_IDENTITY, str(made.model)))
    refused(peers.model_signing(*words, "--identity", GITHUB_IDENTITY.replace("main", "dev"), str(made.model)))
    refused(peers.model_signing(*words, "--identity", GITHUB_IDENTITY, str(changed(made.model, tmp_path))))


@pytest.mark.matrix("ours", "release: OMS signature, key", "model_signing verify key")
def test_model_signing_verifies_a_signature_by_key(keyed: Released, peers: Peers, tmp_path: Path) -> None:
    """With cosign's public key."""
    words = ["verify", "key", "--signature", str(keyed.bundle("oms")), "--public_key", str(keyed.root)]
    accepted(peers.model_signing(*words, str(keyed.model)))
    refused(peers.model_signing(*words, str(changed(keyed.model, tmp_path))))


@pytest.mark.matrix("ours", "release: OMS signature, key", "model_signing {release} verify key")
@pytest.mark.parametrize("release", ["0.3.1", "1.0.1"])
def test_an_older_model_signing_verifies_a_signature_by_key(
    keyed: Released, peers: Peers, tmp_path: Path, release: str
) -> None:
    """Those that have the statement of version 1.0. Release 0.3 ends with 0 whatever it finds, so its words count."""
    words = ["verify", "key", "--signature", str(keyed.bundle("oms")), "--public_key", str(keyed.root)]
    said = peers.older_model_signing(release, *words, str(keyed.model))
    assert "Verification succeeded" in said.stdout, said
    said = peers.older_model_signing(release, *words, str(changed(keyed.model, tmp_path)))
    assert "Verification failed with error: Signature mismatch" in said.stdout + said.stderr, said


@pytest.mark.matrix("ours", "sign: OMS signature, keyless", "model_signing verify sigstore")
def test_model_signing_verifies_what_sign_writes(stack: Stack, peers: Peers, tmp_path: Path) -> None:
    """`sign` alone, the drop-in, in a job."""
    env = RunnerEnv.github(stack, directory=tmp_path / "runner", sha=repository(tmp_path))
    model, signature = tmp_path / "minilm" / "model", tmp_path / "model.sig"
    (tmp_path / "trust-config.json").write_text(stack.trust_config)
    config = ["--trust-config", str(tmp_path / "trust-config.json")]
    done = command(["sign", str(model), "--bundle", str(signature), *config], env=env)
    assert done.returncode == 0, done.stderr
    words = ["verify", "sigstore", "--signature", str(signature), "--identity", GITHUB_IDENTITY]
    words += ["--identity_provider", GITHUB_ISSUER, "--trust_config", config[1]]
    accepted(peers.model_signing(*words, str(model)))
    refused(peers.model_signing(*words, str(changed(model, tmp_path / "other"))))


@pytest.mark.matrix("ours", "sign: OMS signature, certificate of a private PKI", "model_signing verify certificate")
def test_model_signing_verifies_a_signature_by_certificate(peers: Peers, tmp_path: Path) -> None:
    """Leaf and intermediate in the bundle, the root as anchor; not a changed model, not another root."""
    pki = Pki(tmp_path)
    repository(tmp_path)
    model, signature = tmp_path / "minilm" / "model", tmp_path / "model.sig"
    words = ["--certificate", str(pki.leaf), "--certificate-chain", str(pki.intermediate)]
    done = command(["sign", str(model), "--bundle", str(signature), "--key", str(pki.key), *words])
    assert done.returncode == 0, done.stderr
    check = ["verify", "certificate", "--signature", str(signature)]
    accepted(peers.model_signing(*check, "--certificate_chain", str(pki.root), str(model)))
    refused(peers.model_signing(*check, "--certificate_chain", str(Pki(tmp_path / "other").root), str(model)))
    refused(peers.model_signing(*check, "--certificate_chain", str(pki.root), str(changed(model, tmp_path / "copy"))))


@pytest.mark.matrix("ours", "release: provenance as {job}", "the rules of gh attestation verify --bundle")
@pytest.mark.parametrize("job", [PUSH.name, REUSABLE.name])
def test_provenance_has_the_shape_that_gh_wants(on_servers: Callable[[Job], Released], job: str) -> None:
    """Bundle v0.3 with one certificate, a log entry, in-toto Statement v1, SLSA v1 with a builder, and gh's own criteria.

    cli/cli, pkg/cmd/attestation/verify/policy.go: the issuer, the repository and its owner, whether GitHub hosts the runner
    (`--deny-self-hosted-runners`), and the subject, which has to lie in the repository unless `--signer-workflow` names another.
    """
    job_, identity, issuer = IDENTITIES[job]
    made = on_servers(job_)
    value = json.loads(made.bundle("provenance").read_text())
    assert value["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert set(value["verificationMaterial"]["certificate"]) == {"rawBytes"}
    assert len(value["verificationMaterial"]["tlogEntries"]) == 1
    statement = json.loads(base64.b64decode(value["dsseEnvelope"]["payload"]))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert made.model_digest in {subject["digest"].get("sha256") for subject in statement["subject"]}
    predicate = statement["predicate"]
    assert set(predicate["buildDefinition"]) >= {"buildType", "externalParameters"}
    certificate = load(base64.b64decode(value["verificationMaterial"]["certificate"]["rawBytes"]))
    extensions = dict(fulcio_extensions(certificate))
    assert identity_of(certificate).subject == identity
    assert predicate["runDetails"]["builder"]["id"] == extensions[9] == identity
    assert extensions[8] == issuer
    assert extensions[11] == "github-hosted"
    assert extensions[12] == "https://github.com/acme/minilm"
    assert extensions[16] == "https://github.com/acme"
    assert identity.startswith("https://github.com/acme/minilm/") is (job == PUSH.name)


def changed(model: Path, folder: Path) -> Path:
    """A copy of the model with another last byte of its weights."""
    copy = shutil.copytree(model, folder / "model")
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    return copy
