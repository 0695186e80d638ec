"""What we push is found, verified and copied by the tools of others, in registries of others; and pulled by us."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.interop.registries import NAMES, RealRegistry, start
from tests.interop.releasing import GITHUB_IDENTITY, GITHUB_ISSUER, GITLAB_ISSUER, PUSH, release
from tests.interop.stack import Stack
from tests.oci.registry.workshop import REPOSITORY, Workshop, tree
from tests.revoke.office import MODEL, NOW, Office, revoked

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.package import Descriptor
from model_provenance.domain.receipt import Receipt
from model_provenance.domain.result import Result
from model_provenance.domain.status import Affected
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.status import cosign, publish, read_status
from model_provenance.formats.oci import MANIFEST, bundle_referrer
from model_provenance.oci.access import Access
from model_provenance.oci.logins import Login
from model_provenance.oci.reference import Reference
from model_provenance.oci.referrers import Referrer, attach, list_referrers
from model_provenance.oci.registry import Registry
from model_provenance.testing.registry_sim import RegistrySim

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=NAMES)
def real(request: pytest.FixtureRequest, tools: ModuleType, tmp_path: Path) -> Iterator[RealRegistry]:
    """Each real registry in turn."""
    found = start(request.param, tmp_path / "registry", tools)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{request.param} is not installed: apt-get install docker-registry skopeo")
        pytest.skip(f"{request.param} is not installed")
    yield found
    found.stop()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A model with a layer of its own beside the small files."""
    (tmp_path / "w").mkdir()
    made = Workshop(tmp_path / "w")
    made.add_big_file()
    return made


