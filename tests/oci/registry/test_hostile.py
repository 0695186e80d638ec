"""Registries that do wrong: each wrong thing is refused, bounded, and has its own name."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.oci.registry.workshop import REPOSITORY, Workshop, access_to, tree

from model_provenance.disk.aside import MARK
from model_provenance.domain.digest import Digest
from model_provenance.domain.result import Result
from model_provenance.errors import ModelProvenanceError
from model_provenance.oci.reference import Reference
from model_provenance.oci.referrers import list_referrers
from model_provenance.oci.registry import Registry
from model_provenance.testing.registry_sim import RegistrySim

Registries = Callable[..., RegistrySim]


def code_of(action: Callable[[], Any]) -> str:
    """The code that an action ends with."""
    with pytest.raises(ModelProvenanceError) as refused:
        action()
    assert refused.value.remedy
    return refused.value.code


#: What a registry does wrong during a push -> the code.
PUSH = {
    "forgets_blobs": (True, "registry.blob_lost"),
    "lying_header": (True, "registry.digest"),
    "lying_content": (True, "registry.digest"),
    "drops_bytes": (10, "registry.blob_lost"),
    "blob_limit": (10, "registry.refused"),
    "storm": (10_000, "registry.busy"),
    "redirect_loop": (True, "registry.redirect"),
    "huge_json": (5_000_000, "registry.too_large"),
    "realm": ("http://192.0.2.1/token", "registry.realm"),
    "patch_status": (403, "registry.denied"),
}


@pytest.mark.parametrize("quirk", sorted(PUSH))
def test_a_push_to_a_bad_registry_ends_with_the_name_of_what_is_bad(
    workshop: Workshop, registry: Registries, quirk: str
) -> None:
    """No wrong behaviour is a success, none is an internal error, each has its own code."""
    value, code = PUSH[quirk]
    changes: dict[str, Any] = {quirk: value, **({"auth": "token"} if quirk == "realm" else {})}
    if quirk in ("lying_header", "huge_json"):
        sim = registry()
        workshop.release(sim)
        sim.become(**changes)
    else:
        sim = registry(**changes)
    assert code_of(lambda: workshop.release(sim, tries=3)) == code


def test_a_foreign_realm_gets_nothing(workshop: Workshop, registry: Registries) -> None:
    """A registry that names somebody else's token service does not make us send the login there."""
    thief = registry()
    sim = registry(auth="token", realm=f"http://localhost:{thief.host.rpartition(':')[2]}/token")
    sim.become(auth="token", realm="https://auth.example.net/token")
    assert code_of(lambda: workshop.release(sim)) == "registry.realm"
    assert thief.requests == []


def test_credentials_go_to_the_registry_alone(workshop: Workshop, registry: Registries) -> None:
    """Uploads and blobs on another host are reached without the registry's credentials."""
    sim = registry("cross-host-location", auth="basic")
    workshop.add_big_file()
    workshop.release(sim)
    workshop.pull(sim)
    assert {port for port, _ in sim.credentials_seen} == {int(sim.host.rpartition(":")[2])}
    assert any(request.startswith("PATCH") for request in sim.requests)


@pytest.mark.parametrize(("auth", "wrong"), [("basic", "registry.denied"), ("token", "registry.denied")])
def test_a_wrong_login_is_said_before_anything_is_sent(
    workshop: Workshop, registry: Registries, auth: str, wrong: str
) -> None:
    """The first request tells, not the first gigabyte."""
    sim = registry(auth=auth)
    access = access_to(sim)
    sim.PASSWORD = "changed"
    assert code_of(lambda: workshop.release(sim, access=access)) == wrong
    assert sim.count("PATCH") == 0


def test_tokens_are_renewed_in_the_middle_of_a_push(
    workshop: Workshop, registry: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token of seconds does not end a push of minutes: a clock that runs away changes nothing."""
    import time

    sim = registry("token-60s")
    true, lead = time.monotonic, [0.0]
    monkeypatch.setattr("model_provenance.oci.auth.time.monotonic", lambda: true() + lead[0])

    def hurry(method: str, path: str) -> None:
        lead[0] += 4

    sim.before = hurry
    workshop.release(sim)
    assert sim.token_requests > 3


def test_a_tag_is_not_moved(workshop: Workshop, registry: Registries) -> None:
    """A tag that names another package is refused before signing; --allow-tag-move overwrites it."""
    sim = registry()
    first = workshop.release(sim)
    (workshop.model / "README.md").write_text("changed")
    assert code_of(lambda: workshop.release(sim)) == "registry.tag_moved"
    assert sim.store.tagged(REPOSITORY, "1.0.0") == str(first.package.package_digest)
    second = workshop.release(sim, allow_tag_move=True)
    assert sim.store.tagged(REPOSITORY, "1.0.0") == str(second.package.package_digest)


def test_a_protected_tag_is_said_to_be_one(workshop: Workshop, registry: Registries) -> None:
    """Registries with immutable tags refuse in their own words; the code is the same for all."""
    for status in (400, 403, 409):
        sim = registry("ecr-immutable", immutable_status=status)
        sim.repositories.add(REPOSITORY)
        (workshop.model / "README.md").write_text("one")
        workshop.release(sim)
        workshop.release(sim)
        (workshop.model / "README.md").write_text("two")
        assert code_of(partial(workshop.release, sim, allow_tag_move=True)) == "registry.tag_immutable"


def test_a_tag_that_is_not_set_is_noticed(workshop: Workshop, registry: Registries) -> None:
    """A registry that says 201 and leaves the tag where it was does not pass for one that did it."""
    sim = registry(ignores_tags=True)
    workshop.release(sim)
    (workshop.model / "README.md").write_text("two")
    assert code_of(lambda: workshop.release(sim, allow_tag_move=True)) == "registry.read_back"


def test_a_tag_of_another_version_is_refused(workshop: Workshop, registry: Registries) -> None:
    """`:2.0.0` cannot name version 1.0.0: whoever verifies by the tag would be told so."""
    sim = registry()
    assert code_of(lambda: workshop.release(sim, tag="2.0.0")) == "registry.tag_version"
    assert sim.requests == []


def test_a_repository_that_must_be_created_first_is_said_so(workshop: Workshop, registry: Registries) -> None:
    """ECR and Artifact Registry do not create repositories."""
    sim = registry(repositories_exist=False)
    assert code_of(lambda: workshop.release(sim)) == "registry.repository"


def test_a_tag_that_was_moved_to_another_version_does_not_verify(workshop: Workshop, registry: Registries) -> None:
    """Who may push may move a tag: the signed version decides, and a version-like tag must be it."""
    sim = registry()
    receipt = workshop.release(sim)
    sim.store.tags[REPOSITORY]["2.0.0"] = [str(receipt.package.package_digest)]
    report = workshop.verify(sim, ":2.0.0")
    assert report.result is Result.FAIL
    assert "expect.version" in {finding.id for finding in report.findings}


def test_a_pull_with_changed_bytes_writes_nothing(workshop: Workshop, registry: Registries) -> None:
    """One byte changed in storage: refused, exit status 11, and no folder of that name."""
    sim = registry()
    workshop.add_big_file()
    receipt = workshop.release(sim)
    for layer in receipt.package.layers:
        data = bytearray(sim.store.blobs[REPOSITORY][str(layer.digest)])
        data[700] ^= 1
        sim.store.blobs[REPOSITORY][str(layer.digest)] = bytes(data)
    pulled = workshop.pull(sim)
    assert pulled.report.exit_status == 11
    assert pulled.path is None
    assert not (workshop.folder / "pulled").exists()
    assert workshop.verify(sim).exit_status == 11


def test_a_pull_that_is_always_cut_says_so(workshop: Workshop, registry: Registries) -> None:
    """A proxy that ends every transfer after the same bytes without progress is not waited for without end."""
    sim = registry()
    workshop.release(sim)
    sim.become(truncate_at=0)
    assert code_of(lambda: workshop.pull(sim, access=access_to(sim, tries=2))) in (
        "registry.truncated",
        "registry.unreachable",
    )


def test_a_pull_goes_on_where_it_was_cut(workshop: Workshop, registry: Registries) -> None:
    """Every connection ends after two megabytes: each next one asks for the rest, and nothing comes twice."""
    sim = registry(truncate_at=2_000_000)
    workshop.add_big_file()
    workshop.release(sim)
    pulled = workshop.pull(sim)
    assert pulled.path is not None
    assert tree(pulled.path) == tree(workshop.model)
    assert sim.count("GET", "blobs") > 9


def test_a_pull_that_was_killed_goes_on_with_what_is_there(workshop: Workshop, registry: Registries) -> None:
    """The next run hashes what lies in the folder and fetches the rest by Range."""
    sim = registry()
    workshop.add_big_file()
    workshop.release(sim)
    sim.become(truncate_at=10_000_000)

    def killed(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workshop.pull(sim, access=access_to(sim, sleep=killed))
    (staging,) = workshop.folder.glob(".pulled.pull-*")
    kept = (staging / "model" / "big.safetensors").stat().st_size
    assert kept > 9_000_000
    sim.become()
    sim.requests.clear()
    pulled = workshop.pull(sim)
    assert pulled.path is not None
    assert tree(pulled.path) == tree(workshop.model)
    assert not staging.exists()
    assert pulled.path.stat().st_mode == workshop.model.stat().st_mode, "others may read it as the umask says"


def test_two_pulls_do_not_fill_one_folder(workshop: Workshop, registry: Registries) -> None:
    """The second is told so, and what the first has fetched, and is verifying, is not changed by it."""
    sim = registry()
    receipt = workshop.release(sim)
    staging = workshop.partly_pulled(receipt.package.package_digest.hex)
    first = os.open(staging.parent, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    assert code_of(lambda: workshop.pull(sim)) == "pull.output"
    assert not list(staging.iterdir())
    os.close(first)
    assert workshop.pull(sim).path is not None


def test_parts_of_what_a_tag_named_before_go_when_a_pull_is_done(workshop: Workshop, registry: Registries) -> None:
    """Nobody goes on with them; those that a pull still fills stay."""
    sim = registry()
    workshop.release(sim)
    old, busy = (workshop.partly_pulled(f"{'0' * 15}{digit}") for digit in "12")
    other = workshop.partly_pulled("0" * 16, output="pulled2")
    for folder in (old, busy, other):
        (folder / "model.safetensors").write_bytes(b"part")
    filling = os.open(busy.parent, os.O_RDONLY)
    fcntl.flock(filling, fcntl.LOCK_EX)
    assert workshop.pull(sim).path is not None
    os.close(filling)
    assert [folder.parent.exists() for folder in (old, busy, other)] == [False, True, True]


def test_a_folder_that_no_pull_made_is_neither_filled_nor_removed(workshop: Workshop, registry: Registries) -> None:
    """Who may write beside the output gives another's folder the name that a pull would go on with, or clear away."""
    sim = registry()
    receipt = workshop.release(sim)
    digests = "0" * 16, receipt.package.package_digest.hex
    folders = [workshop.partly_pulled(digest).parent for digest in digests]
    for folder in folders:
        (folder / "model").rename(folder / "private")
        (folder / MARK).rename(folder / "config.json")
    assert code_of(lambda: workshop.pull(sim)) == "pull.output"
    folders[1].rename(workshop.folder / "elsewhere")
    assert workshop.pull(sim).path is not None
    for folder in (folders[0], workshop.folder / "elsewhere"):
        assert {path.name: path.stat().st_size for path in folder.glob("*.json")} == {"config.json": 0}
        assert (folder / "private").is_dir()


def test_what_lies_wrongly_in_the_folder_is_fetched_again(workshop: Workshop, registry: Registries) -> None:
    """A partial file that is not a part of the model does no harm."""
    sim = registry()
    workshop.add_big_file()
    receipt = workshop.release(sim)
    staging = workshop.partly_pulled(receipt.package.package_digest.hex)
    (staging / "big.safetensors").write_bytes(b"x" * 5_000_000)
    pulled = workshop.pull(sim)
    assert pulled.path is not None
    assert tree(pulled.path) == tree(workshop.model)


@pytest.mark.parametrize("kind", ["link", "stranger"])
def test_links_and_strangers_in_the_folder_are_refused(workshop: Workshop, registry: Registries, kind: str) -> None:
    """Somebody who can write beside the output cannot make a pull write elsewhere, nor add a file to it."""
    sim = registry()
    receipt = workshop.release(sim)
    staging = workshop.partly_pulled(receipt.package.package_digest.hex)
    victim = workshop.folder / "victim"
    victim.write_text("mine")
    if kind == "link":
        (staging / "config.json").symlink_to(victim)
        pulled = workshop.pull(sim)
        assert pulled.path is None
        assert pulled.report.result is not Result.PASS
    else:
        (staging / "evil.py").write_text("1")
        assert code_of(lambda: workshop.pull(sim)) == "pull.output"
    assert victim.read_text() == "mine"
    assert not (workshop.folder / "pulled").exists()


def test_an_output_that_exists_is_not_touched(workshop: Workshop, registry: Registries) -> None:
    """Nothing is fetched for a folder that holds something."""
    sim = registry()
    workshop.release(sim)
    sim.requests.clear()
    (workshop.folder / "pulled").mkdir()
    (workshop.folder / "pulled/a").write_text("mine")
    assert code_of(lambda: workshop.pull(sim)) == "pull.output"
    assert sim.requests == []


def test_no_space_is_said_before_the_first_byte(
    workshop: Workshop, registry: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of a model is known beforehand."""
    sim = registry()
    workshop.release(sim)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())
    assert code_of(lambda: workshop.pull(sim)) == "pull.space"


def test_a_model_without_evidence_is_not_pulled(workshop: Workshop, registry: Registries) -> None:
    """Unsigned is not a pass: nothing is fetched."""
    sim = registry()
    workshop.release(sim)
    manifests = sim.store.manifests[REPOSITORY]
    for digest in [d for d, (_, data) in manifests.items() if json.loads(data).get("subject")]:
        del manifests[digest]
    assert code_of(lambda: workshop.pull(sim)) == "evidence.missing"


@pytest.mark.parametrize("profile", ["spec-1.1", "distribution-2.8"])
def test_a_deleted_statement_is_missed(workshop: Workshop, registry: Registries, profile: str) -> None:
    """A cleaner that deletes one untagged referrer everywhere leaves a release that is refused as incomplete (12)."""
    sim = registry(profile)
    receipt = workshop.release(sim)
    bundle = next(b for b in receipt.bundles if b.name == "manifest")
    wanted = str(Digest.of(bundle.data))
    manifests = sim.store.manifests[REPOSITORY]
    for digest in [d for d, (_, data) in manifests.items() if wanted in data.decode()]:
        del manifests[digest]
    report = workshop.verify(sim)
    assert report.exit_status == 12


def test_thousands_of_referrers_cannot_be_decided(workshop: Workshop, registry: Registries) -> None:
    """More than the bound is 15, not a choice among them."""
    sim = registry()
    workshop.release(sim)
    sim.become(extra_referrers=5000)
    assert code_of(lambda: workshop.verify(sim)) == "registry.evidence_many"


@pytest.mark.parametrize("answer", ["404", "empty", "html"])
def test_reading_unites_the_api_and_the_fallback_tag(workshop: Workshop, registry: Registries, answer: str) -> None:
    """Whatever a registry without the API says in its place, the evidence is found by the tag."""
    sim = registry("distribution-2.8", referrers_answer=answer)
    receipt = workshop.release(sim)
    reference = Reference.parse(f"{sim.host}/{REPOSITORY}")
    with Registry(reference, access_to(sim)) as opened:
        assert len(list_referrers(opened, receipt.package.package_digest)) == len(receipt.bundles)


def test_entries_of_others_survive(workshop: Workshop, registry: Registries) -> None:
    """A fallback index that another tool wrote keeps its entries, with fields that we do not know."""
    sim = registry("distribution-2.8")
    receipt = workshop.release(sim)
    tag = f"sha256-{receipt.package.package_digest.hex}"
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": "sha256:" + "a" * 64,
        "size": 3,
        "x": {"y": 1},
    }
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry],
    }
    sim.store.put_manifest(REPOSITORY, value["mediaType"], json.dumps(value).encode(), tag)
    workshop.release(sim)
    digest = sim.store.tagged(REPOSITORY, tag)
    assert digest is not None
    found = sim.store.manifest(REPOSITORY, digest)
    assert found is not None
    listed = json.loads(found[1])["manifests"]
    assert entry in listed
    assert len(listed) == 1 + len(receipt.bundles)
    assert all(each.get("annotations", {}).get("dev.sigstore.bundle.predicateType") for each in listed if each != entry)
