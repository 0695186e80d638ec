"""The pages of docs/ that are made from code, and the generated blocks inside hand-written pages.

A block stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; everything else of such a page is written by
hand and kept as it is.
"""

from __future__ import annotations

import ast
import importlib
import importlib.resources
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import click
import yaml

from model_provenance.cli.main import COMMANDS, group
from model_provenance.errors import CODES, Exit
from model_provenance.readers.reading import Reader
from model_provenance.readers.registry import READERS
from model_provenance.verify.checks import CHECKS, Check
from model_provenance.verify.outcome import PRECEDENCE

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "model_provenance"

STATUSES = {
    Exit.OK: "Checked and passed.",
    Exit.INTERNAL: "A defect of model-provenance.",
    Exit.USAGE: "The command line or the input is not valid.",
    Exit.NOTHING_TO_DO: "There was nothing to do, which is not a success.",
    Exit.SIGNATURE: "A signature or an identity is not valid, or not the expected one.",
    Exit.CONTENT: "The content differs from what was signed.",
    Exit.EVIDENCE_MISSING: "Evidence is missing.",
    Exit.POLICY: "A policy denies the release.",
    Exit.REVOKED: "The release, or something that it comes from, is revoked.",
    Exit.UNDECIDED: "It could not be decided; never a pass.",
    Exit.SERVICE: "A service, the network or the machine failed; run again.",
    Exit.CI_IDENTITY: "A CI permission or an identity is missing or may not sign.",
    Exit.TOOL_MISSING: "A tool that was asked for is missing.",
    Exit.UNSIGNED: "Kept unsigned for later (`--sign-later`).",
}

#: Rooms from the bottom up, as import-linter holds them.
ROOMS = (
    "errors", "domain", "formats", "disk", "context", "pack", "readers", "describe", "sign", "oci", "verify", "policy", "report",
    "cache", "hold", "flows", "cli", "load", "hooks", "testing",
)  # fmt: skip
_CODES_INTRODUCTION = """\
When several checks of `verify` fail, the process ends with the status that says most:
[precedence](verify.md#precedence-of-exit-statuses).

Errors and findings share one table of codes. An error ends the run with the status beside its code; a warning or a note is
shown and the run goes on. `--format json` and `receipt.json` carry the code as `id`."""
_READERS_INTRODUCTION = """\
Every reader is bounded code of ours over the standard library. Nothing is executed, imported or unpickled
([decision 7](adr/0007-no-code-from-models.md)). A file is recognised by its first bytes where its format has any, else
by its name; a file of a known name with other content is a finding. What is found goes into the SBOMs; see it with
`model-provenance inspect MODEL_DIR`.

A file ends in one of four states: `read`, `recognised` (known, not looked into), `not-inspected` (no reader knows it) or
`unreadable` (a finding)."""
_BLOCK = "<!-- generated: {0} -->\n{1}<!-- end of {0} -->"


def filled(name: str, text: str, blocks: Mapping[str, str]) -> str:
    """The page `name` with its generated blocks renewed."""
    for block, content in blocks.items():
        pattern = re.compile(_BLOCK.format(re.escape(block), ".*?"), re.DOTALL)
        before, *after = pattern.split(text)
        if len(after) != 1:
            raise SystemExit(f"{name}: there is not exactly one block `{block}`")
        text = before + _BLOCK.format(block, content + "\n") + after[0]
    return text


# --- exit statuses and codes ------------------------------------------------------------------------------------------


def statuses() -> str:
    """The table of exit statuses."""
    return table(("status", "meaning"), [(str(int(status)), meaning) for status, meaning in STATUSES.items()])


def precedence() -> str:
    """Which status a process ends with when several things are wrong."""
    return "\n".join(f"{n}. {int(status)}: {STATUSES[status]}" for n, status in enumerate(PRECEDENCE, 1))


def errors_page(note: str) -> str:
    """Exit statuses, and every code by its first word."""
    rooms = {room: list(codes) for room, codes in groupby(sorted(CODES.values()), lambda c: c.id.partition(".")[0])}
    lines = [
        "# Exit statuses and codes",
        "",
        f"<!-- {note} -->",
        "",
        statuses(),
        "",
        _CODES_INTRODUCTION,
        "",
        " · ".join(f"[{room}](#{room})" for room in rooms),
    ]
    for room, codes in rooms.items():
        rows = [
            (f'<a id="{code.id.replace(".", "")}"></a>`{code.id}`', str(code.status), f"{code.title}.", code.remedy)
            for code in codes
        ]
        lines += ["", f"## {room}", "", table(("code", "status", "what happened", "what to do"), rows)]
    return "\n".join(lines) + "\n"


# --- commands ---------------------------------------------------------------------------------------------------------


