"""The graph of an SPDX 3 document: elements with identifiers that follow from what they are, and relationships."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from model_provenance.domain.agents import Agent
from model_provenance.domain.digest import Digest

#: Spec 3.0.1, ExpandedLicensing: the individual that says that nobody says.
NO_LICENSE_ASSERTION = "https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense"
#: Spec 3.0.1, Core: the individual that stands for an element that nobody names.
NO_ELEMENT_ASSERTION = "https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement"
#: The one CreationInfo; a blank node, since it is no element.
CREATION_INFO = "_:creation"
#: The namespace that a document has while its name is derived from what it says.
DRAFT = "https://model-provenance.dev/spdx3/draft"


class Graph:
    """Collects elements in order; `base` is the namespace that element identifiers begin with."""

    def __init__(self, base: str) -> None:
        self._base = base
        self.elements: list[dict[str, Any]] = []
        self._known: set[str] = set()

    def id(self, kind: str, key: str = "") -> str:
        """Identifier of an element: of `kind` alone where there is one, else with a digest that stands for its key."""
        return f"{self._base}#{kind}" + (f"-{hashlib.sha256(key.encode()).hexdigest()[:32]}" if key else "")

    def add(self, type: str, identifier: str, **properties: Any) -> str:
        """Add an element once; properties without a value are left out. Returns its identifier."""
        if identifier not in self._known:
            self._known.add(identifier)
            given = {name: value for name, value in properties.items() if value not in (None, "", (), [])}
            self.elements.append({"type": type, "spdxId": identifier, "creationInfo": CREATION_INFO, **given})
        return identifier

    def relate(
        self, source: str, kind: str, targets: Sequence[str], *, completeness: str = "noAssertion", scope: str = ""
    ) -> None:
        """One relationship to all `targets`; nothing where there are none."""
        if not targets:
            return
        self.add(
            "LifecycleScopedRelationship" if scope else "Relationship",
            self.id("Relation", f"{source.partition('#')[2]} {kind} {scope}"),
            **{"from": source},
            relationshipType=kind,
            to=list(dict.fromkeys(targets)),
            completeness=completeness,
            scope=scope,
        )


def hash_of(digest: Digest) -> dict[str, str]:
    """A SHA-256 as SPDX 3 writes it."""
    return {"type": "Hash", "algorithm": "sha256", "hashValue": digest.hex}


def hashes(digest: Digest | None) -> list[dict[str, str]]:
    """`verifiedUsing` of an artifact whose digest may be unknown."""
    return [] if digest is None else [hash_of(digest)]


def entries(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Dictionary entries."""
    return [{"type": "DictionaryEntry", "key": name, "value": value} for name, value in pairs]


def identifier(kind: str, value: str, comment: str = "") -> dict[str, str]:
    """An external identifier."""
    told = {"comment": comment} if comment else {}
    return {"type": "ExternalIdentifier", "externalIdentifierType": kind, "identifier": value, **told}


def add_agent(graph: Graph, ref: str, agent: Agent) -> str:
    """A person or an organisation, with the address that it can be reached at."""
    reached = []
    if agent.email:
        reached = [identifier("email", agent.email)]
    elif agent.url:
        reached = [identifier("urlScheme", agent.url)]
    kind = "Person" if agent.is_person else "Organization"
    return graph.add(kind, ref, name=agent.name, externalIdentifier=reached)


def reference(kind: str, address: str, comment: str) -> dict[str, Any]:
    """An external reference."""
    return {"type": "ExternalRef", "externalRefType": kind, "locator": [address], "comment": comment}
