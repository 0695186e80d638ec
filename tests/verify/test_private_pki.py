"""Certificates of a private PKI: signed with `--certificate`, verified with anchors, refused for each reason of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rfc3161_client import TimestampRequestBuilder

from model_provenance.domain.verification import Expectation, PkiExpectation, Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.sign.certificate import certificate_signer
from model_provenance.sign.key import KeySigner
from model_provenance.testing.loopback import Request
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.verify.bundle import verify_bundle

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
YEAR = timedelta(days=365)
Change = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def issue(
    title: str, key: Any, issuer: x509.Certificate | None, issuer_key: Any, *, ca: bool = False,
    start: datetime = NOW - YEAR, end: datetime = NOW + YEAR, usage: bool | None = True, code: bool | None = None,
) -> x509.Certificate:  # fmt: skip
    """A certificate; `usage` is digitalSignature, None leaves key usage out; `code` the same for code signing."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if usage is not None:
        flags = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        cert_sign = {"key_cert_sign": ca, "crl_sign": ca}
        builder = builder.add_extension(x509.KeyUsage(digital_signature=usage, **cert_sign, **flags), critical=True)
    if code is not None:
        purpose = ExtendedKeyUsageOID.CODE_SIGNING if code else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


class Pki:
    """A root, an intermediate and whatever leaves a test wants."""

    def __init__(self) -> None:
        self.root_key, self.middle_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self.root = issue("root", self.root_key, None, self.root_key, ca=True)
        self.middle = issue("intermediate", self.middle_key, self.root, self.root_key, ca=True)

    def leaf(self, **more: Any) -> x509.Certificate:
        """A leaf of the intermediate."""
        return issue("team", self.key, self.middle, self.middle_key, **more)


