"""Which tensors are the model's: shards are one set, alternatives in a folder count once, folders count when named.

A folder often holds the same model several times (two formats, five quantisations), and subfolders hold parts of it, or
old checkpoints. What is counted is said; where nobody can tell, nothing is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from model_provenance.domain.facts import FileFacts
from model_provenance.domain.files import Role
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.text import shown
from model_provenance.readers.reading import Reading, WeightKind

_SHARD = re.compile(r"(.+)-([0-9]{5})-of-([0-9]{5})\.[a-z]+")
_COUNTED_FORMATS = frozenset(("safetensors", "gguf"))
#: Counted where none of the above is there: initializers of an export hold constants of the graph, too.
_EXPORTED_FORMATS = frozenset(("onnx",))


@dataclass(frozen=True, slots=True)
class Inspected:
    """One file after its reader."""

    role: Role
    facts: FileFacts
    reading: Reading

    @property
    def path(self) -> PurePosixPath:
        """The path in the model."""
        return PurePosixPath(self.facts.path)


@dataclass(frozen=True, slots=True)
class WeightSet:
    """The files that hold one set of tensors: one file, or the shards of a split one."""

    name: str
    members: tuple[Inspected, ...]
    #: Shards that an index or the numbers in their names announce and that are not there.
    missing: tuple[str, ...] = ()
    indexed: bool = False

    @property
    def kind(self) -> WeightKind:
        """What the tensors are; the shards of one set agree."""
        weights = next((member.reading.weights for member in self.members if member.reading.weights), None)
        return weights.kind if weights else WeightKind.MODEL

    @property
    def parameters(self) -> int | None:
        """Elements of all shards; None where one of them is missing or cannot be read."""
        if self.missing or any(member.reading.weights is None for member in self.members):
            return None
        return sum(member.reading.weights.parameters for member in self.members if member.reading.weights)


def counted_sets(files: Sequence[Inspected]) -> tuple[list[WeightSet], list[Finding]]:
    """The sets whose tensors together are the model, and what a person should know about the choice."""
    folders: dict[str, list[WeightSet]] = {}
    findings: list[Finding] = []
    for weight_set in _sets(files):
        folders.setdefault(_folder(weight_set), []).append(weight_set)
    if not folders:
        return [], []
    chosen = []
    for folder in _model_folders(files, list(folders), findings):
        one, notes = _one_of(folder, folders[folder])
        chosen.append(one)
        findings += notes
        for weight_set in folders[folder]:
            findings += _incomplete(weight_set)
    return chosen, findings


def shard_findings(files: Sequence[Inspected]) -> list[Finding]:
    """Where a shard index and the shards disagree: shards that are not there, or with another number of tensors."""
    by_path = {member.facts.path: member for member in files}
    findings = []
    for index in files:
        where, missing = index.facts.path, []
        for name, tensors in index.reading.shards.items():
            shard = by_path.get(str(index.path.parent / name))
            weights = shard.reading.weights if shard else None
            if shard is None:
                missing.append(name)
            elif weights is not None and weights.tensors != tensors:
                message = f"{shown(where)} lists {tensors} tensors in {shown(name)}, which has {weights.tensors}"
                findings.append(warned("readers.shards", message, location=where))
        if missing:
            message = f"{shown(where)} names {_listed(missing)} that are not there"
            findings.append(warned("readers.shards", message, location=where))
    return findings


def _sets(files: Sequence[Inspected]) -> list[WeightSet]:
    """Weight files grouped: by the index that names them, else by their numbered names, else each alone."""
    by_path = {member.facts.path for member in files}
    own = any(member.facts.format in _COUNTED_FORMATS for member in files)
    counted = _COUNTED_FORMATS if own else _EXPORTED_FORMATS
    weights = {member.facts.path: member for member in files if member.facts.format in counted}
    sets = []
    for index in files:
        names = [str(index.path.parent / name) for name in index.reading.shards]
        missing = tuple(name for name in names if name not in by_path)
        members = tuple(weights.pop(name) for name in names if name in weights)
        if members:
            sets.append(WeightSet(index.facts.path, members, missing, indexed=True))
    numbered: dict[tuple[str, str, str], dict[int, Inspected]] = {}
    for member in weights.values():
        found = _SHARD.fullmatch(member.path.name)
        if found is None:
            sets.append(WeightSet(member.facts.path, (member,)))
        else:
            key = (str(member.path.parent / found[1]), found[3], member.facts.format)
            numbered.setdefault(key, {})[int(found[2])] = member
    for (stem, count, _), shards in numbered.items():
        missing = tuple(f"shard {number}" for number in range(1, int(count) + 1) if number not in shards)
        sets.append(WeightSet(stem, tuple(shards[number] for number in sorted(shards)), missing))
    return sorted(sets, key=lambda one: one.name)


def _folder(weight_set: WeightSet) -> str:
    return str(weight_set.members[0].path.parent)


def _model_folders(files: Sequence[Inspected], folders: list[str], findings: list[Finding]) -> list[str]:
    """The root and the folders that a module list names; without either, the only folder there is."""
    named = {"."} | {
        str(member.path.parent / component)
        for member in files
        if member.path.parent == PurePosixPath()
        for component in member.reading.components
    }
    chosen = [folder for folder in folders if folder in named]
    if chosen or len(folders) == 1:
        return chosen or folders
    names = ", ".join(shown(folder, 60) for folder in folders[:5])
    message = f"{len(folders)} folders hold weights, and nothing says which are the model ({names})"
    findings.append(warned("readers.several_models", f"{message}; parameters are not counted"))
    return []


def _one_of(folder: str, sets: list[WeightSet]) -> tuple[WeightSet, Iterable[Finding]]:
    """One of the alternatives in a folder: a model before an adapter, complete before not, then the largest, then by name."""
    kinds = list(WeightKind)
    ordered = sorted(
        sets,
        key=lambda one: (
            kinds.index(one.kind),
            one.parameters is None,
            not one.indexed,
            -(one.parameters or 0),
            len(one.name),
            one.name,
        ),
    )
    rivals = [one for one in ordered if one.kind is ordered[0].kind]
    if len({one.parameters for one in rivals}) <= 1:
        return ordered[0], ()
    message = (
        f"{len(rivals)} sets of weights of different sizes lie in {shown(folder)}; "
        f"the parameters are those of {shown(ordered[0].name)}"
    )
    return ordered[0], (warned("readers.several_models", message, location=folder),)


def _incomplete(weight_set: WeightSet) -> Iterable[Finding]:
    if weight_set.missing and not weight_set.indexed:
        message = f"{shown(weight_set.name)} lacks {_listed(weight_set.missing)}; its parameters are not counted"
        yield warned("readers.shards", message, location=weight_set.members[0].facts.path)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""  # noqa: PLR2004 - as many as fit on a line
    return f"{len(names)} shards ({', '.join(shown(name, 80) for name in names[:5])}{more})"
