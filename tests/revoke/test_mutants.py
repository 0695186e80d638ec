"""No change of a status list lets through what it denies: taken away, reordered, aged, replayed, flipped, signed by others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

import pytest
from tests.policy.release import verified
from tests.revoke.office import DAY, MODEL, NOW, Office, revoked

from model_provenance.domain.result import Result
from model_provenance.domain.status import Status
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy.document import parse
from model_provenance.policy.evaluate import evaluate

POLICY = """
apiVersion: model-provenance/v1
kind: Policy
metadata: {name: p}
spec: {revocation: {revokers: [{key: first.pub}], list: acme, maxStaleness: 7d}}
"""
COUNT = int(os.environ.get("MODEL_PROVENANCE_MUTANTS", "300")) // 3


def decided(office: Office, now: int) -> Result:
    """What a consumer that has seen the list decides."""
    status: Status | ModelProvenanceError
    try:
        status = office.read(name="acme")
    except ModelProvenanceError as error:
        status = error
    policy = parse(POLICY.encode(), "p.yaml", lambda _: office.keys["first"].public_key.pem)
    return evaluate(verified(), policy, now=now, status=status).result


def mutate(office: Office, kept: list[tuple[str, bytes]], random: Random) -> None:
    """One to three changes, with everything that was ever published at hand."""
    folder = office.folder / "snapshots"
    for _ in range(random.randint(1, 3)):
        here = sorted(folder.iterdir()) if folder.exists() else []
        change = random.choice(["remove", "replay", "flip", "truncate", "rename", "swap", "stranger", "all"])
        if change == "replay":
            office.put(f"{random.randrange(99):010d}-{random.randrange(9)}.sigstore.json", random.choice(kept)[1])
        elif change == "stranger":
            office.publish(by="stranger", name="acme") if not here else None
        elif change == "all":
            shutil.rmtree(office.folder, ignore_errors=True)
        elif here:
            path = random.choice(here)
            data = bytearray(path.read_bytes())
            if change == "remove":
                path.unlink()
            elif change == "flip" and data:
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
                path.write_bytes(data)
            elif change == "truncate":
                path.write_bytes(data[: random.randrange(len(data) + 1)])
            elif change == "rename":
                path.rename(folder / f"{random.randrange(10**9):010d}-r.sigstore.json")
            else:
                path.write_bytes(random.choice(here).read_bytes())


@pytest.mark.parametrize("seed", range(COUNT))
def test_no_mutant_of_a_list_lets_a_revoked_model_through(office: Office, tmp_path: Path, seed: int) -> None:
    """Whatever is done to the folder, and however old it becomes: FAIL or ERROR."""
    random = Random(seed)
    kept = []
    for entry in (None, None, revoked(), None):
        office.publish(entry)
        kept += [(path.name, path.read_bytes()) for path in office.snapshots]
    assert decided(office, NOW) is Result.FAIL
    mutate(office, kept, random)
    assert decided(office, NOW + random.choice([0, DAY, 8 * DAY, 400 * DAY])) is not Result.PASS
    assert verified().model_digest == MODEL
