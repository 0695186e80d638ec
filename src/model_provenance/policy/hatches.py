"""What a policy says in the languages of others: CEL rules, and modules of Rego. Read here, run by `cel` and `opa`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.policy.reading import Node
from model_provenance.policy.sections import Section
from model_provenance.policy.signers import Reader

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RULE_LIMIT = 100
_EXPRESSION_LIMIT = 8192
_MODULE_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Rule(Section):
    """A CEL expression that must be true of a verified release; `message` says what is wrong where it is false."""

    id: str
    expression: str
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Module(Section):
    """A module of Rego, by the bytes that the policy pins, and the rules that it must say it has evaluated."""

    id: str
    source: bytes
    rules: frozenset[str]
    #: Executables that may evaluate it; None where nobody said.
    opa: frozenset[Digest] | None = None
    fix: str | None = None


def read_rules(node: Node) -> tuple[Rule, ...]:
    """`rules: [{id, expr, message, fix, effect}]`."""
    rules = tuple(_rule(entry) for entry in _entries(node, _RULE_LIMIT))
    _refuse_twins(node, rules)
    return rules


def read_modules(node: Node, read: Reader) -> tuple[Module, ...]:
    """`rego: [{id, file, digest, rules, opaDigests, fix, effect}]`; each file must have the digest that it is pinned to."""
    modules = tuple(_module(entry, read) for entry in _entries(node, _MODULE_LIMIT))
    _refuse_twins(node, modules)
    return modules


def is_id(text: str) -> bool:
    """Whether it can be the id of a rule or a module."""
    return _ID.fullmatch(text) is not None


def _rule(node: Node) -> Rule:
    keys = _keys(node, "engine", "id", "expr", "message", "fix", "effect", needed=("id", "expr", "message"))
    if "engine" in keys:
        keys["engine"].one_of(("cel",))
    return Rule(_effect(keys), _id(keys["id"]), _expression(keys["expr"]), keys["message"].text(), _fix(keys))


def _expression(node: Node) -> str:
    """Text of several lines, which are not joined: a comment of CEL ends with its line."""
    text = node.value.strip() if isinstance(node.value, str) else ""
    if not 0 < len(text) <= _EXPRESSION_LIMIT or not all(
        line.replace("\t", " ").isprintable() for line in text.split("\n")
    ):
        node.fail(
            f"an expression is text, at most {_EXPRESSION_LIMIT} characters; one that YAML reads as another type is quoted"
        )
    return text


def _module(node: Node, read: Reader) -> Module:
    keys = _keys(
        node, "id", "file", "digest", "rules", "opaDigests", "fix", "effect", needed=("id", "file", "digest", "rules")
    )
    name, digest = keys["file"].text(), keys["digest"].digest()
    source = read(name)
    if Digest.of(source) != digest:
        keys["digest"].fail(f"{shown(name)} has the digest {Digest.of(source)}, not the one that it is pinned to")
    opa = keys["opaDigests"].texts(Node.digest) if "opaDigests" in keys else None
    return Module(_effect(keys), _id(keys["id"]), source, keys["rules"].texts(Node.text), opa, _fix(keys))


def _entries(node: Node, limit: int) -> tuple[Node, ...]:
    entries = node.items()
    if not 0 < len(entries) <= limit:
        node.fail(f"there are {len(entries)} entries; 1 to {limit} can be decided by")
    return entries


def _keys(node: Node, *known: str, needed: tuple[str, ...]) -> dict[str, Node]:
    keys = node.mapping(*known)
    for key in needed:
        if key not in keys:
            node.fail(f"`{key}` is missing")
    return keys


def _effect(keys: dict[str, Node]) -> str:
    return keys["effect"].one_of(("warn", "deny")) if "effect" in keys else "deny"


def _fix(keys: dict[str, Node]) -> str | None:
    return keys["fix"].text() if "fix" in keys else None


def _id(node: Node) -> str:
    text = node.text()
    if not is_id(text):
        node.fail("an id is up to 64 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or a number")
    return text


def _refuse_twins(node: Node, entries: Iterable[Rule | Module]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            node.fail(f"the id `{entry.id}` stands twice")
        seen.add(entry.id)
