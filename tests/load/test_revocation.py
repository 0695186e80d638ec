"""Revocation where a model is loaded: decided at every load, with the cache too; stale lists are warned of, and then refused."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.revoke.office import Office, revoked

from model_provenance import load
from model_provenance.cli.main import run
from model_provenance.domain.digest import Digest
from model_provenance.domain.status import Affected
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.revoke import attestation

from .models import Released

HOUR = 3600
POLICY = """apiVersion: model-provenance/v1
kind: Policy
metadata: {name: serving}
spec:
  extends: integrity
  revocation: {revokers: [{key: revoker.pub}], list: acme, maxStaleness: 1h}
"""


@pytest.fixture
def office(released: Released) -> Office:
    """A revoker, whose list lies beside the release, and a policy that names him."""
    made = Office(released.folder, {"first": ec.generate_private_key(ec.SECP256R1())})
    (released.folder / "revoker.pub").write_bytes(made.keys["first"].public_key.pem)
    (released.folder / "policy.yaml").write_text(POLICY)
    return made


@pytest.fixture
def arguments(released: Released) -> dict[str, Any]:
    """What `load.verified` is told."""
    folder = released.folder
    return {**released.expected, "policy": folder / "policy.yaml", "status_list": folder / "list"}


def ago(hours: float) -> int:
    """Unix seconds."""
    return int(time.time() - hours * HOUR)


def refused(model: Path, arguments: dict[str, Any]) -> load.RefusedError:
    """The refusal."""
    with pytest.raises(load.RefusedError) as error, load.verified(model, **arguments):
        pytest.fail("nothing is handed out")
    return error.value


def test_a_model_that_nobody_revoked_is_loaded(office: Office, released: Released, arguments: dict[str, Any]) -> None:
    """With a fresh list, which is decided by without a word."""
    office.publish(now=ago(0))
    with load.verified(released.model, **arguments) as model:
        assert model.report is not None
        assert "policy.warning" not in {finding.id for finding in model.report.findings}


def test_a_model_that_was_revoked_since_is_refused_although_the_cache_knows_its_files(
    office: Office, settled: Released, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are not read again; whether they may be used is decided again."""
    arguments["cache"] = settled.folder / "cache"
    office.publish(now=ago(0))
    with load.verified(settled.model, **arguments) as model:
        digest = model.digest
    assert digest is not None
    office.publish(revoked(Digest(digest.hex)), now=ago(0))
    monkeypatch.setattr("model_provenance.pack.read.read", lambda *_, **__: pytest.fail("it was read"))
    error = refused(settled.model, arguments)
    assert (int(error.exit_status), error.report.exit_status) == (14, 14)


def test_a_stale_list_is_warned_of_for_a_day_and_then_refused(
    office: Office, released: Released, arguments: dict[str, Any]
) -> None:
    """A server must be able to start while the list cannot be fetched, and not for ever."""
    office.publish(now=ago(5))
    with load.verified(released.model, **arguments) as model:
        assert model.report is not None
        warned = [finding for finding in model.report.findings if finding.id == "policy.warning"]
        assert "stale" in warned[0].message
    assert int(refused(released.model, {**arguments, "status_grace": timedelta(0)}).exit_status) == 15
    assert int(refused(released.model, {**arguments, "status_grace": timedelta(hours=3)}).exit_status) == 15


def test_a_list_that_is_stale_for_longer_is_refused(
    office: Office, released: Released, arguments: dict[str, Any]
) -> None:
    """26 hours, of which one is fresh and 24 are grace."""
    office.publish(now=ago(26))
    assert int(refused(released.model, arguments).exit_status) == 15


def test_in_ci_a_stale_list_has_no_grace(office: Office, released: Released) -> None:
    """`verify` refuses what `exec` still warns of."""
    office.publish(now=ago(5))
    words = ["verify", released.model, *released.words(), "--policy", released.folder / "policy.yaml"]
    assert run([str(word) for word in [*words, "--status-list", released.folder / "list"]]) == 15


def test_a_list_that_is_hidden_is_no_list(released: Released, office: Office, arguments: dict[str, Any]) -> None:
    """Nobody said what was revoked: that is not nothing."""
    assert office
    assert int(refused(released.model, arguments).exit_status) == 15


def test_a_moment_without_a_zone_is_no_moment(office: Office, released: Released, arguments: dict[str, Any]) -> None:
    """It could be any of a whole day; and one that the policy does not allow decides nothing."""
    office.publish(now=ago(0))
    naive = {**arguments, "status_as_of": datetime(2026, 11, 28)}  # noqa: DTZ001 - the mistake
    with pytest.raises(ModelProvenanceError, match="time zone") as error, load.verified(released.model, **naive):
        pytest.fail("nothing is handed out")
    assert error.value.code == "usage.invalid"
    moment = {**arguments, "status_as_of": datetime.now(timezone.utc)}
    assert int(refused(released.model, moment).exit_status) == 15


def test_a_revoked_bundle_that_is_written_in_another_way_is_still_revoked(
    office: Office, released: Released, arguments: dict[str, Any]
) -> None:
    """Whoever keeps a bundle can change its bytes and keep its signature: what was signed is what is revoked."""
    bundles = sorted((released.folder / "dist/evidence").glob("*.sigstore.json"))
    office.publish(revoked(attestation(str(bundles[0])).digest, affected=Affected.ATTESTATION), now=ago(0))
    assert refused(released.model, arguments).exit_status == 14
    for path in bundles:
        path.write_text(json.dumps(json.loads(path.read_bytes()), indent=3))
    assert refused(released.model, arguments).exit_status == 14


def test_a_bundle_can_be_revoked_by_the_digest_of_its_bytes(
    office: Office, released: Released, arguments: dict[str, Any]
) -> None:
    """As other tools name it."""
    bundle = next((released.folder / "dist/evidence").glob("*.sigstore.json"))
    office.publish(revoked(Digest.of(bundle.read_bytes()), affected=Affected.ATTESTATION), now=ago(0))
    assert refused(released.model, arguments).exit_status == 14