@pytest.fixture
def run(tools: ModuleType, tmp_path: Path) -> Run:
    """Runs `oras`, `crane`, `cosign` or `skopeo`, which must end with 0."""

    def command(name: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        program = shutil.which("skopeo") if name == "skopeo" else str(tools.program(name))
        if program is None:
            pytest.skip("skopeo is not installed")
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COSIGN_PASSWORD": ""}
        done = subprocess.run([program, *words], capture_output=True, text=True, env=env, check=False, timeout=120)
        assert not check or done.returncode == 0, f"{name} {words}\n{done.stdout}\n{done.stderr}"
        return done

    return command


def released(workshop: Workshop, real: RealRegistry, **changes: Any) -> Receipt:
    """A release in the registry."""
    return workshop.release(_as_sim(real), access=Access({}), **changes)


def _as_sim(real: RealRegistry) -> RegistrySim:
    """Only `host` is used."""
    return real  # type: ignore[return-value]


@pytest.mark.matrix("registries", "push, verify oci:// and pull; a second push", "{real}")
def test_a_release_comes_back_byte_for_byte(workshop: Workshop, real: RealRegistry) -> None:
    """Push, verify, pull; a second push changes nothing that is listed."""
    receipt = released(workshop, real)
    again = released(workshop, real)
    assert receipt.references == again.references
    assert receipt.bundles[0].data == again.bundles[0].data
    assert workshop.verify(_as_sim(real), access=Access({})).result is Result.PASS
    pulled = workshop.pull(_as_sim(real), access=Access({}))
    assert pulled.path is not None
    assert tree(pulled.path) == tree(workshop.model)


@pytest.mark.matrix("registries", "oras discover", "{real}")
def test_oras_discovers_the_evidence(workshop: Workshop, real: RealRegistry, run: Run) -> None:
    """`oras discover` lists one referrer a statement, on the index and on each manifest."""
    receipt = released(workshop, real)
    for digest in receipt.package.manifest_digests:
        found = run("oras", "discover", "--plain-http", "--format", "json", f"{real.host}/{REPOSITORY}@{digest}")
        listed = json.loads(found.stdout)
        entries = listed.get("referrers") or listed.get("manifests")
        assert len(entries) == len(receipt.bundles)
        kinds = {entry["annotations"]["dev.sigstore.bundle.predicateType"] for entry in entries}
        assert kinds == {bundle.predicate_type for bundle in receipt.bundles}


@pytest.mark.matrix("registries", "cosign verify and verify-attestation, by key", "{real}")
def test_cosign_verifies_tag_index_and_manifests(workshop: Workshop, real: RealRegistry, run: Run) -> None:
    """`cosign verify` and `verify-attestation` by key pass on the tag and on every manifest; with a wrong key they do not."""
    manifest = workshop.folder / "manifest.yaml"
    manifest.write_text("tests: [{name: sts-b, metric: spearman, value: 0.82, min: 0.8}]\n")
    receipt = released(workshop, real, manifest=manifest)
    base = f"{real.host}/{REPOSITORY}"
    key = ["--key", str(workshop.public), "--insecure-ignore-tlog"]
    names = [f"{base}:1.0.0", *(f"{base}@{digest}" for digest in receipt.package.manifest_digests)]
    for name in names:
        run("cosign", "verify", *key, name)
        for kind in ("slsaprovenance1", "spdxjson", "cyclonedx"):
            run("cosign", "verify-attestation", *key, "--type", kind, name)
        # The attestation itself, as a policy engine gets it.
        told = run("cosign", "verify-attestation", *key, "--type", Predicate.TEST_RESULT, name).stdout.splitlines()[0]
        predicate = json.loads(base64.b64decode(json.loads(told)["payload"]))["predicate"]
        assert (predicate["result"], predicate["passedTests"]) == ("PASSED", ["sts-b: spearman"])
    other = Workshop(_sub(workshop.folder / "other"))
    wrong = ["--key", str(other.public), "--insecure-ignore-tlog"]
    assert run("cosign", "verify", *wrong, names[0], check=False).returncode != 0


@pytest.mark.matrix("registries", "cosign verify and verify-attestation, keyless", "{real}")
def test_cosign_verifies_a_keyless_release(real: RealRegistry, stack: Stack, run: Run, tmp_path: Path) -> None:
    """Pushed by a job and found by tag and by digest, by identity and issuer; not by another identity or issuer."""
    repository = f"{real.host}/{REPOSITORY}"
    made = release(stack, tmp_path, PUSH, more=("--push", repository))
    [reference] = made.receipt["references"]
    root = ["--trusted-root", str(made.root)]
    right = [*root, "--certificate-identity", GITHUB_IDENTITY, "--certificate-oidc-issuer", GITHUB_ISSUER]
    other = GITHUB_IDENTITY.replace("minilm", "other")
    wrong = (
        [*root, "--certificate-identity", other, "--certificate-oidc-issuer", GITHUB_ISSUER],
        [*root, "--certificate-identity", GITHUB_IDENTITY, "--certificate-oidc-issuer", GITLAB_ISSUER],
    )
    for name in (f"{repository}:1.0.0", reference):
        run("cosign", "verify", *right, name)
        for kind in ("slsaprovenance1", "spdxjson", "cyclonedx", "https://model-provenance.dev/manifest/v1"):
            run("cosign", "verify-attestation", *right, "--type", kind, name)
    for words in wrong:
        for command in (["verify"], ["verify-attestation", "--type", "slsaprovenance1"]):
            done = run("cosign", *command, *words, reference, check=False)
            assert done.returncode != 0
            assert "no matching CertificateIdentity found" in done.stderr, done.stderr
    assert run("cosign", "verify-attestation", *right, "--type", "vuln", reference, check=False).returncode != 0


@pytest.mark.matrix("registries", "skopeo copy, crane pull, oras pull and cp", "{real}")
def test_others_copy_and_pull_what_we_pushed(workshop: Workshop, real: RealRegistry, run: Run, tmp_path: Path) -> None:
    """`skopeo copy --all`, `crane pull` and `oras pull` take the index and the image; `oras cp -r` takes the evidence too."""
    receipt = released(workshop, real)
    name = f"{real.host}/{REPOSITORY}:1.0.0"
    skopeo = ("copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--override-arch", "amd64")
    run("skopeo", *skopeo, "--preserve-digests", f"docker://{name}", f"docker://{real.host}/skopeo/image:1.0.0")
    digest = run("crane", "digest", "--insecure", f"{real.host}/skopeo/image:1.0.0").stdout.strip()
    assert digest == str(receipt.package.manifest_digests[1])
    # With --all, Debian's skopeo 1.9 compresses and writes everything anew: another model to everybody, but it works.
    run("skopeo", *skopeo, "--all", f"docker://{name}", f"docker://{real.host}/skopeo/all:1.0.0")
    run("crane", "pull", "--insecure", "--platform", "linux/amd64", "--format", "oci", name, str(tmp_path / "crane"))
    run("oras", "pull", "--plain-http", "--platform", "linux/amd64", "-o", str(tmp_path / "oras"), name)
    copy = f"{real.host}/copied/minilm:1.0.0"
    run("oras", "cp", "-r", "--from-plain-http", "--to-plain-http", name, copy)
    report = workshop.verify(_as_sim(real), reference=f"oci://{copy}", access=Access({}))
    assert report.result is Result.PASS


def test_twenty_releases_at_once_lose_nothing(real: RealRegistry, tmp_path: Path) -> None:
    """Twenty runs attach evidence to one subject: every referrer is listed at the end, or the run that lost one said so."""
    reference = Reference.parse(f"{real.host}/{REPOSITORY}")
    access = Access({})
    subject = Descriptor(MANIFEST, Digest.of(b"subject"), 7)

    def attach_one(number: int) -> Digest | None:
        with Registry(reference, access, write=True) as mine:
            manifest, blobs = bundle_referrer(
                b'{"n":%d}' % number, "https://example.org/p", subject, "1970-01-01T00:00:00Z"
            )
            for blob in blobs:
                mine.push_blob(blob)
            try:
                attach(mine, [Referrer(manifest, subject)])
            except ModelProvenanceError as error:
                if error.code != "registry.evidence_lost":
                    raise
                return None
        return manifest.digest

    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(attach_one, range(20)))
    with Registry(reference, access) as opened:
        found = {each.digest for each in list_referrers(opened, subject.digest)}
    succeeded = {digest for digest in made if digest is not None}
    assert succeeded <= found
    assert len(succeeded) >= 15


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that nobody else trusts, with its key beside it."""
    path = tmp_path / "tls.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "tls.key"), "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@pytest.mark.matrix("registries", "a status list: publish, revoke, a second revoker, read", "{real}")
def test_a_status_list_lies_in_every_registry(real: RealRegistry, tmp_path: Path) -> None:
    """The tag moves with each snapshot, a second revoker signs beside the first, and the revocation is read back."""
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("first", "second")}
    office = Office(tmp_path / "office", keys)
    source = f"oci://{real.host}/trust/list"
    request = replace(office.request("first", "second", memory=None), source=source, access=Access({}))
    publish(request, office.publication("first", NOW, "acme"))
    publish(request, office.publication("first", NOW, "acme"), revoked())
    assert cosign(request, office.publication("second", NOW, "acme")).signatures == 2
    status = read_status(replace(request, threshold=2))
    assert status.snapshot.seq == 2
    assert status.about(Affected.ARTIFACT, MODEL) is not None


def test_tls_needs_the_right_authority(
    workshop: Workshop, tools: ModuleType, certificate: Path, tmp_path: Path
) -> None:
    """Olareg over TLS on this machine: found by itself, refused with an authority that nobody told us."""
    words = ("--tls-cert", str(certificate), "--tls-key", str(tmp_path / "tls.key"))
    real = start("olareg", tmp_path / "tls", tools, *words, tls=True)
    assert real is not None
    try:
        with pytest.raises(ModelProvenanceError) as untrusted:
            workshop.release(_as_sim(real), access=Access({}))
        assert untrusted.value.code == "registry.unreachable"
        trusting = Access({"SSL_CERT_FILE": str(certificate)})
        workshop.release(_as_sim(real), access=trusting)
        assert workshop.verify(_as_sim(real), access=trusting).result is Result.PASS
    finally:
        real.stop()


#: bcrypt of `secret`, made for these tests.
_USERS = """\
users: {user: {cred: "$2b$05$modelprovenancetests.ug3XSqVDzsZRHo/bdiV6Zy.FlJuW0cj6"}}
acls:
  - {repo: "*", members: ["user"], access: ["read", "write", "delete"]}
  - {repo: "", members: ["user"], access: ["read"]}
