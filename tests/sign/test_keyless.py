"""Keyless signing against a whole Sigstore on loopback, and what happens when a part of it misbehaves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from sigstore.errors import VerificationError
from sigstore.models import Bundle as SigstoreBundle
from sigstore.models import ClientTrustConfig
from sigstore.verify import Verifier
from sigstore.verify.policy import AllOf, Identity, OIDCSourceRepositoryURI

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Bundle, Statement, Subject, SubjectKind
from model_provenance.domain.files import ModelFile, Role
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import Envelope, MaterialKind, parse_bundle
from model_provenance.formats.intoto import statement
from model_provenance.formats.oms import oms_statement
from model_provenance.sign.heads import refuse_split_view
from model_provenance.sign.instance import load_instance
from model_provenance.sign.keyless import KeylessSigner
from model_provenance.sign.patience import Patience
from model_provenance.testing.faults import Fault, Service
from model_provenance.testing.sigstore_sim import SigstoreSim

QUICK = Patience(connect=1, read=1, attempts=3, pause=0.01, total=5)
KINDS = (
    "https://model_signing/signature/v1.0",
    "https://model-provenance.dev/manifest/v1",
    "https://slsa.dev/provenance/v1",
    "https://spdx.dev/Document",
    "https://cyclonedx.org/bom",
)


def statements(count: int = 5) -> list[Statement]:
    """Statements of a release, in bytes that no writer would make again."""
    subjects = [Subject(SubjectKind.OMS_ROOT, Digest.of(b"model")), Subject(SubjectKind.ARCHIVE, Digest.of(b"tar"))]
    return [
        Statement(f"s{n}", kind, statement(subjects, kind, {"n": n}).replace(b'"n":', b'"n":  '))
        for n, kind in enumerate(KINDS[:count])
    ]


@pytest.fixture(scope="module")
def running() -> Iterator[SigstoreSim]:
    """One simulator for the whole module."""
    with SigstoreSim() as sim:
        yield sim


@pytest.fixture
def sim(running: SigstoreSim) -> Iterator[SigstoreSim]:
    """The simulator, behaving at the start of each test."""
    yield running
    running.behave()


def signer(sim: SigstoreSim, version: int = 1, token: Callable[[], str] | None = None) -> KeylessSigner:
    """A signer for a GitHub job on the simulator."""
    config = sim.trust_config_for(rekor_version=version).encode()
    return KeylessSigner(trust_config=config, token=token or sim.issue_github_token, patience=QUICK)


def failure(
    sim: SigstoreSim, version: int = 1, token: Callable[[], str] | None = None, *, count: int = 2
) -> ModelProvenanceError:
    """The error that signing ends with; no identity is known afterwards."""
    subject = signer(sim, version, token)
    with pytest.raises(ModelProvenanceError) as caught:
        subject.sign(statements(count))
    assert caught.value.message.isprintable()
    with pytest.raises(RuntimeError):
        _ = subject.identity
    return caught.value


def next_index(sim: SigstoreSim, version: int) -> int:
    """The index of the entry that a log takes now: it tells how many entries were made since the last time."""
    sim.behave()
    return signer(sim, version).sign(statements(1))[0].log_entries[0].log_index


@pytest.mark.parametrize("version", [1, 2])
def test_all_statements_are_signed_under_one_certificate(sim: SigstoreSim, version: int) -> None:
    """Five statements give five bundles in order, with their exact bytes, one certificate, an entry and a time each."""
    inputs = statements()
    bundles = signer(sim, version).sign(inputs)
    assert [(b.name, b.predicate_type, b.payload) for b in bundles] == [
        (s.name, s.predicate_type, s.payload) for s in inputs
    ]
    parsed = [parse_bundle(bundle.data) for bundle in bundles]
    assert {p.material.kind for p in parsed} == {MaterialKind.CERTIFICATE}
    assert len({p.material.certificates for p in parsed}) == 1
    assert [p.content.payload for p in parsed if isinstance(p.content, Envelope)] == [s.payload for s in inputs]
    assert all(len(b.timestamps) == 1 and abs(b.timestamps[0] - time.time()) < 60 for b in bundles)
    assert len({b.log_entries[0].log_index for b in bundles}) == 5


@pytest.mark.parametrize("version", [1, 2])
def test_sigstore_python_verifies_our_bundles(sim: SigstoreSim, version: int) -> None:
    """Unmodified sigstore-python verifies what we store, for this identity and repository, and nothing changed."""
    made = signer(sim, version)
    bundles = made.sign(statements())
    verifier = Verifier(trusted_root=ClientTrustConfig.from_json(sim.trust_config).trusted_root)
    policy = AllOf(
        [
            Identity(identity=made.identity.subject, issuer="https://token.actions.githubusercontent.com"),
            OIDCSourceRepositoryURI("https://github.com/acme/minilm"),
        ]
    )
    for bundle in bundles:
        kind, payload = verifier.verify_dsse(SigstoreBundle.from_json(bundle.data), policy)
        assert (kind, payload) == ("application/vnd.in-toto+json", bundle.payload)
    value, other = json.loads(bundles[0].data), json.loads(bundles[1].data)
    value["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"]
    with pytest.raises(VerificationError):
        verifier.verify_dsse(SigstoreBundle.from_json(json.dumps(value)), policy)


def test_model_signing_verifies_our_keyless_oms_bundle(sim: SigstoreSim, tmp_path: Path) -> None:
    """`model_signing verify sigstore` accepts our OMS bundle of a directory for its signer, and for nobody else."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_bytes(b"{}")
    files = [ModelFile("config.json", 2, Digest.of(b"{}"), Role.CONFIG)]
    made = signer(sim)
    [bundle] = made.sign([oms_statement(files, subject_name="model")])
    (tmp_path / "model.sig").write_bytes(bundle.data)
    (tmp_path / "trust.json").write_text(sim.trust_config)

    def verified(identity: str) -> int:
        program: list[str | Path] = [Path(sys.executable).with_name("model_signing"), "verify", "sigstore", model]
        where: list[str | Path] = ["--signature", tmp_path / "model.sig", "--trust_config", tmp_path / "trust.json"]
        who: list[str | Path] = ["--identity", identity, "--identity_provider", made.identity.issuer or ""]
        return subprocess.run([*program, *where, *who], capture_output=True, check=False).returncode

    assert verified(made.identity.subject) == 0
    assert verified("https://github.com/mallory/minilm") != 0


