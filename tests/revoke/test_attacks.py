"""Attacks on a status list: whoever keeps, copies or rewrites it would like a revoked model to pass once more."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.revoke.office import DAY, MODEL, NOW, Office, revoked

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.result import Result
from model_provenance.domain.status import Action, Affected, Entry
from model_provenance.domain.verification import Expectation, KeyExpectation, Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.intoto import named_statement
from model_provenance.formats.revocation import revocation_statement
from model_provenance.formats.status_list import snapshot_statement
from model_provenance.revoke.history import Seen
from model_provenance.revoke.seen import load_seen, save_seen
from model_provenance.verify.bundle import verify_bundle


def refused(code: str, office: Office, *names: str, **changes: object) -> ModelProvenanceError:
    """The list is not believed, and says why."""
    with pytest.raises(ModelProvenanceError) as caught:
        office.read(*names, **changes)
    assert (caught.value.code, int(caught.value.exit_status)) == (code, 15)
    assert caught.value.remedy
    return caught.value


def snapshot(seq: int, *, previous: tuple[Digest, ...], name: str = "acme", made: int = NOW) -> Statement:
    """A snapshot of somebody's own making."""
    return snapshot_statement(name, seq, this_update=made, next_update=made + DAY, previous=previous, entries=())


def test_a_snapshot_that_is_rolled_back_is_refused(office: Office, tmp_path: Path) -> None:
    """Who stores the list puts back the state from before the revocation: it was seen, so it is missed."""
    office.publish()
    shutil.copytree(office.folder, tmp_path / "before")
    office.publish(revoked())
    assert office.read().about(Affected.ARTIFACT, MODEL) is not None
    shutil.rmtree(office.folder)
    shutil.copytree(tmp_path / "before", office.folder)
    assert "number 2 was seen" in refused("status.rollback", office).message


def test_a_list_that_is_taken_away_is_refused(office: Office) -> None:
    """Nothing is there any more: no list is never a list without entries."""
    office.publish(revoked())
    office.read()
    shutil.rmtree(office.folder)
    refused("status.rollback", office)
    refused("status.missing", office, memory=None)


def test_two_snapshots_of_one_number_are_refused(office: Office) -> None:
    """A revoker's key that signs two histories is believed in neither, also by who has never seen the list."""
    office.publish()
    first = office.read().snapshot
    forged = snapshot(1, previous=(), made=NOW + 1)
    office.put("0000000001-other.sigstore.json", office.sign(forged))
    refused("status.fork", office)
    refused("status.fork", office, memory=None)
    for path in office.snapshots:
        if "other" not in path.name:
            path.unlink()
    assert first.digest != Digest.of(forged.payload)
    refused("status.fork", office)


def test_a_newer_snapshot_that_forgets_what_was_seen_is_refused(office: Office) -> None:
    """The newest snapshot names those before it; one that names others is of another history."""
    office.publish()
    office.publish()
    office.read()
    forged = snapshot(3, previous=(Digest("01" * 32), Digest("02" * 32)))
    office.put("0000000003-x.sigstore.json", office.sign(forged))
    for path in office.snapshots:
        if not path.name.startswith("0000000003"):
            path.unlink()
    refused("status.fork", office)


def test_a_truncated_chain_is_not_a_snapshot(office: Office) -> None:
    """A snapshot that names fewer predecessors than there were is malformed, whoever signs it."""
    with pytest.raises(ModelProvenanceError) as caught:
        snapshot(5, previous=(Digest("01" * 32),))
    assert caught.value.code == "status.malformed"


def test_a_snapshot_by_somebody_else_is_refused(office: Office) -> None:
    """Who may not revoke may not say that nothing is revoked either, and does no harm beside a true list."""
    office.publish(by="stranger")
    refused("status.signature", office)
    shutil.rmtree(office.folder)
    office.publish(revoked())
    office.put("0000000009-x.sigstore.json", office.sign(snapshot(1, previous=()), by="stranger"))
    assert office.read().snapshot.seq == 1


def test_a_snapshot_of_another_list_is_refused(office: Office) -> None:
    """The list for experiments, of the same revokers, does not stand in for the one for production."""
    office.publish(name="experiments")
    refused("status.other_list", office, name="acme")
    office.read()
    shutil.rmtree(office.folder)
    office.publish(name="acme")
    refused("status.other_list", office)


def test_one_revoker_is_not_two(office: Office) -> None:
    """Two signatures by one key do not meet a threshold of two; another revoker's does."""
    office.publish()
    office.put("0000000001-again.sigstore.json", office.snapshots[0].read_bytes())
    office.cosign(by="first")
    assert "at most by 1" in refused("status.threshold", office, "first", "second", threshold=2).message
    assert office.cosign(by="second").signatures == 2
    assert len(office.read("first", "second", threshold=2).revokers) == 2


