"""Whatever a verdict is trusted by comes from elsewhere than what it is about: one rule for every such option."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from model_provenance.cli.catalogue import OPTIONS, Kind
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.signing import KeylessSigning, KeySigning, signing_inputs
from model_provenance.flows.verify import VerifyRequest, trust_inputs
from model_provenance.flows.vsa import Vouching

from .command import Cli

VERIFY = ("verify", "model", "--evidence", "dist/minilm-1.0.0")
#: Inputs of these commands that are no file which a verdict is trusted by: what is decided about, and what is written.
_NO_TRUST = frozenset(
    (
        "evidence",
        "output",
        "manifest",
        "environment",
        "oci-layout",
        "syft",
        "bundle",
        "spool",
        "cache",
        "receipt",
        "vsa",
        "among",
    )
)
TRUSTED = ("--key", "--certificate-chain", "--trust-config", "--trusted-root", "--opa", "--log-heads")


@pytest.fixture
def at_work(desk: Path, shelf: Path) -> Path:
    """The desk with releases in `dist`."""
    shutil.copytree(shelf, desk / "dist")
    return desk


@pytest.mark.parametrize("option", TRUSTED)
@pytest.mark.parametrize(
    "place", ["model/x.pem", "model/deep/x.pem", "dist/minilm-1.0.0/x.pem", "dist/minilm-1.0.0/evidence/x.pem"]
)
def test_no_trust_is_read_from_the_model_or_its_evidence(place: str, option: str, at_work: Path, cli: Cli) -> None:
    """A key that came with the model would let everybody vouch for himself: refused before it is opened."""
    path = at_work / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((at_work / "release.pub").read_bytes())
    cli(*VERIFY, option, place).refused(2, "trust.place", option, "whoever made the model")


@pytest.mark.parametrize("option", TRUSTED)
def test_a_link_does_not_bring_trust_out_of_the_model(option: str, at_work: Path, cli: Cli) -> None:
    """Neither a link outside that leads in, nor one inside that leads out, nor a way with `..`."""
    shutil.copy("release.pub", "model/k.pub")
    (at_work / "outside.pub").symlink_to("model/k.pub")
    cli(*VERIFY, option, "outside.pub").refused(2, "trust.place")
    cli(*VERIFY, option, "dist/../model/k.pub").refused(2, "trust.place")
    (at_work / "model/k.pub").unlink()
    (at_work / "model/k.pub").symlink_to(at_work / "release.pub")
    cli(*VERIFY, option, "model/k.pub").refused(2, "trust.place")


def test_a_folder_of_evidence_names_its_whole_release(at_work: Path, cli: Cli) -> None:
    """Given `…/evidence`, the release folder around it is no place for a key, either."""
    shutil.copy("release.pub", "dist/minilm-1.0.0/k.pub")
    words = ("verify", "model", "--evidence", "dist/minilm-1.0.0/evidence")
    cli(*words, "--key", "dist/minilm-1.0.0/k.pub").refused(2, "trust.place")
    assert cli(*words, "--key", "release.pub").status == 0


@pytest.mark.parametrize("command", ["pull", "policy explain"])
def test_other_commands_that_decide_have_the_same_rule(command: str, at_work: Path, cli: Cli) -> None:
    """`pull` with evidence of one's own, and `policy explain`."""
    shutil.copy("release.pub", "dist/minilm-1.0.0/evidence/k.pub")
    evidence = ("--evidence", "dist/minilm-1.0.0", "--key", "dist/minilm-1.0.0/evidence/k.pub")
    words = {
        "pull": ("pull", "oci://127.0.0.1:9/a/b:1.0.0", "--output", "pulled"),
        "policy explain": ("policy", "explain", "integrity", "model"),
    }[command]
    cli(*words, *evidence).refused(2, "trust.place", "--key")


def test_a_release_is_not_steered_by_what_lies_in_the_model(at_work: Path, cli: Cli) -> None:
    """A trust config says where the identity token is sent; a model that brings one would be given it."""
    (at_work / "model/trust.json").write_text("{}")
    words = ("--name", "minilm", "--version", "2.0.0", "--trust-config", "model/trust.json")
    cli("release", "model", *words).refused(2, "trust.place", "--trust-config")
    cli("sign", "model", "--bundle", "m.sig", "--trust-config", "model/trust.json").refused(2, "trust.place")


def test_who_revokes_is_not_said_by_the_list_or_the_model(at_work: Path, cli: Cli) -> None:
    """Whoever stores a status list could put a policy there, and a model could bring the trust of its revocation."""
    (at_work / "status").mkdir()
    for place in ("status/p.yaml", "model/p.yaml"):
        (at_work / place).write_text("")
        words = ("revoke", "model", "--reason", "backdoor", "--status-list", "status", "--key", "other.key")
        cli(*words, "--policy", place).refused(2, "policy.place")
        cli(*words, "--trust-config", place).refused(2, "trust.place", "--trust-config")
    shutil.copy("other.key", "status/k.key")
    cli("status", "publish", "--status-list", "status", "--key", "status/k.key").refused(2, "trust.place", "--key")
    cli("status", "show", "--status-list", "status", "--policy", "status/p.yaml").refused(2, "policy.place")


def test_no_option_is_forgotten() -> None:
    """Every file that an option of `verify`, `pull`, `release` or `sign` takes is under the rule, or listed as no trust."""
    request = VerifyRequest(Path("model"), SignerOptions())
    ruled = {option.removeprefix("--") for option in trust_inputs(request)}
    for signing in (KeySigning(Path("k"), lambda: b""), KeylessSigning(None, None, allow_public_log=False)):
        ruled |= {option.removeprefix("--") for option in signing_inputs(signing)}
    ruled |= {option.removeprefix("--") for option in Vouching(Path("v"), signing, "x:y", {}).inputs()}
    deciding = {
        "verify",
        "exec",
        "pull",
        "policy explain",
        "release",
        "sign",
        "revoke",
        "status publish",
        "status show",
    }
    files = {o.name for o in OPTIONS if o.kind is Kind.PATH and deciding & set(o.commands)}
    assert files - ruled - _NO_TRUST == set()
