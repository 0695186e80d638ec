"""What pages tell people to type works: marked blocks are executed, every other command line is parsed by the real CLI."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.policy.engine import HAS_CEL

from model_provenance.cli.main import COMMANDS, group

from .markdown import ROOT, Fence, Page, pages

#: Programs of others, whose options are theirs.
_FOREIGN = {"git", "pip", "cosign", "oras", "docker", "python"}
#: Arguments of hooks, which are no commands.
_OF_HOOKS = {"--fix", "--model", "--min-kb"}
_PAGES = pages()
_RUNNABLE = [page for page in _PAGES if any("run" in fence.info for fence in page.fences("sh"))]


@pytest.mark.parametrize("page", _RUNNABLE, ids=lambda page: page.name)
def test_blocks_that_are_marked_to_run_do_what_the_page_says(page: Page, tmp_path: Path) -> None:
    """`sh run` blocks of a page end with 0, or with the status that stands beside it, in order, beside a small model."""
    small_model(tmp_path / "model")
    for fence in page.fences("sh"):
        if "run" not in fence.info or (not HAS_CEL and "  rules:" in fence.text):
            continue
        status, output = _run(fence, tmp_path)
        assert status == _status(fence), f"{page.name}:\n{fence.text}\n{output}"


def test_the_readme_and_the_pages_about_work_are_executed() -> None:
    """README, verify, formats and CI have blocks that run."""
    assert {"README.md", "docs/verify.md", "docs/formats.md", "docs/ci.md"} <= {page.name for page in _RUNNABLE}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_command_line_parses(page: Page) -> None:
    """Each `model-provenance …` line of a block has a command, its arguments and only options that exist."""
    for fence in page.fences("sh"):
        for line in _command_lines(fence.text):
            _parse(shlex.split(line)[1:])


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_commands_and_options_in_prose_exist(page: Page) -> None:
    """`model-provenance X` names a command; `--option` is an option of one of them."""
    known = (
        {name for path in _paths() for option in _command(path).params for name in option.opts} | {"--help"} | _OF_HOOKS
    )
    for span in page.spans():
        words = span.split()
        if words[0] in _FOREIGN:
            continue
        if words[0] == "model-provenance" and len(words) > 1:
            assert words[1] in COMMANDS or words[1].isupper(), span
        for word in words:
            option = word.partition("=")[0].rstrip(",")
            if re.match(r"--[a-z]", option):
                planned = option == "--sign-later" or "[" in option
                assert planned or option in known, f"{page.name}: {span}"


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Page) -> None:
    """`make X` names a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = re.findall(r"^make ([a-z-]+)", "\n".join(f.text for f in page.fences("sh")), re.MULTILINE)
    told += [span.split()[1] for span in page.spans() if re.match(r"make [a-z-]+", span)]
    assert set(told) <= targets


def small_model(folder: Path) -> None:
    """Eight weights, a configuration, a card and a licence."""
    folder.mkdir()
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (folder / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\ndatasets: [snli]\n---\n# MiniLM\n")
    (folder / "LICENSE").write_bytes((ROOT / "LICENSE").read_bytes())


def _run(fence: Fence, folder: Path) -> tuple[int, str]:
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "COSIGN_PASSWORD": "of the documentation",
    }
    answer = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", fence.text],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return answer.returncode, answer.stdout + answer.stderr


def _status(fence: Fence) -> int:
    return next((int(word.partition("=")[2]) for word in fence.info if word.startswith("status=")), 0)


def _command_lines(text: str) -> list[str]:
    whole = re.sub(r"\\\n\s*", " ", text)
    lines = [line.split(" #")[0] for line in whole.splitlines() if line.startswith("model-provenance ")]
    return [re.split(r" (?:>|\|) ?", line)[0] for line in lines]


def _parse(words: list[str]) -> None:
    command: click.Command = group
    context = command.make_context("model-provenance", words)
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command, context = found, found.make_context(name, rest, parent=context)


def _paths() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = _command((name,))
        found += [(name, sub) for sub in command.commands] if isinstance(command, click.Group) else [(name,)]
    return found


def _command(path: tuple[str, ...]) -> click.Command:
    command: click.Command = group
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command