def pem(*certificates: x509.Certificate) -> bytes:
    """One file."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


@pytest.fixture(scope="module")
def pki() -> Pki:
    """One for all tests."""
    return Pki()


@pytest.fixture
def judged(api: Any) -> Callable[..., Any]:
    """Codes of what fails in the OMS bundle of a draft, signed by anybody."""

    def judge(
        signer: Any, anchors: bytes, *, now: datetime = NOW, change: Callable[[Any], Any] | None = None,
        trust: Trust | None = None,
    ) -> Any:  # fmt: skip
        draft = api.Draft()
        [bundle] = signer.sign(draft.statements[:1])
        value = json.loads(bundle.data)
        if change is not None:
            change(value)
        expectation = Expectation(PkiExpectation(anchors, int(now.timestamp())))
        trusted = trust or Trust(None)
        return api.failures(verify_bundle(json.dumps(value).encode(), draft.directory, expectation, trusted))

    return judge


def signer_of(pki: Pki, leaf: x509.Certificate, *others: x509.Certificate) -> Any:
    """What signs, whatever we would refuse to sign with."""
    from model_provenance.sign.certificate import CertificateSigner

    return CertificateSigner(KeySigner(pki.key), leaf, others or (pki.middle,))


def test_a_signature_by_a_leaf_verifies_against_its_root(pki: Pki, judged: Any) -> None:
    """The bundle brings the intermediate; the anchors may hold it, too."""
    signer = certificate_signer(KeySigner(pki.key), pem(pki.leaf()), pem(pki.middle, pki.root), now=NOW)
    assert [c.subject for c in signer.intermediates] == [pki.middle.subject]
    assert judged(signer, pem(pki.root)) == set()
    assert judged(signer, pem(pki.middle, pki.root)) == set()


def test_the_report_names_the_subject(pki: Pki, api: Any) -> None:
    """And what was left out: nothing in it speaks of a log or a run."""
    draft = api.Draft()
    [bundle] = signer_of(pki, pki.leaf()).sign(draft.statements[:1])
    expectation = Expectation(PkiExpectation(pem(pki.root), int(NOW.timestamp())))
    report = verify_bundle(bundle.data, draft.directory, expectation, Trust(None))
    assert (report.signer.method, report.signer.subject, report.signer.issuer) == (
        "certificate",
        "CN=team",
        "CN=intermediate",
    )
    assert any("transparency log" in text for text in report.not_checked)


def test_a_whole_release_may_be_signed_so(pki: Pki, api: Any, judge: Any) -> None:
    """Five statements by one certificate."""
    draft = api.Draft()
    bundles = {b.name: b.data for b in signer_of(pki, pki.leaf()).sign(draft.statements)}
    signer = PkiExpectation(pem(pki.root), int(NOW.timestamp()))
    report = judge(bundles, draft.directory, signer=signer)
    assert api.failures(report) == set()
    assert report.slsa_level == 1


def test_another_root_is_refused(pki: Pki, judged: Any) -> None:
    """Of the same names."""
    other = Pki()
    assert "certificate.chain" in judged(signer_of(pki, pki.leaf()), pem(other.root))


def test_a_root_in_the_bundle_is_no_anchor(pki: Pki, judged: Any) -> None:
    """A bundle does not bring what it is to be trusted by."""
    signer = signer_of(pki, pki.leaf(), pki.middle, pki.root)
    assert judged(signer, pem(pki.root)) == set()
    assert "certificate.chain" in judged(signer, pem(Pki().root))


def test_a_missing_intermediate_is_refused(pki: Pki, judged: Any) -> None:
    """Nothing is fetched."""
    assert "certificate.chain" in judged(signer_of(pki, pki.leaf(), pki.root), pem(pki.root))


def test_a_signature_by_another_key_is_refused(pki: Pki, judged: Any) -> None:
    """The certificate of one, the signature of another."""
    other = Pki()
    other.middle, other.middle_key = pki.middle, pki.middle_key
    assert "signature.invalid" in judged(signer_of(other, pki.leaf()), pem(pki.root))


@pytest.mark.parametrize("moment", [NOW - 2 * YEAR, NOW + 2 * YEAR], ids=["too early", "too late"])
def test_certificates_are_judged_now(pki: Pki, judged: Any, moment: datetime) -> None:
    """An expired leaf, and one that is not valid yet."""
    assert "certificate.expired" in judged(signer_of(pki, pki.leaf()), pem(pki.root), now=moment)


@pytest.mark.parametrize(
    ("stamped", "codes"),
    [(-YEAR / 2, set()), (-YEAR / 2 - timedelta(days=1), {"certificate.expired"}), (YEAR, {"certificate.expired"})],
    ids=["in time", "too early", "too late"],
)
def test_a_trusted_timestamp_says_when_a_certificate_signed(
    pki: Pki, judged: Any, stamped: timedelta, codes: set[str]
) -> None:
    """A leaf that has expired since is judged when it signed; a timestamp from outside of its validity saves nothing."""
    start = NOW - YEAR / 2
    leaf = pki.leaf(start=start, end=start + timedelta(hours=1))
    clock = [NOW - YEAR * 0.9]
    with SigstoreSim(clock=lambda: clock[-1].timestamp()) as sim:  # noqa: PLW0108 - which moves on
        trust = Trust(sim.trusted_root.encode(), "custom")
        clock.append(NOW + stamped)

        def stamp(value: Any) -> None:
            signature = base64.b64decode(value["dsseEnvelope"]["signatures"][0]["sig"])
            query = TimestampRequestBuilder().data(signature).build().as_bytes()
            answer = sim.tsa.handle(Request("POST", "/tsa", "/api/v1/timestamp", {}, {}, query)).body
            stamps = [{"signedTimestamp": base64.b64encode(answer).decode()}]
            value["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": stamps}

        late = NOW + YEAR / 4
        signer = signer_of(pki, leaf)
        assert judged(signer, pem(pki.root), now=late) == {"certificate.expired"}
        assert judged(signer, pem(pki.root), now=late, change=stamp, trust=trust) == codes


@pytest.mark.parametrize("which", ["root", "intermediate"])
def test_an_expired_authority_is_refused(which: str, judged: Any) -> None:
    """Whatever the leaf says."""
    pki = Pki()
    past = {"start": NOW - 2 * YEAR, "end": NOW - YEAR}
    if which == "root":
        pki.root = issue("root", pki.root_key, None, pki.root_key, ca=True, **past)
    else:
        pki.middle = issue("intermediate", pki.middle_key, pki.root, pki.root_key, ca=True, **past)
    assert "certificate.chain" in judged(signer_of(pki, pki.leaf()), pem(pki.root))


def test_an_intermediate_that_is_no_authority_is_refused(judged: Any) -> None:
    """A leaf does not issue leaves."""
    pki = Pki()
    pki.middle = issue("intermediate", pki.middle_key, pki.root, pki.root_key)
    assert "certificate.chain" in judged(signer_of(pki, pki.leaf()), pem(pki.root))


def test_usage_is_digital_signature_or_code_signing(pki: Pki, judged: Any) -> None:
    """One of the two must be said."""
    for good in ({"usage": True}, {"usage": None, "code": True}, {"usage": False, "code": True}):
        assert judged(signer_of(pki, pki.leaf(**good)), pem(pki.root)) == set()
    for bad in ({"usage": False}, {"usage": None}, {"usage": None, "code": False}):
        assert "certificate.usage" in judged(signer_of(pki, pki.leaf(**bad)), pem(pki.root))


def test_leaves_of_real_life_are_accepted(pki: Pki, judged: Any) -> None:
    """CA:TRUE, the issuer's own name, and one self-signed certificate as leaf, chain and anchor at once."""
    authority = pki.leaf(ca=True)
    assert judged(signer_of(pki, authority), pem(pki.root)) == set()
    namesake = issue("intermediate", pki.key, pki.middle, pki.middle_key)
    assert judged(signer_of(pki, namesake), pem(pki.root)) == set()
    alone = issue("team", pki.key, None, pki.key)
    assert judged(signer_of(pki, alone, alone), pem(alone)) == set()
    assert "certificate.chain" in judged(signer_of(pki, alone, alone), pem(pki.root))