def reference_page(note: str) -> str:
    """Every command with its arguments and options, as click knows them."""
    rows = [
        (f"[`{path}`](#model-provenance-{path.replace(' ', '-')})", _summary(path, command))
        for path, command in _commands()
    ]
    lines = ["# Reference", "", f"<!-- {note} -->", "", table(("command", "what it does"), rows)]
    for path, command in _commands():
        text = _paragraphs(command.help or "")
        examples = [part for part in text if part.startswith("Example")]
        lines += ["", f"## `model-provenance {path}`", "", *_joined(part for part in text if part not in examples)]
        for example in examples:
            lines += ["", "```sh", example.partition(": ")[2], "```"]
        lines += ["", table(("argument or option", "meaning", "default"), list(_parameters(command)))]
    lines += [
        "",
        "Inputs of the actions and of the GitLab component have the names of the options: [docs/ci.md](ci.md).",
    ]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _summary(path: str, command: click.Command) -> str:
    return COMMANDS.get(path) or command.get_short_help_str(limit=200)


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", each) for sub, each in command.commands.items())
        elif command is not None:
            yield name, command


def _parameters(command: click.Command) -> Iterator[tuple[str, str, str]]:
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            yield f"`{parameter.make_metavar(click.Context(command))}`", "", "required"
        elif isinstance(parameter, click.Option):
            yield _option_row(parameter)


def _option_row(option: click.Option) -> tuple[str, str, str]:
    name = ", ".join(f"`{text}`" for text in option.opts)
    value = option.metavar or "TEXT"
    if isinstance(option.type, click.Choice):
        value = "|".join(option.type.choices)
    shown = name if option.is_flag else f"{name} `{value}`"
    default = "required" if option.required else ""
    if isinstance(option.type, click.Choice) and option.default:
        default = f"`{option.default}`"
    return shown, option.help or "", default


def inputs_of(action: str) -> str:
    """The inputs of an action, from its text."""
    rows = [
        (f"`{name}`", each["description"], "required" if each.get("required") else _shown_default(each))
        for name, each in yaml.safe_load(action)["inputs"].items()
    ]
    return table(("input", "meaning", "default"), rows)


def outputs_of(action: str) -> str:
    """The outputs of an action, from its text."""
    outputs = yaml.safe_load(action)["outputs"]
    return table(("output", "meaning"), [(f"`{name}`", each["description"]) for name, each in outputs.items()])


def _shown_default(value: Mapping[str, str]) -> str:
    return f"`{value['default']}`" if value["default"] else ""


# --- checks of verify -------------------------------------------------------------------------------------------------


def checks() -> str:
    """The numbered list, each check in the words of its own file."""
    parts = []
    for check in CHECKS:
        codes = ", ".join(f"[`{code}`](errors.md#{code.replace('.', '')})" for code in _codes_of(check))
        parts += [f"### {check.number}. `{check.id}`: {check.title}", "", f"{_meaning(check)}", ""]
        parts += ["For a whole release only, not for one bundle alone.", ""] if not check.alone else []
        parts += [f"Codes: {codes}", ""] if codes else []
    return "\n".join(parts).rstrip()


def _meaning(check: Check) -> str:
    """The docstring of the check's file, without its number and references to the design."""
    module = importlib.import_module(check.run.__module__)
    text = (module.__doc__ or "").strip().partition(" · ")[2]
    return re.sub(r" \(design, [^)]*\)", "", text)


def _codes_of(check: Check) -> list[str]:
    """Codes that the check's file names, and those of its name in the verifier's other files and in its parser."""
    name = check.run.__module__.rpartition(".")[2]
    own = _codes_in(PACKAGE / "verify" / "checks" / f"{name}.py")
    parsers = [*(PACKAGE / "formats").glob(f"{name}.py"), PACKAGE / "formats" / "holder.py"]
    beside = [*(PACKAGE / "verify").glob("*.py"), *parsers]
    endings = {0, *map(int, PRECEDENCE)}
    named = {code for path in beside for code in _codes_in(path) if CODES[code].status in endings}
    return sorted(own | {code for code in named if code.startswith(f"{check.id}.")})


def _codes_in(path: Path) -> set[str]:
    strings = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    return {code for code in CODES if code in strings}


# --- rooms and formats ------------------------------------------------------------------------------------------------


def rooms() -> str:
    """One line a room: what its own `__init__` says."""
    rows = []
    for room in ROOMS:
        doc = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text())) or ""
        rows.append((f"`{room}/`", doc.partition("\n\n")[0].replace("\n", " ")))
    return table(("room", "its one reason"), rows)


def model_formats_page(note: str) -> str:
    """What is read from each kind of model file."""
    lines = [
        "# What is read from model files",
        "",
        f"<!-- {note} -->",
        "",
        _READERS_INTRODUCTION,
        "",
    ]
    by_reads: dict[tuple[str, ...], list[Reader]] = defaultdict(list)
    for reader in READERS:
        by_reads[reader.reads].append(reader)
    rows = [
        (", ".join(f"`{reader.format}`" for reader in readers), "<br>".join(reads))
        for reads, readers in by_reads.items()
    ]
    return "\n".join([*lines, table(("format", "what is read"), rows)]) + "\n"


# --- Markdown ---------------------------------------------------------------------------------------------------------


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; a bar inside a cell is escaped, also in code (GitHub Flavored Markdown, 4.10)."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _joined(parts: Iterable[str]) -> list[str]:
    return "\n\n".join(parts).split("\n")
