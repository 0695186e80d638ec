"""Nothing that is removed, reordered, aged or replayed around a policy turns its no into a yes; each mutant has a number.

The release below passes because of three things beside its own evidence: evidence of its base model, a summary by a verifier,
and a waiver. Each mutant lacks one of them, or a part of one, and gets any of what else was ever signed instead.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from model_provenance.cli.main import run

MUTANTS = int(os.environ.get("MODEL_PROVENANCE_MUTANTS", "120"))
REFUSALS = {2, 10, 11, 12, 13, 15}
HEAD = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: p}\n"
ID = "https://acme.example/gate"
DAY = 86_400
NOW = 1_795_392_000


@dataclass(frozen=True)
class World:
    """Everything that was ever signed. `needed` lets the release pass; `others` are of other models, days and people."""

    folder: Path
    needed: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]

    def verify(self, pieces: list[tuple[str, str]]) -> int:
        """The release under the policy, with these pieces in this order."""
        own = ["verify", str(self.folder / "child"), "--evidence", str(self.folder / "dist/child"), "--name", "child"]
        given = [word for piece in pieces for word in piece]
        return run([*own, "--version", "1.0.0", "--policy", str(self.folder / "p.yaml"), *given])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four releases, three people, and what they said about them on several days."""
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIGN_PASSWORD", "")
        patch.setattr("time.time", lambda: NOW)
        yield _made(folder, patch)


def _made(folder: Path, patch: pytest.MonkeyPatch) -> World:
    for name in ("release", "gate", "officer", "stranger"):
        assert run(["keygen", "--output", str(folder / name)]) == 0
    parent = _release(folder, "parent", "")
    child = _release(folder, "child", f"fine_tuned_from: {{model: parent, digest: '{parent}'}}\n")
    older = _release(folder, "older", f"fine_tuned_from: {{model: parent, digest: '{parent}'}}\n", named="child")
    _release(folder, "uncle", "")
    _policies(folder)
    patch.setattr("time.time", lambda: NOW - 40 * DAY)
    old = _vsa(folder, "child", "old.vsa", "weak.yaml")
    patch.setattr("time.time", lambda: NOW)
    good = _vsa(folder, "child", "good.vsa", "weak.yaml")
    others = [
        old,
        _vsa(folder, "older", "older.vsa", "weak.yaml", version="0.9.0"),
        _vsa(folder, "parent", "parent.vsa", "weak.yaml"),
        _vsa(folder, "child", "failed.vsa", "strict.yaml"),
        _vsa(folder, "child", "renamed.vsa", "weak.yaml", verifier="https://acme.example/other"),
        _vsa(folder, "child", "stranger.vsa", "weak.yaml", key="stranger.key"),
        _waiver(folder, older, "older.waiver"),
        _waiver(folder, child, "expired.waiver", expires="2026-01-01"),
        _waiver(folder, child, "own.waiver", key="release.key"),
        _waiver(folder, child, "stranger.waiver", key="stranger.key"),
        _waiver(folder, child, "other.waiver", gate="age"),
        ("--base-evidence", str(folder / "dist/uncle")),
        ("--base-evidence", str(folder / "dist/child")),
        ("--base-evidence", str(folder / "dist/older")),
    ]
    needed = (good, _waiver(folder, child, "good.waiver"), ("--base-evidence", str(folder / "dist/parent")))
    return World(folder, needed, tuple(others))


def _release(folder: Path, name: str, more: str, *, named: str | None = None) -> str:
    model = folder / name
    model.mkdir()
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(range(16)))
    (model / "config.json").write_text(json.dumps({"model_type": "bert", "name": name}))
    version = "0.9.0" if named is not None else "1.0.0"
    manifest = folder / f"{name}.yaml"
    manifest.write_text(f"model_name: {named or name}\nversion: {version}\nlicense: MIT\ndatasets: []\n{more}")
    words = ["--name", named or name, "--version", version, "--manifest", str(manifest), "--sbom-engine", "native"]
    output = folder / "dist" / name
    assert run(["release", str(model), *words, "--key", str(folder / "release.key"), "--output", str(output)]) == 0
    return str(json.loads((output / "receipt.json").read_text())["model_digest"])


def _policies(folder: Path) -> None:
    signers = "signers: [{key: release.pub}]"
    people = "waivers: {approvers: [{key: officer.pub}, {key: release.pub}]}"
    vsa = f"vsa: {{verifiers: [{{id: '{ID}', key: gate.pub}}], maxAge: 30d}}"
    text = f"{HEAD}spec: {{{signers}, slsa: {{build: 2}}, lineage: {{baseModel: verified}}, {vsa}, {people}}}\n"
    (folder / "p.yaml").write_text(text)
    (folder / "weak.yaml").write_text(f"{HEAD}spec: {{{signers}}}\n")
    (folder / "strict.yaml").write_text(f"{HEAD}spec: {{{signers}, slsa: {{build: 3}}}}\n")