def test_entries_say_where_they_are(sim: SigstoreSim) -> None:
    """A Rekor v1 entry has its time and an address that shows it; a v2 entry has neither."""
    [one] = signer(sim, 1).sign(statements(1))
    [two] = signer(sim, 2).sign(statements(1))
    first, second = one.log_entries[0], two.log_entries[0]
    assert (first.log_url, first.kind) == (f"{sim.url}/rekor-v1", "dsse 0.0.1")
    assert first.entry_url == f"{sim.url}/rekor-v1/api/v1/log/entries?logIndex={first.log_index}"
    assert first.integrated_time is not None
    assert (second.log_url, second.kind) == (f"{sim.url}/rekor-v2", "hashedrekord 0.0.2")
    assert (second.entry_url, second.integrated_time) == (None, None)


def test_the_identity_is_the_certificates(sim: SigstoreSim) -> None:
    """After signing, the signer is who the certificate names: GitHub's workflow, GitLab's, or a person's address."""
    github = signer(sim)
    github.sign(statements(1))
    assert github.identity.subject.startswith("https://github.com/acme/minilm/.github/workflows/")
    assert github.identity.extension(12) == "https://github.com/acme/minilm"
    assert json.loads(github.trusted_root) == json.loads(sim.trusted_root)
    gitlab = signer(sim, token=sim.issue_gitlab_token)
    gitlab.sign(statements(1))
    assert gitlab.identity.issuer == "https://gitlab.com"
    person = signer(sim, token=lambda: sim.issue_email_token("ann@example.com"))
    person.sign(statements(1))
    assert person.identity.subject == "ann@example.com"


def test_a_token_is_asked_for_once_and_late(sim: SigstoreSim) -> None:
    """The token is fetched when the instance is known to be usable, once, and not at all for nothing."""
    asked: list[int] = []

    def token() -> str:
        asked.append(1)
        return f"  {sim.issue_github_token()}\n"

    assert signer(sim, token=token).sign([]) == ()
    for config in (b"{}", sim.trust_config_for(rekor_version=2, tsa=False).encode()):
        with pytest.raises(ModelProvenanceError) as caught:
            KeylessSigner(trust_config=config, token=token).sign(statements(1))
        assert caught.value.code == "sign.trust_config"
    assert asked == []
    signer(sim, token=token).sign(statements(2))
    assert asked == [1]


