"""Which parts a model must have: said when it is released, and configurable where it is verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from .command import Cli

NAMED = ("--name", "minilm", "--version", "1.0.0")


@pytest.fixture
def bare(desk: Path, cli: Cli) -> str:
    """The output of releasing weights alone."""
    for name in ("config.json", "README.md"):
        (desk / "model" / name).unlink()
    outcome = cli("release", "model", *NAMED, "--key", "release.key", "--sbom-engine", "native")
    assert outcome.status == 0
    return outcome.out


def test_a_release_says_what_its_verification_will_miss(bare: str, cli: Cli) -> None:
    """The finding names the parts; the printed command asks for what is there, and passes as it is."""
    assert "warning sbom.incomplete the model has no config and no license, and `verify` asks for it" in bare
    printed = bare.rpartition("Next: model-provenance ")[2].split()
    assert printed[-2:] == ["--version", "1.0.0"]
    assert "--require weights" in " ".join(printed)
    outcome = cli(*printed)
    assert outcome.status == 0
    assert outcome.out.startswith("PASS ")


def test_parts_are_required_unless_somebody_says_otherwise(bare: str, cli: Cli) -> None:
    """Without the option all default parts are required; with it exactly those that it names."""
    verify = ("verify", "model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", *NAMED)
    assert bare
    cli(*verify).failed(12, "sbom.incomplete", "no config", "no license")
    cli(*verify, "--require", "weights,card").failed(12, "sbom.incomplete", "no card")
    assert cli(*verify, "--require", "weights, tokenizer").status == 0


def test_a_complete_model_is_released_without_a_word_about_parts(cli: Cli) -> None:
    """No finding, and no option in the command that verifies it."""
    outcome = cli("release", "model", *NAMED, "--key", "release.key", "--sbom-engine", "native")
    assert outcome.status == 0
    assert "sbom.incomplete" not in outcome.out
    assert "--require" not in outcome.out


@pytest.mark.parametrize("wrong", ["wings", "", "weights,", "WEIGHTS"])
def test_a_part_that_nobody_knows_is_refused(bare: str, cli: Cli, wrong: str) -> None:
    """A misspelt part would be asked of nobody."""
    assert bare
    verify = ("verify", "model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", *NAMED)
    cli(*verify, "--require", wrong).refused(
        2, "usage.invalid", "--require", "weights, config, tokenizer, card, license"
    )


def test_one_bundle_has_no_parts(bare: str, cli: Cli) -> None:
    """The option would be ignored, so it is refused."""
    assert bare
    bundle = "dist/minilm-1.0.0/evidence/oms.sigstore.json"
    cli("verify", "model", "--bundle", bundle, "--key", "release.pub", "--require", "weights").refused(
        2, "usage.invalid", "--require says nothing about one bundle"
    )
