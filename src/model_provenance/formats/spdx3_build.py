"""Build profile of SPDX 3: the release and the training, each with what it ran on and what it was made from.

The profile demands that each build says what went in, what came out and who invoked it. Who did is a fact of the run,
which no SBOM of ours holds, so the individual that stands for "nobody says" stands there.
"""

from __future__ import annotations

from typing import Any

from model_provenance.domain.sbom import CommitEntry, ContainerEntry, SbomFacts
from model_provenance.formats.spdx3_graph import NO_ELEMENT_ASSERTION, Graph, hashes

_RELEASE_TYPE = "https://model-provenance.dev/buildtypes/release/v1"
#: The manifest declares a training, so its page says what is meant.
_TRAINING_TYPE = "https://model-provenance.dev/manifest/v1#training_commit"


def add_builds(graph: Graph, facts: SbomFacts, model: str) -> None:
    """A build for the release, and one for the training where anything is known about it."""
    containers = {container.role: container for container in facts.containers}
    if facts.release_commit is not None or "release" in containers:
        build = _build(graph, "Release", _RELEASE_TYPE, facts.release_commit)
        _hosted(graph, build, containers.get("release"))
        tools = [graph.id("Tool", f"{tool.name} {tool.version}") for tool in facts.tools]
        graph.relate(build, "usesTool", tools, scope="build")
        graph.relate(build, "hasOutput", [model], scope="build")
        graph.relate(build, "invokedBy", [NO_ELEMENT_ASSERTION], scope="build")
    if facts.training_commit is not None or "training" in containers or facts.environment is not None:
        build = _build(graph, "Training", _TRAINING_TYPE, facts.training_commit)
        _hosted(graph, build, containers.get("training"))
        made_from = [graph.id("Dataset", entry.name) for entry in facts.datasets if not entry.for_tests]
        made_from += [graph.id("BaseModel", base.name) for base in facts.base_models]
        graph.relate(build, "hasInput", made_from or [NO_ELEMENT_ASSERTION], scope="build")
        graph.relate(build, "usesTool", _environment(graph, facts), scope="build", completeness="incomplete")
        graph.relate(build, "hasOutput", [model], scope="build")
        graph.relate(build, "invokedBy", [NO_ELEMENT_ASSERTION], scope="build")


def _build(graph: Graph, name: str, build_type: str, commit: CommitEntry | None) -> str:
    source: dict[str, Any] = {}
    if commit is not None:
        algorithm = "sha1" if len(commit.revision) == 40 else "sha256"  # noqa: PLR2004 - a git object id
        source = {
            "build_configSourceUri": [f"git+{commit.repository}@{commit.revision}"],
            "build_configSourceDigest": [{"type": "Hash", "algorithm": algorithm, "hashValue": commit.revision}],
            "comment": f"commit {commit.origin}",
        }
    return graph.add("build_Build", graph.id(name), name=name.lower(), build_buildType=build_type, **source)


def _hosted(graph: Graph, build: str, container: ContainerEntry | None) -> None:
    if container is None:
        return
    host = graph.add(
        "software_Package",
        graph.id("Container", container.role),
        name=container.name,
        software_packageVersion=str(container.digest),
        software_packageUrl=container.purl,
        software_primaryPurpose="container",
        verifiedUsing=hashes(container.digest),
        software_sourceInfo=str(container.origin),
    )
    graph.relate(build, "hasHost", [host], scope="build")


def _environment(graph: Graph, facts: SbomFacts) -> list[str]:
    if facts.environment is None:
        return []
    return [
        graph.add(
            "software_Package",
            graph.id("BuildTool", package.key),
            name=package.name,
            software_packageVersion=package.version,
            software_packageUrl=package.purl,
            software_primaryPurpose="library",
            software_sourceInfo=f"declared ({facts.environment.source})",
        )
        for package in facts.environment.packages
    ]