"""


@pytest.mark.parametrize("way", ["--auth-basic", "--auth-token-opaque"])
def test_logins(workshop: Workshop, tools: ModuleType, tmp_path: Path, way: str) -> None:
    """Olareg with basic and with token authentication: the right password works, the wrong one and none are refused."""
    users = tmp_path / "users.yaml"
    users.write_text(_USERS)
    real = start("olareg", tmp_path / "auth", tools, way, str(users), "--external-url", "http://127.0.0.1:PORT")
    assert real is not None
    try:
        for password, code in (("wrong", "registry.denied"), ("", "registry.denied")):
            login = Login("user", password) if password else None
            with pytest.raises(ModelProvenanceError) as refused:
                workshop.release(_as_sim(real), access=Access({}, login))
            assert refused.value.code == code
        access = Access({}, Login("user", "secret"))
        workshop.release(_as_sim(real), access=access)
        assert workshop.verify(_as_sim(real), access=access).result is Result.PASS
    finally:
        real.stop()


def test_a_rate_limit_is_waited_for(workshop: Workshop, tools: ModuleType, tmp_path: Path) -> None:
    """Olareg that takes a few requests a second: slower, and the same result."""
    real = start("olareg", tmp_path / "limited", tools, "--rate-limit", "30")
    assert real is not None
    try:
        workshop.release(_as_sim(real), access=Access({}))
        assert workshop.verify(_as_sim(real), access=Access({})).result is Result.PASS
    finally:
        real.stop()


def _sub(folder: Path) -> Path:
    folder.mkdir()
    return folder