def test_an_instance_without_timestamps_signs_on_rekor_v1(sim: SigstoreSim) -> None:
    """Where no timestamp authority is named, none is missed: Rekor v1 gives the time."""
    config = sim.trust_config_for(rekor_version=1, tsa=False).encode()
    [bundle] = KeylessSigner(trust_config=config, token=sim.issue_github_token, patience=QUICK).sign(statements(1))
    assert bundle.timestamps == ()
    assert bundle.log_entries[0].integrated_time is not None


def test_a_rekor_version_can_be_insisted_on(sim: SigstoreSim) -> None:
    """The version that is asked for is used, or the error says that the instance has none."""
    config = sim.trust_config_for(rekor_version=2).encode()
    [bundle] = KeylessSigner(trust_config=config, token=sim.issue_github_token, rekor_version=2).sign(statements(1))
    assert bundle.log_entries[0].kind == "hashedrekord 0.0.2"
    with pytest.raises(ModelProvenanceError) as caught:
        KeylessSigner(trust_config=config, token=sim.issue_github_token, rekor_version=1).sign(statements(1))
    assert caught.value.code == "sign.trust_config"
    assert "Rekor version 1" in caught.value.message


def test_a_slow_log_is_waited_for_once(sim: SigstoreSim) -> None:
    """A log that takes two seconds for an entry takes little more than that for five: they are written side by side."""
    sim.misbehave(Service.REKOR, Fault.SLOW, seconds=2)
    began = time.monotonic()
    signer(sim, 2).sign(statements())
    assert time.monotonic() - began < 9


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        pytest.param(lambda sim: sim.issue_github_token(life=-3600), "has expired", id="expired"),
        pytest.param(lambda sim: sim.issue_github_token(audience="npm"), "udience", id="audience"),
        pytest.param(lambda _: "no token at all", "cannot be used", id="text"),
        pytest.param(lambda _: "", "cannot be used", id="empty"),
        pytest.param(lambda sim: sim.issue_token({"iss": "x"}), "sub", id="no subject"),
    ],
)
def test_a_useless_token_is_not_sent(sim: SigstoreSim, make: Callable[[SigstoreSim], str], problem: str) -> None:
    """An expired token, one for another audience and what is no token end with 21, and are never shown."""
    token = make(sim)
    error = failure(sim, token=lambda: token)
    assert (error.code, error.exit_status) == ("sign.token", 21)
    assert problem in error.message
    assert not token or token not in error.message


def test_a_token_that_fulcio_does_not_accept_ends_with_its_reason() -> None:
    """A token that somebody else signed is refused by Fulcio; its reason is passed on and nothing is logged."""
    with SigstoreSim() as sim, SigstoreSim() as stranger:
        before = next_index(sim, 1)
        error = failure(sim, token=stranger.issue_github_token)
        assert (error.code, error.exit_status) == ("sign.token_refused", 21)
        assert "not the issuer's" in error.message
        assert next_index(sim, 1) == before + 1


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.BAD_GATEWAY])
@pytest.mark.parametrize(
    ("service", "word"),
    [(Service.FULCIO, "Fulcio"), (Service.REKOR, "Rekor"), (Service.TSA, "timestamp authority")],
)
def test_a_service_that_is_down_is_named(sim: SigstoreSim, service: Service, word: str, fault: Fault) -> None:
    """The error says which service does not work and its address, and ends with 20."""
    sim.misbehave(service, fault)
    error = failure(sim)
    assert (error.code, error.exit_status) == ("sign.service", 20)
    assert word in error.message
    assert sim.url in error.message


@pytest.mark.parametrize("service", [Service.FULCIO, Service.REKOR, Service.TSA])
def test_a_service_that_recovers_is_no_failure(sim: SigstoreSim, service: Service) -> None:
    """A load balancer's 502 now and then does not stop a release."""
    sim.misbehave(service, Fault.BAD_GATEWAY, times=1)
    assert len(signer(sim).sign(statements(2))) == 2


