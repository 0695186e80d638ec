"""`release --push`: the registries of one release, from what can fail early to the tag that comes last."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import final

from model_provenance.domain.evidence import Bundle, SbomDocument
from model_provenance.domain.files import Entry
from model_provenance.domain.names import Version
from model_provenance.domain.package import BlobSink, Layout, Package
from model_provenance.errors import ModelProvenanceError
from model_provenance.oci import publish
from model_provenance.oci.access import Access
from model_provenance.oci.attached import attached_bundles
from model_provenance.oci.push import RegistrySink
from model_provenance.oci.reference import Reference
from model_provenance.oci.registry import Registry
from model_provenance.oci.tee import Tee
from model_provenance.pack.plan import BlobPlan, plan_blobs


@dataclass(frozen=True, slots=True)
class PushRequest:
    """Where to push and how to get in; the fields are options of `release`."""

    references: tuple[str, ...]
    access: Access
    allow_tag_move: bool = False

    def tags(self, version: Version) -> tuple[str, ...]:
        """HOST/REPOSITORY:TAG of each place that this version goes to."""
        return tuple(str(_tagged(text, version)) for text in self.references)


@final
class Pushing:
    """The registries that one release goes to. Use as a context manager."""

    def __init__(self, request: PushRequest, version: Version, layout: Layout) -> None:
        if layout.is_archive:
            raise ModelProvenanceError(
                "usage.invalid",
                "--push sends layers, and an archive is one file",
                remedy="Use --layout layers or raw, or publish the archive as a file.",
            )
        self._allow_move = request.allow_tag_move
        self._references = tuple(_tagged(text, version) for text in request.references)
        if len({(each.api_host, each.repository) for each in self._references}) != len(self._references):
            raise ModelProvenanceError(
                "usage.invalid", "one repository is named twice with --push", remedy="Push one version to one tag."
            )
        self._access = request.access
        self._stack = ExitStack()
        self._registries: list[Registry] = []
        self._sinks: list[RegistrySink] = []

    def __enter__(self) -> Pushing:
        for reference in self._references:
            registry = self._stack.enter_context(Registry(reference, self._access, write=True))
            self._registries.append(registry)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def prepare(self, entries: Sequence[Entry], layout: Layout, folder: BlobSink | None) -> Tee:
        """Where the read goes to. Limits are compared and logins are tried before a byte of a weight is read."""
        plans = plan_blobs(entries, layout)
        for registry in self._registries:
            registry.limits.check_count(len(plans), registry.where)
            for plan in plans:
                registry.limits.check_blob(plan.size, _name(plan), registry.where)
        self._sinks = [RegistrySink(registry) for registry in self._registries]
        for sink in self._sinks:
            sink.learn(entries, layout)
        return Tee(self._sinks, folder)

    def check(self, package: Package) -> None:
        """Every tag is free for this package: said before anything is signed. Raises `registry.tag_moved`."""
        for registry in self._registries:
            publish.check_tag(registry, publish.index_of(package).digest, allow_move=self._allow_move)

    def attached(self, package: Package) -> tuple[tuple[str, bytes], ...]:
        """Bundles that an earlier push of the same package left in the first registry."""
        registry = self._registries[0]
        index = publish.index_of(package).digest
        if registry.resolve(str(index)) is None:
            return ()
        return attached_bundles(registry, [index])

    def finish(self, package: Package, bundles: Sequence[Bundle], sboms: Sequence[SbomDocument]) -> tuple[str, ...]:
        """Manifests, evidence, everything read back, then the tags; `HOST/REPO@sha256:…` of each registry."""
        for registry in self._registries:
            publish.push_documents(registry, package)
            publish.push_sboms(registry, package, sboms)
            publish.push_evidence(registry, package, bundles)
            publish.read_back(registry, package, bundles)
        for registry in self._registries:
            publish.set_tag(registry, package, allow_move=self._allow_move)
        return tuple(each.at(publish.index_of(package).digest) for each in self._references)


def _tagged(text: str, version: Version) -> Reference:
    """The reference with a tag: the version's own where none is named. A tag that says another version is refused."""
    reference = Reference.parse(text)
    if reference.digest is not None:
        raise ModelProvenanceError(
            "registry.reference", "--push names a tag; the digest is what comes out", location=str(reference)
        )
    if reference.tag is None:
        return reference.with_tag(version.text)
    if reference.version is not None and reference.version != version.text.removeprefix("v"):
        raise ModelProvenanceError(
            "registry.tag_version",
            f"the tag `{reference.tag}` is not the version {version.text} of this release",
            location=str(reference),
        )
    return reference


def _name(plan: BlobPlan) -> str:
    return plan.own.path if plan.own else f"{len(plan.entries)} small files together"