def test_a_bundle_by_a_key_is_not_by_a_certificate(pki: Pki, judged: Any) -> None:
    """The method comes from what the caller expects."""
    assert "signature.method" in judged(KeySigner(pki.key), pem(pki.root))


def test_a_bundle_by_a_certificate_is_not_by_a_key(pki: Pki, api: Any) -> None:
    """Though the key be the same."""
    draft = api.Draft()
    [bundle] = signer_of(pki, pki.leaf()).sign(draft.statements[:1])
    report = verify_bundle(bundle.data, draft.directory, Expectation(api.key_expectation(pki.key)), Trust(None))
    assert "signature.method" in api.failures(report)


def test_a_certificate_that_cannot_be_read_is_refused(pki: Pki, judged: Any) -> None:
    """In the bundle, without a crash."""

    def damage(bundle: Any) -> None:
        chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
        chain[1]["rawBytes"] = base64.b64encode(b"0\x03\x02\x01\x00").decode()

    assert "certificate.malformed" in judged(signer_of(pki, pki.leaf()), pem(pki.root), change=damage)


@pytest.mark.parametrize(
    "anchors", [b"", b"not PEM", b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"]
)
def test_anchors_that_are_no_certificates_are_a_usage_error(pki: Pki, judged: Any, anchors: bytes) -> None:
    """Not a verdict."""
    with pytest.raises(ModelProvenanceError) as error:
        judged(signer_of(pki, pki.leaf()), anchors)
    assert error.value.code == "certificate.file"


def test_signing_refuses_what_nobody_could_verify(pki: Pki) -> None:
    """Another key's certificate, an expired one, one that may not sign, two in one file, none."""
    key = KeySigner(pki.key)
    other = issue("team", ec.generate_private_key(ec.SECP256R1()), pki.middle, pki.middle_key)
    files = [
        pem(other),
        pem(pki.leaf(end=NOW - YEAR / 2)),
        pem(pki.leaf(usage=False)),
        pem(pki.leaf(), pki.middle),
        b"x",
    ]
    for file in files:
        with pytest.raises(ModelProvenanceError) as error:
            certificate_signer(key, file, None, now=NOW)
        assert error.value.code == "certificate.file"