def _vsa(
    folder: Path,
    model: str,
    name: str,
    policy: str,
    *,
    version: str = "1.0.0",
    key: str = "gate.key",
    verifier: str = ID,
) -> tuple[str, str]:
    path = folder / name
    words = [
        "verify",
        str(folder / model),
        "--evidence",
        str(folder / "dist" / model),
        "--policy",
        str(folder / policy),
    ]
    run([*words, "--vsa", str(path), "--vsa-key", str(folder / key), "--verifier-id", verifier, "--version", version])
    assert path.is_file()
    return "--accept-vsa", str(path)


def _waiver(
    folder: Path, digest: str, name: str, *, gate: str = "slsa", key: str = "officer.key", expires: str = "2027-06-30"
) -> tuple[str, str]:
    words = ["--reason", "r", "--approver", "a", "--ticket", "t", "--expires", expires, "--key", str(folder / key)]
    assert run(["policy", "waive", digest, "--gate", gate, *words, "--output", str(folder / name)]) == 0
    return "--waiver", str(folder / name)


def test_the_original_passes_in_any_order(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """With the three things that it needs, so that a refusal of a mutant means something."""
    for pieces in (world.needed, world.needed[::-1], (*world.needed, *world.needed)):
        assert world.verify(list(pieces)) == 0, capsys.readouterr()


def test_each_other_piece_alone_replaces_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever one of the three is left out, each of the others in its place."""
    for left_out in world.needed:
        rest = [piece for piece in world.needed if piece != left_out]
        for other in (*world.others, ()):
            assert world.verify([*rest, *([other] if other else [])]) in REFUSALS, (
                left_out,
                other,
                capsys.readouterr(),
            )


@pytest.mark.parametrize("part", range(4))
def test_no_mutant_of_what_is_given_to_a_policy_passes(
    part: int, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of the three left out or damaged; the rest, and anything else, in any order, any number of times, on a later day."""
    for number in range(part, MUTANTS, 4):
        random = Random(number)
        lost = random.choice(world.needed)
        pieces = [piece for piece in world.needed if piece != lost]
        damaged = _damaged(lost, tmp_path / str(number), random)
        pieces += random.sample(world.others, random.randrange(4)) + ([damaged] if random.random() < 0.5 else [])
        pieces = [piece for piece in pieces if random.random() < 0.9] * random.choice((1, 1, 2))
        random.shuffle(pieces)
        later = NOW + random.choice((0, 0, 1, 20, 45, 400)) * DAY
        monkeypatch.setattr("time.time", lambda later=later: later)
        status = world.verify(pieces)
        output = capsys.readouterr()
        assert status in REFUSALS, f"mutant {number} without {lost}: {pieces}\n{output.out}{output.err}"
        shutil.rmtree(tmp_path / str(number), ignore_errors=True)


def _damaged(piece: tuple[str, str], place: Path, random: Random) -> tuple[str, str]:
    """A copy in which one bit of a signed file has changed, or from which a bundle is gone."""
    option, source = piece[0], Path(piece[1])
    place.mkdir()
    copy = place / source.name
    if source.is_file():
        data = bytearray(source.read_bytes())
        start = data.index(b'"payload"')
        data[random.randrange(start + 12, len(data) - 8)] ^= 1
        copy.write_bytes(data)
        return option, str(copy)
    shutil.copytree(source, copy)
    bundle = random.choice(sorted((copy / "evidence").iterdir()))
    if random.random() < 0.5:
        bundle.unlink()
    else:
        data = bytearray(bundle.read_bytes())
        data[random.randrange(data.index(b'"payload"') + 12, len(data) - 8)] ^= 1
        bundle.write_bytes(data)
    return option, str(copy)


@pytest.mark.parametrize("days", [0, 1, 29, 31, 400, 4000])
def test_no_day_makes_a_pass_of_what_is_refused_today(days: int, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is missing is missing on every later day, and what passes today passes until the summary is too old."""
    monkeypatch.setattr("time.time", lambda: NOW + days * DAY)
    assert (world.verify(list(world.needed)) == 0) == (days <= 29)
    for left_out in world.needed:
        assert world.verify([piece for piece in world.needed if piece != left_out]) in REFUSALS
