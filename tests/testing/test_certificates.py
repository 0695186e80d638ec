"""What Fulcio puts into certificates: the production mapping of claims, checked with sigstore-python's policies."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from sigstore.models import Bundle
from sigstore.verify import Verifier, policy

from model_provenance.testing import der
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.sigstore_sim import SigstoreSim

Sign = Callable[..., Bundle]
Verifiers = Callable[[SigstoreSim], Verifier]
_ARC = "1.3.6.1.4.1.57264.1"


def extension(certificate: x509.Certificate, number: int) -> str | None:
    """The text of a Fulcio extension: raw up to .6, a DER UTF8String after."""
    try:
        value = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(f"{_ARC}.{number}")).value
    except x509.ExtensionNotFound:
        return None
    assert isinstance(value, x509.UnrecognizedExtension)
    if number <= 6:
        return value.value.decode()
    (tag, text, _), rest = der.read(value.value)
    assert (tag, rest) == (der.UTF8_STRING, b"")
    return text.decode()


def test_a_github_job_becomes_every_extension_of_production(sim: SigstoreSim, sign: Sign, verifier: Verifiers) -> None:
    """All of sigstore-python's policies, each with the value that GitHub's token has."""
    bundle = sign(sim, token=sim.issue_github_token(environment="production"))
    repository = "https://github.com/acme/minilm"
    workflow = f"{repository}/.github/workflows/release.yml@refs/heads/main"
    sha = GitHubRun().sha
    expected = policy.AllOf(
        [
            policy.Identity(identity=workflow, issuer="https://token.actions.githubusercontent.com"),
            policy.OIDCIssuer("https://token.actions.githubusercontent.com"),
            policy.OIDCIssuerV2("https://token.actions.githubusercontent.com"),
            policy.GitHubWorkflowTrigger("push"),
            policy.GitHubWorkflowSHA(sha),
            policy.GitHubWorkflowName("Release"),
            policy.GitHubWorkflowRepository("acme/minilm"),
            policy.GitHubWorkflowRef("refs/heads/main"),
            policy.OIDCBuildSignerURI(workflow),
            policy.OIDCBuildSignerDigest(sha),
            policy.OIDCRunnerEnvironment("github-hosted"),
            policy.OIDCSourceRepositoryURI(repository),
            policy.OIDCSourceRepositoryDigest(sha),
            policy.OIDCSourceRepositoryRef("refs/heads/main"),
            policy.OIDCSourceRepositoryIdentifier("718293041"),
            policy.OIDCSourceRepositoryOwnerURI("https://github.com/acme"),
            policy.OIDCSourceRepositoryOwnerIdentifier("9919001"),
            policy.OIDCBuildConfigURI(workflow),
            policy.OIDCBuildConfigDigest(sha),
            policy.OIDCBuildTrigger("push"),
            policy.OIDCRunInvocationURI(f"{repository}/actions/runs/16300000001/attempts/1"),
            policy.OIDCSourceRepositoryVisibility("public"),
        ]
    )
    verifier(sim).verify_dsse(bundle, expected)
    assert extension(bundle.signing_certificate, 23) == "production"
    assert extension(bundle.signing_certificate, 24) == "repo:acme/minilm:environment:production"


def test_a_gitlab_job_becomes_every_extension_of_production(sim: SigstoreSim, sign: Sign, verifier: Verifiers) -> None:
    """The signer is the pipeline file of the project, with its double slash; there is no GitHub-only extension."""
    bundle = sign(sim, token=sim.issue_gitlab_token(ref="v1.0.0", ref_type="tag"))
    project = "https://gitlab.com/acme/models/minilm"
    config = f"{project}//.gitlab-ci.yml@refs/tags/v1.0.0"
    sha = GitHubRun().sha
    expected = policy.AllOf(
        [
            policy.Identity(identity=config, issuer="https://gitlab.com"),
            policy.OIDCIssuerV2("https://gitlab.com"),
            policy.OIDCBuildSignerURI(config),
            policy.OIDCBuildSignerDigest(sha),
            policy.OIDCRunnerEnvironment("gitlab-hosted"),
            policy.OIDCSourceRepositoryURI(project),
            policy.OIDCSourceRepositoryDigest(sha),
            policy.OIDCSourceRepositoryRef("refs/tags/v1.0.0"),
            policy.OIDCSourceRepositoryIdentifier("48151623"),
            policy.OIDCSourceRepositoryOwnerURI("https://gitlab.com/acme/models"),
            policy.OIDCSourceRepositoryOwnerIdentifier("4242001"),
            policy.OIDCBuildConfigURI(config),
            policy.OIDCBuildConfigDigest(sha),
            policy.OIDCBuildTrigger("push"),
            policy.OIDCRunInvocationURI(f"{project}/-/jobs/7700000001"),
            policy.OIDCSourceRepositoryVisibility("public"),
        ]
    )
    verifier(sim).verify_dsse(bundle, expected)
    assert [extension(bundle.signing_certificate, number) for number in (2, 3, 4, 5, 6, 23)] == [None] * 6


def test_a_reusable_workflow_signs_for_another_repository(sim: SigstoreSim, sign: Sign) -> None:
    """The name and .9 are the reusable workflow; the source and the started workflow stay the caller's."""
    shared = "org/model-provenance/.github/workflows/release-model.yml@refs/tags/v1"
    certificate = sign(sim, token=sim.issue_github_token(job_workflow_ref=shared)).signing_certificate
    assert _uri(certificate) == f"https://github.com/{shared}" == extension(certificate, 9)
    assert extension(certificate, 10) != extension(certificate, 13)
    assert extension(certificate, 12) == "https://github.com/acme/minilm"
    assert extension(certificate, 18) == "https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main"