@pytest.mark.parametrize("service", [Service.FULCIO, Service.REKOR, Service.TSA])
def test_a_service_that_hangs_is_given_up(sim: SigstoreSim, service: Service) -> None:
    """A service that never answers ends within the patience of the caller."""
    sim.misbehave(service, Fault.SLOW, seconds=3)
    config = sim.trust_config.encode()
    patience = Patience(connect=1, read=0.2, waiting=0.2, attempts=2, pause=0.01, total=5)
    with pytest.raises(ModelProvenanceError) as caught:
        KeylessSigner(trust_config=config, token=sim.issue_github_token, patience=patience).sign(statements(2))
    assert caught.value.code == "sign.service"
    assert "did not answer within 0.2 s" in caught.value.message


def test_the_whole_is_given_up_too(sim: SigstoreSim) -> None:
    """Whatever the single requests do, a step ends when its time is over."""
    sim.misbehave(Service.REKOR, Fault.SLOW, seconds=3)
    patience = Patience(connect=5, read=5, attempts=5, pause=0.01, total=0.3)
    with pytest.raises(ModelProvenanceError) as caught:
        KeylessSigner(trust_config=sim.trust_config.encode(), token=sim.issue_github_token, patience=patience).sign(
            statements(2)
        )
    assert caught.value.code == "sign.service"
    assert "took too long" in caught.value.message


@pytest.mark.parametrize("version", [1, 2])
def test_an_entry_that_is_there_already_is_signed_again(sim: SigstoreSim, version: int) -> None:
    """409 means that an answer got lost: a new signature makes a new entry, and the release goes on."""
    sim.misbehave(Service.REKOR, Fault.CONFLICT, times=1)
    assert len(signer(sim, version).sign(statements(2))) == 2


def test_a_log_that_has_everything_already_is_an_error(sim: SigstoreSim) -> None:
    """A log that answers 409 to each new signature is not believed for ever."""
    sim.misbehave(Service.REKOR, Fault.CONFLICT)
    error = failure(sim)
    assert (error.code, error.exit_status) == ("sign.answer", 20)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("service", [Service.FULCIO, Service.REKOR, Service.TSA])
