"""CycloneDX as a view for `sbom check`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_provenance.formats.cyclonedx_reading import PREFIX
from model_provenance.formats.view_parts import first, how, inner, objects, said, time

_KNOWN = f"{PREFIX}:known:"
#: 1.5 and older are not what BSI TR-03183-2 takes.
_OLD = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")


def view(value: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a document of any generator; what only our properties say is there only in ours."""
    components = objects(value, "components")
    package = inner(value, "metadata", "component")
    models = [c for c in components if c.get("type") == "machine-learning-model"]
    model: Mapping[str, Any] = first(models) or (package if isinstance(package, Mapping) else {})
    metadata = value.get("metadata")
    author = first(inner(metadata, name) for name in ("authors", "supplier", "manufacturer"))
    properties = _properties(model)
    version = said(value.get("specVersion"))
    tools = inner(value, "metadata", "tools", "components") or inner(value, "metadata", "tools")
    return {
        "document": {
            "author": author,
            "author_contact": _contact(author),
            "tools": tools,
            "timestamp": time(inner(value, "metadata", "timestamp")),
            "identifier": said(value.get("serialNumber")),
            "version": value.get("version"),
            "format": "CycloneDX",
            "format_version": version,
            "recent_format": version is not None and version not in _OLD,
            "lifecycle": inner(value, "metadata", "lifecycles"),
            "relations": objects(value, "dependencies"),
            "completeness": objects(value, "compositions"),
        },
        "model": _model(model, value),
        "components": [_component(c) for c in _shipped(package, components)],
        "datasets": [_dataset(c) for c in components if c.get("type") == "data"],
        "base_models": [_component(c) for c in objects(model.get("pedigree"), "ancestors")],
        "files": [_component(c) for c in objects(model, "components") if c.get("type") == "file"],
        "how": how({name[len(_KNOWN) :]: text for name, text in properties.items() if name.startswith(_KNOWN)}),
    }  # fmt: skip


def _shipped(package: Any, components: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The components but data: what a model was trained on is not a part that somebody supplies with it."""
    first_of_all = [package] if isinstance(package, Mapping) else []
    return [*first_of_all, *(component for component in components if component.get("type") != "data")]


def _component(component: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": said(component.get("name")),
        "version": said(component.get("version")),
        "supplier": said(inner(component, "supplier", "name")) or said(inner(component, "manufacturer", "name")),
        "identifier": said(component.get("purl")) or said(component.get("cpe")) or said(component.get("bom-ref")),
        "digest": _hash(component, "SHA-256") or _hash(component, "SHA-512"),
        "license": _license(component),
    }


def _model(model: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    card, references = model.get("modelCard"), objects(model, "externalReferences")
    more = _properties(card)
    stated = [
        inner(entry, "license", "acknowledgement") or entry.get("acknowledgement")
        for entry in objects(model, "licenses")
    ]
    trained: list[Any] = [*objects(model.get("pedigree"), "commits")] or [
        n for n in more if n.startswith(f"{PREFIX}:hyperparameter:")
    ]
    return {
        **_component(model),
        "identifier": said(model.get("purl")),
        "sha512": _hash(model, "SHA-512"),
        "copyright": said(model.get("copyright")),
        "creator_contact": _contact(model.get("manufacturer")) or _contact(first(objects(model, "authors"))),
        "file_name": _properties(model).get("bsi:component:filename"),
        "structured": _properties(model).get("bsi:component:structured"),
        "license_declared": _license(model),
        "license_concluded": _license(model) if "concluded" in stated else None,
        "release_time": time(inner(value, "metadata", "timestamp")),
        "architecture": said(inner(card, "modelParameters", "modelArchitecture")),
        "task": said(inner(card, "modelParameters", "task")),
        "parameters": more.get("cdx:ai-ml:model:parameter:count"),
        "description": said(model.get("description")) or said(inner(card, "modelParameters", "modelArchitecture")),
        "io": inner(card, "modelParameters", "inputs"),
        "intended": inner(card, "considerations", "useCases"),
        "prohibited": more.get(f"{PREFIX}:usage:prohibited"),
        "policy": more.get(f"{PREFIX}:usage:policy"),
        "training": trained,
        "metrics": inner(card, "quantitativeAnalysis", "performanceMetrics"),
        "download": first(r.get("url") for r in references if r.get("type") == "distribution"),
        "source": first(r.get("url") for r in references if r.get("type") == "vcs"),
        "software": objects(first(objects(value, "formulation")), "components"),
        "references": references,
    }  # fmt: skip


def _dataset(component: Mapping[str, Any]) -> dict[str, Any]:
    more = _properties(component)
    url = said(inner(first(objects(component, "data")), "contents", "url"))
    name = f"{PREFIX}:dataset:"
    return {
        **_component(component),
        "identifier": url or _hash(component, "SHA-256") or said(component.get("purl")),
        "url": url,
        "provenance": more.get(f"{name}provenance"),
        **{
            key: more.get(f"{name}{field}")
            for key, field in (
                ("type", "types"),
                ("content", "types"),
                ("built", "built"),
                ("released", "released"),
                ("originator", "originated_by"),
            )
        },
        "sensitivity": more.get(f"{name}sensitivity"),
        "description": more.get(f"{name}notes"),
    }


def _contact(agent: Any) -> list[str]:
    """E-mail and web addresses of an organization, of a person, or of the first of several."""
    agent = agent[0] if isinstance(agent, list) and agent else agent
    if not isinstance(agent, Mapping):
        return []
    mails = [agent.get("email"), *(entry.get("email") for entry in objects(agent, "contact"))]
    urls = agent.get("url")
    addresses = [*mails, *(urls if isinstance(urls, list) else ())]
    return [text for entry in addresses if (text := said(entry)) is not None]


def _license(component: Mapping[str, Any]) -> str | None:
    entries = objects(component, "licenses")
    return said(
        first(
            entry.get("expression") or inner(entry, "license", "id") or inner(entry, "license", "name")
            for entry in entries
        )
    )


def _hash(component: Mapping[str, Any], algorithm: str) -> str | None:
    return said(first(h.get("content") for h in objects(component, "hashes") if h.get("alg") == algorithm))


def _properties(value: Any) -> dict[str, str]:
    return {str(entry.get("name")): str(entry.get("value")) for entry in objects(value, "properties")}