def test_another_gitlab_instance_names_the_same_source(sim: SigstoreSim, sign: Sign) -> None:
    """As on public Fulcio: only the issuer tells a same-named project elsewhere from the one on gitlab.com."""
    token = sim.issue_gitlab_token(server_url="https://gitlab.archlinux.org")
    certificate = sign(sim, token=token).signing_certificate
    assert extension(certificate, 12) == "https://gitlab.com/acme/models/minilm"
    assert extension(certificate, 8) == "https://gitlab.archlinux.org"
    assert str(_uri(certificate)).startswith("https://gitlab.archlinux.org/")


def test_a_person_is_an_email_address(sim: SigstoreSim, sign: Sign, verifier: Verifiers) -> None:
    """Only the issuer's extensions, and the address as the name."""
    bundle = sign(sim, token=sim.issue_email_token("ada@example.com"))
    verifier(sim).verify_dsse(bundle, policy.Identity(identity="ada@example.com", issuer="https://accounts.google.com"))
    assert extension(bundle.signing_certificate, 12) is None


def test_the_leaf_has_sigstores_profile(sim: SigstoreSim, sign: Sign) -> None:
    """Ten minutes, empty subject, critical name, code signing alone, no CA, one SCT."""
    certificate = sign(sim).signing_certificate
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life.total_seconds() == 600
    assert not list(certificate.subject)
    assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == [ExtendedKeyUsageOID.CODE_SIGNING]
    scts = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    assert len(scts.value) == 1


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://idp.example.com", "sub": "x"}, "no issuer"),
        ({"iss": "https://token.actions.githubusercontent.com", "sub": "x"}, "not present"),
        ({"iss": "https://accounts.google.com", "sub": "x", "email": "a@example.com"}, "verified e-mail"),
    ],
)
def test_claims_that_make_no_identity_are_refused(sim: SigstoreSim, claims: dict[str, Any], reason: str) -> None:
    """An unknown issuer, a missing claim, an address that nobody verified: 400 with the reason."""
    answer = _request(sim, sim.issue_token(claims))
    assert answer.status_code == 400
    assert reason in answer.json()["message"]


def test_a_gitlab_pipeline_defined_elsewhere_gets_no_certificate(sim: SigstoreSim) -> None:
    """Its token has no ci_config_ref_uri; child pipelines and compliance pipelines meet this."""
    assert "ci_config_ref_uri" in _request(sim, sim.issue_gitlab_token(config_path=None)).json()["message"]


def test_a_token_that_is_not_for_now_or_not_for_sigstore_is_refused(sim: SigstoreSim) -> None:
    """Expired, another audience, another signer, no token, not a token."""
    with SigstoreSim() as stranger:
        foreign = stranger.issue_github_token()
    tokens = [sim.issue_github_token(life=-10), sim.issue_github_token(audience="pypi"), foreign, "", "a.b.c"]
    assert [_request(sim, token).status_code for token in tokens] == [400] * 5


def test_a_certificate_request_by_another_key_is_refused(sim: SigstoreSim) -> None:
    """Possession of the key is proven by the request's own signature."""
    csr = _csr()
    broken = bytearray(csr.public_bytes(serialization.Encoding.DER))
    broken[-1] ^= 1
    answer = _request(sim, sim.issue_github_token(), x509.load_der_x509_csr(bytes(broken)))
    assert answer.status_code == 400


@pytest.mark.parametrize("honest", [True, False])
def test_the_key_form_of_cosign_and_sigstore_js_is_served(sim: SigstoreSim, *, honest: bool) -> None:
    """A public key with a signature over the token's subject; a signature over another one is refused."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = GitHubRun().subject if honest else "repo:mallory/minilm:ref:refs/heads/main"
    spki = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    proof = base64.b64encode(key.sign(subject.encode(), ec.ECDSA(hashes.SHA256()))).decode()
    body = {
        "credentials": {"oidcIdentityToken": sim.issue_github_token()},
        "publicKeyRequest": {
            "publicKey": {"algorithm": "ECDSA", "content": spki.decode()},
            "proofOfPossession": proof,
        },
    }
    answer = requests.post(f"{sim.url}/api/v2/signingCert", json=body, timeout=5)
    assert answer.status_code == (200 if honest else 400)
    if honest:
        chain = answer.json()["signedCertificateEmbeddedSct"]["chain"]["certificates"]
        assert x509.load_pem_x509_certificate(chain[0].encode()).public_key() == key.public_key()
        assert len(chain) == 3


def _uri(certificate: x509.Certificate) -> str:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (name,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    return name


def _csr() -> x509.CertificateSigningRequest:
    key = ec.generate_private_key(ec.SECP256R1())
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())


def _request(sim: SigstoreSim, token: str, csr: x509.CertificateSigningRequest | None = None) -> requests.Response:
    encoded = base64.b64encode((csr or _csr()).public_bytes(serialization.Encoding.PEM)).decode()
    return requests.post(
        f"{sim.url}/api/v2/signingCert",
        json={"certificateSigningRequest": encoded},
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )
