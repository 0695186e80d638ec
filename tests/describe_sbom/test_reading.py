"""Reading an SBOM that nobody has verified yet: every surprise is `sbom.malformed`, nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cyclonedx, spdx

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
FORMATS = pytest.mark.parametrize(("module", "place"), [(spdx, 0), (cyclonedx, 1)])


def parsed(request: SbomRequest, place: int) -> dict[str, Any]:
    """One document of a request."""
    value = json.loads(build_sboms(request).documents[place].data)
    assert isinstance(value, dict)
    return value


def refused(module: ModuleType, document: Any) -> bool:
    """Whether reading files or binding says `sbom.malformed`; any other exception is a defect."""
    try:
        module.files_of(document)
        module.binding_of(document)
    except ModelProvenanceError as error:
        return error.code == "sbom.malformed"
    return False


@FORMATS
@given(value=JSON)
def test_arbitrary_json_is_refused_without_a_traceback(module: ModuleType, place: int, value: Any) -> None:
    """Any JSON value that is not our document is malformed."""
    assert refused(module, value)


def mutate_spdx(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """SPDX documents that say something else, or nothing."""
    found = []

    def variant(name: str, change: Callable[[dict[str, Any]], object]) -> None:
        value = copy.deepcopy(document)
        change(value)
        found.append((name, value))

    file = next(i for i, p in enumerate(document["packages"]) if p.get("primaryPackagePurpose") == "FILE")
    contains = next(i for i, r in enumerate(document["relationships"]) if r["relationshipType"] == "CONTAINS")
    variant("version", lambda d: d.update(spdxVersion="SPDX-2.1"))
    variant("files section", lambda d: d.update(files=[{"fileName": "x"}]))
    variant("packages of another type", lambda d: d.update(packages={}))
    variant("one SPDXID twice", lambda d: d["packages"].append(d["packages"][file]))
    variant("one path twice", lambda d: d["packages"][file + 1].update(packageFileName=d["packages"][file]["name"]))
    variant("no path", lambda d: d["packages"][file].pop("packageFileName"))
    variant("path of another type", lambda d: d["packages"][file].update(packageFileName=["x"]))
    variant("a file that is not contained", lambda d: d["relationships"].pop(contains))
    variant("a contained file that is not there", lambda d: d["packages"].pop(file))
    variant("a contained package that is no file", lambda d: d["packages"][file].update(primaryPackagePurpose="OTHER"))
    variant("no digest", lambda d: d["packages"][file].update(checksums=[]))
    variant("two digests", lambda d: d["packages"][file]["checksums"].append(d["packages"][file]["checksums"][0]))
    variant("a weak digest", lambda d: d["packages"][file]["checksums"][0].update(algorithm="MD5"))
    variant("an upper-case digest", lambda d: d["packages"][file]["checksums"][0].update(checksumValue="A" * 64))
    variant("describes something else", lambda d: d["relationships"][0].update(relatedSpdxElement="SPDXRef-X"))
    variant("describes two", lambda d: d["relationships"].append({**d["relationships"][0], "relatedSpdxElement": "x"}))
    variant("no model digest", lambda d: d["packages"][0]["externalRefs"].pop(1))
    variant("a relationship without a type", lambda d: d["relationships"][0].pop("relationshipType"))
    return found


def mutate_cyclonedx(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """CycloneDX documents that say something else, or nothing."""
    found = []

    def variant(name: str, change: Callable[[dict[str, Any]], object]) -> None:
        value = copy.deepcopy(document)
        change(value)
        found.append((name, value))

    variant("version", lambda d: d.update(specVersion="1.5"))
    variant("format", lambda d: d.pop("bomFormat"))
    variant("no metadata", lambda d: d.pop("metadata"))
    variant("no model", lambda d: d["components"].pop(0))
    variant("two models", lambda d: d["components"].append(d["components"][0]))
    variant("another reference", lambda d: d["components"][0].update({"bom-ref": "x"}))
    variant("one path twice", lambda d: d["components"][0]["components"].append(d["components"][0]["components"][0]))
    variant("a part that is no file", lambda d: d["components"][0]["components"][0].update(type="library"))
    variant("no path", lambda d: d["components"][0]["components"][0].pop("name"))
    variant("no digest", lambda d: d["components"][0]["components"][0].pop("hashes"))
    variant("a short digest", lambda d: d["components"][0]["components"][0]["hashes"][0].update(content="00"))
    variant("the package differs", lambda d: d["metadata"]["component"].update(version="2"))
    variant("the package's digest differs", lambda d: d["metadata"]["component"].update(hashes=[]))
    variant("no model digest", lambda d: d["components"][0]["properties"].pop(0))
    variant("two model digests", lambda d: d["components"][0]["properties"].append(d["components"][0]["properties"][0]))
    return found


def test_a_changed_document_is_refused(make_request: Callable[..., SbomRequest]) -> None:
    """Each way of listing a file twice, in part, or elsewhere, and each broken binding is malformed."""
    request = make_request()
    changed = [(spdx, *case) for case in mutate_spdx(parsed(request, 0))]
    changed += [(cyclonedx, *case) for case in mutate_cyclonedx(parsed(request, 1))]

    assert [name for module, name, document in changed if not refused(module, document)] == []


@FORMATS
def test_an_unchanged_document_is_read(
    make_request: Callable[..., SbomRequest], module: ModuleType, place: int
) -> None:
    """What we write we read."""
    assert not refused(module, parsed(make_request(), place))
