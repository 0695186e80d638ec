"""Where a model comes from: base models, container and commits, each with how it is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from model_provenance.describe.sbom import purl
from model_provenance.domain.agents import Agent
from model_provenance.domain.context import Context, Fact, Known
from model_provenance.domain.digest import Digest
from model_provenance.domain.facts import BASE_RELATIONS, ModelFacts
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.sbom import BaseModel, CommitEntry, ContainerEntry, Origin
from model_provenance.domain.text import shown

MANIFEST = Origin(Known.DECLARED, "manifest")
#: Read from a card, an adapter configuration or a GGUF header: typed by the author, wherever it stands.
_MODEL_FILES = Origin(Known.DECLARED, "model files")
_ENTRY_LIMIT = 10_000
#: What the manifest's schema allows.
_NAME_LIMIT = 300
_COMMIT = re.compile(r"git\+(https?://[^\s@?#\\]{1,1000})@([0-9a-f]{40}|[0-9a-f]{64})")
#: A path of the author's machine: says nothing to anybody else, and may say too much.
_LOCAL_PATH = re.compile(r"[/~.\\].*|[A-Za-z]:[\\/].*|.*\\.*", re.DOTALL)
#: With a scheme, or as git and people write one with a user: `git@host:path`, `user:password@host`.
_ADDRESS = re.compile(r".*://.*|[^/@]+@[^/@]+:.*|[^:/@]*:[^/@]*@.*", re.DOTALL)
_AWAY = re.compile(f"(?:{_LOCAL_PATH.pattern})|(?:{_ADDRESS.pattern})", re.DOTALL)


def base_models(manifest: Mapping[str, Any], facts: ModelFacts) -> tuple[tuple[BaseModel, ...], tuple[Finding, ...]]:
    """The manifest's `fine_tuned_from` and `merged_from`, then what the model's files name, each with its relation.

    Where both name a model, the files may say the relation that the manifest does not. A path of somebody's machine and
    an address are left out, with a finding.
    """
    entries: dict[str, BaseModel] = {}
    findings = []
    declared = [
        (field, entry)
        for field in ("fine_tuned_from", "merged_from")
        for entry in _list(manifest.get(field) if field == "merged_from" else [manifest.get(field)])
        if isinstance(entry, Mapping) and isinstance(entry.get("model"), str) and entry["model"]
    ]
    named = [text for text in facts.base_models[:_ENTRY_LIMIT] if text and not _AWAY.fullmatch(text)]
    known = relations(facts, [*(entry["model"] for _, entry in declared), *named])
    for field, entry in declared:
        base = _declared_base(entry, "merge" if field == "merged_from" else known.get(entry["model"].lower()))
        entries.setdefault(base.name, base)
    for text in facts.base_models[:_ENTRY_LIMIT]:
        if _ADDRESS.fullmatch(text):
            # Not shown: it may hold a password.
            findings.append(warned("sbom.base_model_local", "a base model is called by an address, not by its name"))
        elif _LOCAL_PATH.fullmatch(text):
            name = shown(text, _NAME_LIMIT)
            findings.append(warned("sbom.base_model_local", f"the base model is called `{name}`, a path, not a model"))
        elif name := shown(text, _NAME_LIMIT):
            relation = known.get(text.lower())
            base = BaseModel(name, _MODEL_FILES, purl=purl.of_hub_model(name), relation=relation)
            entries.setdefault(name, base)
    return tuple(entries.values()), tuple(findings)


def relations(facts: ModelFacts, bases: Iterable[str]) -> dict[str, str]:
    """Base model in lower case -> its relation by the model's files, of these `bases`, which are all."""
    said = {base.lower(): relation for base, relation in facts.base_relations.items()}
    names = {base.lower() for base in bases}
    if len(names) == 1 and facts.base_relation is not None:
        said.setdefault(next(iter(names)), facts.base_relation)
    return said


def containers(manifest: Mapping[str, Any], context: Context) -> tuple[ContainerEntry, ...]:
    """The container of this job, and the one that the manifest declares for the training where that is another."""
    here = _digest(context.container_digest.value)
    training = _digest(manifest.get("training_container_digest"))
    found = []
    if here is not None:
        found.append(_container(context.container_image, here, "release", _origin(context.container_digest)))
    if training is not None and training != here:
        found.append(_container(_text(manifest.get("training_container_image")), training, "training", MANIFEST))
    return tuple(found)


def commit(fact: Fact[str]) -> CommitEntry | None:
    """A commit as `git+https://host/repo@<hex>`; None for anything else, a path of this machine above all."""
    match = _COMMIT.fullmatch(fact.value) if fact.value else None
    return CommitEntry(shown(match[1], 1000), match[2], _origin(fact)) if match else None


def repository_owner(release: CommitEntry | None) -> Agent | None:
    """Owner of the repository that released: all of its path but the last segment."""
    if release is None:
        return None
    host, _, path = release.repository.partition("://")[2].partition("/")
    owner = path.rpartition("/")[0]
    # SPDX reads parentheses behind a name as an e-mail address.
    if not re.fullmatch(r"[0-9A-Za-z._~/-]{1,200}", owner):
        return None
    address = f"https://{host}/{owner}" if release.repository.startswith("https://") else None
    return Agent(owner, address)


def _declared_base(value: Mapping[str, Any], relation: str | None) -> BaseModel:
    """One entry of the manifest; `relation` where the entry does not say its own."""
    name = shown(value["model"], _NAME_LIMIT)
    version, said = _text(value.get("version")), value.get("relation")
    relation = said if said in BASE_RELATIONS else relation
    return BaseModel(name, MANIFEST, version, _digest(value.get("digest")), purl.of_hub_model(name, version), relation)


def _container(image: str | None, digest: Digest, role: str, origin: Origin) -> ContainerEntry:
    address = purl.of_image(image, digest) if image else None
    return ContainerEntry(shown(image, _NAME_LIMIT) if image else "container", digest, role, origin, address)


def _text(value: Any) -> str | None:
    return shown(value, _NAME_LIMIT) or None if isinstance(value, str) else None


def _origin(fact: Fact[str]) -> Origin:
    """Not where the fact was read: a token in one run and git in another say the same about the same release."""
    return Origin(fact.known)


def _digest(value: Any) -> Digest | None:
    try:
        return Digest.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _list(value: Any) -> Sequence[Any]:
    return value[:_ENTRY_LIMIT] if isinstance(value, (list, tuple)) else ()
