"""The commands about registries, as they are typed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.oci.registry.workshop import REPOSITORY, Workshop, access_to, tree

from model_provenance.cli.main import run
from model_provenance.testing.registry_sim import RegistrySim

Registries = Callable[..., RegistrySim]


@pytest.fixture
def pushed(
    workshop: Workshop,
    registry: Registries,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> RegistrySim:
    """A registry with a login and a release in it, made by the command."""
    sim = registry(auth="token")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(access_to(sim).env["DOCKER_AUTH_CONFIG"])
    words = ["release", str(workshop.model), "--name", "minilm", "--version", "1.0.0", "--key", str(workshop.key)]
    words += ["--sbom-engine", "native", "--output", str(tmp_path / "dist"), "--push", f"oci://{sim.host}/{REPOSITORY}"]
    assert run(words) == 0
    return sim


def test_release_verify_discover_copy_pull(
    workshop: Workshop, pushed: RegistrySim, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The life of a release in a registry; every answer names it by digest."""
    receipt = json.loads((tmp_path / "dist/receipt.json").read_bytes())
    (reference,) = receipt["references"]
    assert reference == f"{pushed.host}/{REPOSITORY}@{receipt['package_digest']}"
    assert f"Next: model-provenance verify oci://{reference}" in capsys.readouterr().out
    expected = ["--key", str(workshop.public), "--name", "minilm", "--version", "1.0.0"]
    assert run(["verify", f"oci://{reference}", *expected, "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["result"], answer["scope"], answer["reference"]) == ("PASS", "release", reference)
    assert run(["verify", f"oci://{pushed.host}/{REPOSITORY}:1.0.0", *expected, "--remote", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["scope"] == "remote"
    assert run(["discover", f"{pushed.host}/{REPOSITORY}:1.0.0"]) == 0
    assert "https://slsa.dev/provenance/v1" in capsys.readouterr().out
    assert run(["copy", f"oci://{reference}", f"oci://{pushed.host}/mirror/minilm:1.0.0"]) == 0
    assert "COPIED" in capsys.readouterr().out
    assert run(["pull", f"oci://{pushed.host}/mirror/minilm:1.0.0", *expected, "--output", str(tmp_path / "out")]) == 0
    assert tree(tmp_path / "out") == tree(workshop.model)


def test_a_pull_under_a_policy_writes_only_what_it_allows(
    workshop: Workshop, pushed: RegistrySim, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The signer may stand in the policy; a denied model gets no folder, and neither does one that cannot be decided about."""
    (tmp_path / "release.pub").write_bytes(workshop.public.read_bytes())
    head = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: ours}\n"
    policy = tmp_path / "policy.yaml"
    words = ["pull", f"oci://{pushed.host}/{REPOSITORY}:1.0.0", "--policy", str(policy), "--output"]
    for spec, status in (("licenses: {allow: [MIT]}", 13), ("age: {max: 1d}", 15)):
        policy.write_text(head + "spec: {signers: [{key: release.pub}], " + spec + "}\n")
        assert run([*words, str(tmp_path / "out")]) == status
        assert "Policy ours" in capsys.readouterr().out
        assert not (tmp_path / "out").exists()
    policy.write_text(head + "spec: {signers: [{key: release.pub}], sbom: {formats: [spdx]}}\n")
    assert run([*words, str(tmp_path / "out"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["decision"]["result"] == "PASS"
    assert tree(tmp_path / "out") == tree(workshop.model)


def test_a_password_from_standard_input(
    workshop: Workshop, registry: Registries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--username` with `--password-stdin`, as other tools have it; one without the other is wrong usage."""
    sim = registry(auth="basic")
    words = ["release", str(workshop.model), "--name", "minilm", "--version", "1.0.0", "--key", str(workshop.key)]
    words += ["--sbom-engine", "native", "--output", str(tmp_path / "dist"), "--push", f"{sim.host}/{REPOSITORY}"]
    assert run([*words, "--username", sim.USER]) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO(sim.PASSWORD + "\n"))
    assert run([*words, "--username", sim.USER, "--password-stdin"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong"))
    assert run(["discover", f"{sim.host}/{REPOSITORY}:1.0.0", "--username", sim.USER, "--password-stdin"]) == 21


@pytest.mark.parametrize(
    "words",
    [
        ("--remote",),
        ("--plain-http",),
        ("--username", "u", "--password-stdin"),
    ],
)
def test_options_of_a_registry_are_refused_elsewhere(
    workshop: Workshop, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that would be ignored gives a false feeling."""
    monkeypatch.setattr("sys.stdin", io.StringIO("p"))
    assert run(["verify", str(workshop.model), "--key", str(workshop.public), *words]) == 2
    assert "registry" in capsys.readouterr().err


def test_options_of_files_are_refused_in_a_registry(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is left out of what a registry holds."""
    words = ["verify", "oci://localhost:1/a/b:1", "--key", str(workshop.public), "--ignore-path", "x"]
    assert run(words) == 2
    assert "--ignore-path" in capsys.readouterr().err


def test_an_archive_is_not_pushed(workshop: Workshop, registry: Registries, tmp_path: Path) -> None:
    """`--push` with an archive layout is wrong usage, said before anything is read or sent; a dry run sends nothing."""
    sim = registry()
    words = ["release", str(workshop.model), "--name", "minilm", "--version", "1.0.0", "--sbom-engine", "native"]
    words += ["--output", str(tmp_path / "dist"), "--push", f"{sim.host}/{REPOSITORY}"]
    assert run([*words, "--key", str(workshop.key), "--layout", "tar"]) == 2
    assert run([*words, "--dry-run"]) == 0
    assert sim.requests == []


def test_a_registry_that_is_not_there_is_a_network_failure(workshop: Workshop, tmp_path: Path) -> None:
    """Exit status 20, with the address, after a bounded time."""
    words = ["discover", "oci://registry.invalid/a/b:1"]
    assert run(words) == 20
