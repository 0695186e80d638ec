"""What is made from the code is up to date, and what CI runs holds no code of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from model_provenance.cli.catalogue import OPTIONS, options_of
from model_provenance.cli.main import COMMANDS, group

ROOT = Path(__file__).parents[2]
ACTIONS = sorted([ROOT / "action.yml", *ROOT.glob("*/action.yml")])
TEMPLATES = sorted([*ROOT.glob("templates/*/template.yml"), *ROOT.glob("gitlab/*.yml")])


def named(paths: list[Path]) -> Any:
    """Parameters with readable names."""
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


def test_generated_files_are_as_the_code_makes_them() -> None:
    """`make generate` would change nothing."""
    command = [sys.executable, ROOT / "tools/generate.py", "--check"]

    assert subprocess.run(command, capture_output=True, text=True).stdout == ""


@named(ACTIONS)
def test_inputs_of_an_action_never_become_a_part_of_a_script(path: Path) -> None:
    """`${{ … }}` in `run:` would execute what somebody wrote into a branch name; inputs travel as variables."""
    action = yaml.safe_load(path.read_text())

    assert action["runs"]["using"] == "composite"
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert "uses" not in step
        inputs = set(re.findall(r"\$\{\{ inputs\.([a-z-]+) \}\}", "\n".join(step.get("env", {}).values())))
        assert inputs == set(action["inputs"])
        assert all(re.fullmatch(r"MODEL_PROVENANCE_[A-Z0-9_]+", name) for name in step.get("env", {}))


@named(TEMPLATES)
def test_inputs_of_a_component_never_become_a_part_of_a_script(path: Path) -> None:
    """`$[[ … ]]` is put in as text: in `script:` it stands in quoted here-documents alone, in lines that cannot end them."""
    head, jobs = yaml.safe_load_all(path.read_text())
    inputs = head["spec"]["inputs"]
    used: set[str] = set(re.findall(r"\$\[\[ inputs\.([a-z-]+)", path.read_text()))

    assert used == set(inputs)
    for job in jobs.values():
        script = "\n".join(job["script"]) + "\n"
        commands, ends = re.subn(
            r"<<'END OF INPUTS'\n(?:[a-z-]+=\$\[\[ inputs\.[a-z-]+ \]\]\n)+END OF INPUTS\n", "\n", script
        )
        assert ends == 2
        assert "$[[" not in commands
        assert not {"before_script", "after_script"} & job.keys()
        assert set(job["variables"]) == {"MODEL_PROVENANCE_TOOL_REPOSITORY"}


@named(TEMPLATES)
def test_no_string_input_holds_a_line_break(path: Path) -> None:
    """Not one of those of a shell, of YAML 1.1 or of Unicode; and nothing else that a terminal or a parser acts on."""
    head, _ = yaml.safe_load_all(path.read_text())
    for name, spec in head["spec"]["inputs"].items():
        if "options" in spec or spec.get("type") == "boolean":
            continue
        for breaks in ("\n", "\r", "\v", "\f", "\0", "\x1b", "\x85", "\u2028", "\u2029", '"', "\\"):
            assert not re.search(spec["regex"], f"x{breaks}y"), (name, breaks)
        assert re.search(spec["regex"], "acme/minilm"), name


def test_components_are_one_text() -> None:
    """The include for self-managed instances is the component of the catalogue."""
    assert (ROOT / "gitlab/model-provenance.gitlab-ci.yml").read_text() == (
        ROOT / "templates/release/template.yml"
    ).read_text()


def commands() -> dict[str, click.Command]:
    """Every command by its words (`manifest check`); `sbom write` may be typed and is declared as `sbom`."""
    found: dict[str, click.Command] = {}

    def collect(words: tuple[str, ...], command: click.Command) -> None:
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                collect((*words, name), below)
        else:
            found[" ".join(words).removesuffix(" write")] = command

    collect((), group)
    return found


def test_every_option_of_a_command_is_in_the_catalogue_and_used() -> None:
    """The reference page and the inputs of CI are made from the catalogue, so an option beside it would be missing there."""
    every = commands()
    for words, command in every.items():
        taken = {parameter.opts[-1] for parameter in command.params if isinstance(parameter, click.Option)}
        assert taken - {"--verbose"} == {f"--{option.name}" for option in options_of(words)}, words
    assert {name for option in OPTIONS for name in option.commands} <= every.keys()
    assert [option.name for option in OPTIONS if not option.commands and not option.ci] == []


def test_no_option_is_declared_twice_for_a_command() -> None:
    """The later one would win in silence."""
    for words in commands():
        names = [option.name for option in options_of(words)]
        assert len(names) == len(set(names)), words


def test_the_commands_that_are_listed_exist_and_say_the_same() -> None:
    """`--help` lists them without importing them."""
    assert {words.split()[0] for words in commands()} == set(COMMANDS)
    for line in COMMANDS.values():
        assert line.endswith(".")
