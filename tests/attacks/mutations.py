"""Ways to change a signed release, each as a function of the release folder, the model and a source of randomness.

Every mutation changes something that a verifier relies on; the name says what, so that a mutant that passes can be reproduced
from its number alone.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from model_provenance.domain.evidence import Statement
from model_provenance.sign.key import KeySigner


@dataclass(frozen=True)
class Release:
    """Where a release and its model lie, and another release of the same signer to borrow from."""

    model: Path
    folder: Path
    other: Path
    #: The signer's own key, where it is a key.
    signer: KeySigner | None

    @property
    def bundles(self) -> list[Path]:
        """Every bundle of the release."""
        return sorted((self.folder / "evidence").glob("*.sigstore.json"))

    @property
    def files(self) -> list[Path]:
        """Every file of the model."""
        return sorted(path for path in self.model.rglob("*") if path.is_file())


Mutation = Callable[[Release, Random], str]


def flip_a_byte_of_a_file(release: Release, random: Random) -> str:
    """One bit of one file."""
    path = random.choice([p for p in release.files if p.stat().st_size])
    data = bytearray(path.read_bytes())
    position = random.randrange(len(data))
    data[position] ^= 1 << random.randrange(8)
    path.write_bytes(data)
    return f"{path.name} at {position}"


def truncate_a_file(release: Release, random: Random) -> str:
    """The end of one file is gone."""
    path = random.choice([p for p in release.files if p.stat().st_size])
    path.write_bytes(path.read_bytes()[: random.randrange(path.stat().st_size)])
    return path.name


def append_to_a_file(release: Release, random: Random) -> str:
    """One file is longer."""
    path = random.choice(release.files)
    path.write_bytes(path.read_bytes() + random.randbytes(random.randrange(1, 64)))
    return path.name


def remove_a_file(release: Release, random: Random) -> str:
    """One file is gone."""
    path = random.choice(release.files)
    path.unlink()
    return path.name


def add_a_file(release: Release, random: Random) -> str:
    """One file is new; it may be empty or hidden."""
    name = random.choice(["extra.bin", ".hidden", "pytorch_model.bin", "zz/__init__.py", "modeling.py", ".git2"])
    path = release.model / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(random.choice([b"", b"x", b"import os\n"]))
    return name


def rename_a_file(release: Release, random: Random) -> str:
    """One file has another name; the order of the names, hence the OMS root, may stay."""
    path = random.choice(release.files)
    path.rename(path.with_name(path.name + random.choice(["0", "_", ".bak"])))
    return path.name


def swap_two_files(release: Release, random: Random) -> str:
    """Two files have each other's content."""
    one, two = random.sample(release.files, 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    return f"{one.name} {two.name}"


def flip_a_byte_of_a_bundle(release: Release, random: Random) -> str:
    """One bit of one bundle's JSON."""
    path = random.choice(release.bundles)
    data = bytearray(path.read_bytes())
    position = random.randrange(len(data))
    data[position] ^= 1 << random.randrange(7)
    path.write_bytes(data)
    return f"{path.name} at {position}"


def remove_a_bundle(release: Release, random: Random) -> str:
    """One statement is missing."""
    path = random.choice(release.bundles)
    path.unlink()
    return path.name


def take_a_bundle_of_another_release(release: Release, random: Random) -> str:
    """One bundle is another release's, well signed by the same signer."""
    path = random.choice(release.bundles)
    shutil.copy(release.other / "evidence" / path.name, path)
    return path.name


def add_a_bundle_of_another_release(release: Release, random: Random) -> str:
    """Another release's bundle lies beside, well signed by the same signer."""
    path = random.choice(release.bundles)
    shutil.copy(release.other / "evidence" / path.name, path.with_name(f"other-{path.name}"))
    return path.name


def take_all_evidence_of_another_release(release: Release, random: Random) -> str:
    """The whole evidence is another release's: a replay."""
    del random
    shutil.rmtree(release.folder)
    shutil.copytree(release.other, release.folder)
    return "evidence"


def swap_two_bundles_envelopes(release: Release, random: Random) -> str:
    """Two bundles have each other's envelope and keep their certificate and log entries."""
    one, two = random.sample(release.bundles, 2)
    first, second = json.loads(one.read_bytes()), json.loads(two.read_bytes())
    first["dsseEnvelope"]["payload"], second["dsseEnvelope"]["payload"] = (
        second["dsseEnvelope"]["payload"],
        first["dsseEnvelope"]["payload"],
    )
    one.write_text(json.dumps(first))
    two.write_text(json.dumps(second))
    return f"{one.name} {two.name}"


def change_a_field_of_a_statement(release: Release, random: Random) -> str:
    """One field of one payload differs from what was signed."""
    path = random.choice(release.bundles)
    bundle = json.loads(path.read_bytes())
    payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    where = change_a_leaf(payload, random)
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    path.write_text(json.dumps(bundle))
    return f"{path.name} {where}"


def sign_a_changed_statement_with_another_key(release: Release, random: Random) -> str:
    """One payload is changed and signed again by a stranger."""
    return _resign(release, random, KeySigner(ec.generate_private_key(ec.SECP256R1())), change=True)


def sign_a_statement_with_another_key(release: Release, random: Random) -> str:
    """One payload is unchanged and signed again by a stranger."""
    return _resign(release, random, KeySigner(ec.generate_private_key(ec.SECP256R1())), change=False)


def sign_a_changed_statement_with_the_right_key(release: Release, random: Random) -> str:
    """One payload, but for the provenance which names the others, is changed and well signed: the set no longer agrees."""
    if release.signer is None:
        return sign_a_changed_statement_with_another_key(release, random)
    return _resign(release, random, release.signer, change=True, leave=("provenance",))


def change_a_document(release: Release, random: Random) -> str:
    """A readable copy beside the evidence says something else than what was signed."""
    name = random.choice(["model-manifest.json", "sbom.spdx.json", "sbom.cdx.json"])
    value = json.loads((release.folder / name).read_bytes())
    where = change_a_leaf(value, random)
    (release.folder / name).write_text(json.dumps(value))
    return f"{name} {where}"


MUTATIONS: tuple[Mutation, ...] = (
    flip_a_byte_of_a_file,
    truncate_a_file,
    append_to_a_file,
    remove_a_file,
    add_a_file,
    rename_a_file,
    swap_two_files,
    flip_a_byte_of_a_bundle,
    remove_a_bundle,
    take_a_bundle_of_another_release,
    add_a_bundle_of_another_release,
    take_all_evidence_of_another_release,
    swap_two_bundles_envelopes,
    change_a_field_of_a_statement,
    sign_a_changed_statement_with_another_key,
    sign_a_statement_with_another_key,
    sign_a_changed_statement_with_the_right_key,
    change_a_document,
)


def _resign(release: Release, random: Random, signer: KeySigner, *, change: bool, leave: tuple[str, ...] = ()) -> str:
    path = random.choice([p for p in release.bundles if not p.name.startswith(leave)] if leave else release.bundles)
    envelope = json.loads(path.read_bytes())["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    where = "as it was"
    if change:
        value = json.loads(payload)
        where = change_a_leaf(value, random)
        payload = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    [bundle] = signer.sign([Statement("mutant", "", payload)])
    path.write_bytes(bundle.data)
    return f"{path.name} {where}"


def change_a_leaf(value: Any, random: Random) -> str:
    """Change one leaf of a JSON value in place, or drop it; returns its path."""
    leaves: list[tuple[Any, Any, str]] = []

    def collect(node: Any, path: str) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, child in items:
            if isinstance(child, (dict, list)) and child:
                collect(child, f"{path}/{key}")
            else:
                leaves.append((node, key, f"{path}/{key}"))

    collect(value, "")
    holder, key, path = random.choice(leaves)
    old = holder[key]
    choice = random.randrange(3)
    if choice == 0:
        del holder[key]
        return f"{path} dropped"
    if isinstance(old, str):
        holder[key] = old[:-1] + ("0" if old[-1:] != "0" else "1") if choice == 1 else f"{old}x"
    elif isinstance(old, bool):
        holder[key] = not old
    elif isinstance(old, int):
        holder[key] = old + random.choice([-1, 1])
    else:
        holder[key] = "x"
    return f"{path} changed"
