"""A status list in a registry: one artifact that a tag names, with a layer for each bundle.

It has no subject, so it is nobody's referrer: no tool that looks for signatures of a model comes upon it (design, 4.4.4).
The tag moves with every snapshot; what it may move to is decided by whoever verifies the snapshots, never by the registry.
"""

from __future__ import annotations

from typing import final

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Blob, Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import BUNDLE_LIMIT
from model_provenance.formats.oci import BUNDLE, EMPTY, TITLE, descriptor_of, manifest, parse_manifest
from model_provenance.formats.status_layout import LOOKED_AT, SNAPSHOTS, is_outdated
from model_provenance.oci.registry import Registry, Stored
from model_provenance.oci.together import together

ARTIFACT_TYPE = "application/vnd.model-provenance.status.v1"
#: The tag of a list where its reference names none.
TAG = "status"
_CODE = "status.malformed"


@final
class StatusRepository:
    """A `StatusStore` at the tag of a registry's reference."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        reference = registry.reference
        self._named = str(reference.digest) if reference.digest is not None else reference.tag or TAG

    @property
    def location(self) -> str:
        """`HOST/REPOSITORY` with what is read there."""
        return f"{self._registry.where}:{self._named}"

    def snapshots(self) -> tuple[tuple[str, bytes], ...]:
        """The bundles of snapshots that the artifact names; empty where there is no such tag. Raises `registry.*`."""
        stored = self._registry.find_manifest(self._named)
        named = [(_title(layer), layer) for layer in self._layers(stored)]
        wanted = [(name, layer) for name, layer in named if name.startswith(f"{SNAPSHOTS}/")]
        if len(wanted) > LOOKED_AT:
            raise ModelProvenanceError(
                "status.too_many",
                f"there are {len(wanted)} snapshots, more than the {LOOKED_AT} that are looked at",
                location=self.location,
            )
        data = together(lambda each: self._registry.get_blob(each[1], BUNDLE_LIMIT), wanted)
        return tuple((name, blob) for (name, _), blob in zip(wanted, data, strict=True))

    def add(self, snapshot: tuple[str, bytes], revocation: tuple[str, bytes] | None) -> None:
        """Blobs, then the manifest by digest, then the tag, if nobody else has moved it meanwhile.

        Raises `registry.*`, and `status.busy` where two publish at once: the later one begins again from the new list.
        """
        before = self._registry.find_manifest(self._named)
        layers = {_title(layer): layer for layer in self._layers(before)}
        layers = {name: layer for name, layer in layers.items() if not is_outdated(name, snapshot[0])}
        for name, data in (*([revocation] if revocation else []), snapshot):
            blob = Blob(BUNDLE, data)
            self._registry.push_blob(blob)
            layers[name] = descriptor_of(blob, annotations={TITLE: name})
        config = Blob(EMPTY, b"{}")
        self._registry.push_blob(config)
        made = manifest(
            config=descriptor_of(config),
            layers=[layers[name] for name in sorted(layers)],
            artifact_type=ARTIFACT_TYPE,
        )
        self._registry.put_manifest(made)
        self._move(None if before is None else before.digest, made)

    def _move(self, before: Digest | None, made: Blob) -> None:
        if self._registry.resolve(self._named) != before:
            raise self._busy()
        self._registry.put_manifest(made, self._named)
        for attempt in range(self._registry.session.retrying.tries):
            if self._registry.resolve(self._named) == made.digest:
                return
            self._registry.session.retrying.pause(attempt)
        raise self._busy()

    def _busy(self) -> ModelProvenanceError:
        return ModelProvenanceError(
            "status.busy", "somebody else has published at the same time", location=self.location
        )

    def _layers(self, stored: Stored | None) -> tuple[Descriptor, ...]:
        if stored is None:
            return ()
        found = parse_manifest(stored.data, code=_CODE, location=self.location)
        if found.artifact_type != ARTIFACT_TYPE:
            raise ModelProvenanceError(_CODE, "this is no status list", location=self.location)
        return found.layers


def _title(layer: Descriptor) -> str:
    return dict(layer.annotations).get(TITLE, "")