def test_thousands_of_snapshots_cannot_be_decided(office: Office) -> None:
    """More than are looked at is an error, not a list that is read in part."""
    office.publish()
    for number in range(70):
        office.put(f"{number:010d}-x.sigstore.json", b"{}")
    refused("status.too_many", office)


def test_what_was_seen_cannot_be_forgotten_by_damage(office: Office) -> None:
    """A memory that cannot be read is an error: deleting it is a decision, breaking it is none."""
    office.publish()
    office.read()
    [path] = office.memory.iterdir()
    for data in (
        b"",
        b"{}",
        b"[]",
        b'{"list":"acme","seq":0,"digest":1}',
        b"\xff",
        b'{"list":1,"seq":1,"digest":"sha256:' + b"a" * 64 + b'"}',
    ):
        path.write_bytes(data)
        refused("status.memory", office)


@pytest.mark.parametrize("kind", ["revocation", "snapshot"])
def test_a_signed_revocation_or_snapshot_satisfies_no_bundle(office: Office, kind: str) -> None:
    """Neither counts as a signature of the model that it is about, even where its signer is the one that is expected."""
    statement = revocation_statement(revoked()) if kind == "revocation" else snapshot(1, previous=())
    key = KeyExpectation(office.keys["first"].public_key.pem)
    report = verify_bundle(office.sign(statement), None, Expectation(key), Trust(None), digest=MODEL)
    assert report.result is not Result.PASS


def test_a_revocation_does_not_stand_for_a_snapshot(office: Office) -> None:
    """What is signed for one thing is not read as another."""
    office.put("0000000001-x.sigstore.json", office.sign(revocation_statement(revoked())))
    refused("status.signature", office)
    other = named_statement([("status-list", "0" * 64)], Predicate.STATUS, {"list": "acme"})
    office.put("0000000001-x.sigstore.json", office.sign(Statement("status", Predicate.STATUS, other)))
    refused("status.malformed", office)


def test_a_publisher_does_not_go_on_with_a_strangers_list(office: Office) -> None:
    """A list that is there and is not by a revoker is never silently begun again."""
    office.publish(by="stranger")
    with pytest.raises(ModelProvenanceError) as caught:
        office.publish(revoked())
    assert caught.value.code == "status.signature"


def test_reinstating_what_was_not_revoked_is_said(office: Office) -> None:
    """A digest with a wrong letter would be reinstated for ever."""
    office.publish(revoked())
    with pytest.raises(ModelProvenanceError) as caught:
        office.publish(replace(revoked(Digest("00" * 32)), action=type(revoked().action).REINSTATE))
    assert caught.value.code == "status.nothing"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (revoked(), revoked(action=Action.SUPERSEDE, replaced_by=Digest("01" * 32))),
        (revoked(action=Action.SUSPEND), revoked(action=Action.SUPERSEDE)),
        (revoked(propagates=True), revoked()),
        (revoked(propagates=True), revoked(action=Action.SUSPEND)),
    ],
)
def test_only_reinstating_lets_through_what_was_revoked(office: Office, first: Entry, then: Entry) -> None:
    """Naming what is newer, or revoking again without descendants, would undo a revocation unseen: nothing is published."""
    office.publish(first)
    with pytest.raises(ModelProvenanceError) as caught:
        office.publish(then)
    assert (caught.value.code, int(caught.value.exit_status)) == ("status.weaker", 2)
    assert office.read().snapshot.entries == (first,)
    office.publish(replace(first, action=Action.REINSTATE))
    office.publish(then)
    assert office.read().snapshot.entries == (then,)


def test_what_is_superseded_can_be_revoked_and_a_revocation_can_say_more(office: Office) -> None:
    """A stronger word takes the place of a weaker one."""
    for entry in (revoked(action=Action.SUPERSEDE), revoked(), revoked(propagates=True, comment="again")):
        office.publish(entry)
        assert office.read().snapshot.entries == (entry,)


def test_a_fifo_among_the_snapshots_is_not_waited_for(office: Office) -> None:
    """Who keeps the list could hold every deployment for ever, with no answer at all."""
    office.publish()
    os.mkfifo(office.folder / "snapshots/0000000009-x.sigstore.json")
    with pytest.raises(ModelProvenanceError) as caught:
        office.read()
    assert caught.value.code.startswith("machine.")


def test_a_slower_process_does_not_set_back_what_was_seen(office: Office) -> None:
    """Two read at once; the one that was given the older snapshot writes last."""
    path = office.memory / "list.json"
    newer, older = Seen("acme", 7, Digest("07" * 32)), Seen("acme", 6, Digest("06" * 32))
    for seen in (newer, older):
        save_seen(path, seen)
    assert load_seen(path) == newer
    assert [each.name for each in office.memory.iterdir()] == ["list.json"]