def test_garbage_is_an_error_of_ours(sim: SigstoreSim, service: Service, version: int) -> None:
    """An answer that makes no sense ends with 20, whatever the library raises on it."""
    sim.misbehave(service, Fault.GARBAGE)
    error = failure(sim, version)
    assert error.code in {"sign.answer", "sign.timestamp"}
    assert error.exit_status == 20


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("service", "fault"),
    [
        (Service.FULCIO, Fault.WRONG_KEY),
        (Service.FULCIO, Fault.NO_SCT),
        (Service.FULCIO, Fault.OTHER_KEY),
        (Service.FULCIO, Fault.EXPIRED),
        (Service.FULCIO, Fault.OTHER_IDENTITY),
        (Service.CT_LOG, Fault.WRONG_KEY),
        (Service.REKOR, Fault.WRONG_KEY),
        (Service.REKOR, Fault.WRONG_CHECKPOINT_KEY),
        (Service.REKOR, Fault.OTHER_ENTRY),
        (Service.REKOR, Fault.BAD_PROOF),
    ],
)
def test_what_does_not_verify_is_not_returned(sim: SigstoreSim, service: Service, fault: Fault, version: int) -> None:
    """A certificate, log or proof that nobody else would accept is found before the bundle leaves the signer."""
    sim.misbehave(service, fault)
    error = failure(sim, version)
    # A certificate for another key is met first by the log, which checks signatures too.
    assert error.code in {"sign.unverifiable", "sign.service" if fault is Fault.OTHER_KEY else "sign.answer"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_log_that_stands_still_makes_no_bundle(sim: SigstoreSim, version: int) -> None:
    """The log takes the entry and answers with a tree head from before: said as what it is, and nothing is returned."""
    sim.misbehave(Service.REKOR, Fault.FROZEN)
    error = failure(sim, version)
    assert (error.code, error.exit_status) == ("log.frozen", 10)
    assert re.search(
        r"the log at http://127\.0\.0\.1:\d+/rekor-v\d took entry (\d+) and answered with a tree of \1 ", error.message
    )


@pytest.mark.parametrize("version", [1, 2])
def test_a_log_that_shows_two_trees_to_one_signer_is_noticed(version: int) -> None:
    """Each bundle verifies by itself; two of one size and different roots are not returned together."""
    # A log of its own: a request that an earlier test gave up would make its tree grow in between.
    with SigstoreSim() as sim:
        [first] = signer(sim, version).sign(statements(1))
        sim.misbehave(Service.REKOR, Fault.SPLIT_VIEW, times=1)
        [second] = signer(sim, version).sign(statements(1))
    refuse_split_view([first])
    refuse_split_view([second, second])
    with pytest.raises(ModelProvenanceError, match="signed two trees of") as caught:
        refuse_split_view([first, second])
    assert (caught.value.code, caught.value.exit_status) == ("log.split_view", 10)


def test_what_is_signed_in_one_run_is_compared(sim: SigstoreSim, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundles of a release are in trees of one story before any of them leaves the signer."""
    seen: list[str] = []

    def refuse(bundles: Iterable[Bundle]) -> None:
        seen.extend(bundle.name for bundle in bundles)
        raise ModelProvenanceError("log.split_view", "two trees")

    monkeypatch.setattr("model_provenance.sign.keyless.refuse_split_view", refuse)
    assert failure(sim, count=3).code == "log.split_view"
    assert seen == ["s0", "s1", "s2"]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("fault", [Fault.NO_TIMESTAMP, Fault.WRONG_KEY, Fault.OTHER_MESSAGE])
def test_a_timestamp_that_fails_is_an_error(fault: Fault, version: int) -> None:
    """A missing or foreign timestamp stops the signing before anything is logged; sigstore-python only warns."""
    # A log of its own: what a test of slow services has given up may still be on its way into that of the others.
    with SigstoreSim() as sim:
        before = next_index(sim, version)
        sim.misbehave(Service.TSA, fault)
        # One statement: with several, those that are on their way may still be logged.
        error = failure(sim, version, count=1)
        assert (error.code, error.exit_status) == ("sign.timestamp", 20)
        assert next_index(sim, version) == before + 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_clock_that_is_hours_off_is_noticed(sim: SigstoreSim, version: int) -> None:
    """A timestamp outside of the certificate's ten minutes makes no bundle."""
    sim.misbehave(Service.TSA, Fault.SKEWED)
    assert failure(sim, version).code == "sign.unverifiable"


def test_two_logs_at_once_are_not_quietly_one(sim: SigstoreSim) -> None:
    """A signing config that wants entries in two logs is refused: the library would write to the first alone."""
    value = json.loads(sim.trust_config)
    urls = value["signingConfig"]["rekorTlogUrls"]
    value["signingConfig"]["rekorTlogUrls"] = [urls[0], {**urls[0], "operator": "somebody else"}]
    value["signingConfig"]["rekorTlogConfig"] = {"selector": "ALL"}
    with pytest.raises(ModelProvenanceError) as caught:
        KeylessSigner(trust_config=json.dumps(value).encode(), token=sim.issue_github_token).sign(statements(1))
    assert caught.value.code == "sign.trust_config"
    assert "2 transparency logs" in caught.value.message


@pytest.mark.parametrize("field", ["trustedRoot", "signingConfig"])
def test_a_config_that_the_library_cannot_read_is_refused(sim: SigstoreSim, field: str) -> None:
    """Unknown fields deep in a trust config are refused as the config's fault."""
    value = json.loads(sim.trust_config)
    value[field]["comment"] = "x"
    with pytest.raises(ModelProvenanceError) as caught:
        KeylessSigner(trust_config=json.dumps(value).encode(), token=sim.issue_github_token).sign(statements(1))
    assert caught.value.code == "sign.trust_config"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, so that no real cache is read or written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.usefixtures("home")
def test_public_sigstore_is_known_by_its_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a trust config the instance is public Sigstore, which is not private, with Rekor v1 and timestamps."""
    public = ClientTrustConfig.production
    monkeypatch.setattr(ClientTrustConfig, "production", lambda: public(offline=True))
    instance = load_instance(None, rekor_version=None, patience=QUICK)
    assert (instance.log_url, instance.log_version, instance.timestamps) == ("https://rekor.sigstore.dev", 1, 1)
    assert not instance.trust.is_private


def test_public_sigstore_out_of_reach_is_a_service_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where TUF cannot be read, signing ends with 20 before a token is asked for."""
    monkeypatch.setattr("sigstore.models.DEFAULT_TUF_URL", "http://127.0.0.1:9")
    with pytest.raises(ModelProvenanceError) as caught:
        KeylessSigner(trust_config=None, token=lambda: pytest.fail("asked"), patience=QUICK).sign(statements(1))
    assert (caught.value.code, caught.value.exit_status) == ("sign.service", 20)
    assert "TUF" in caught.value.message
    assert home.is_dir()
