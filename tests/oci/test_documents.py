"""Golden bytes of the model index and what it names, of a cosign referrer, and hostile documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.files import Role
from model_provenance.domain.package import Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.model_index import (
    Form,
    file_layer,
    layer_media_type,
    listed_manifests,
    model_index,
    raw_layer,
    small_files_layer,
)
from model_provenance.formats.oci import bundle_referrer, parse_index, parse_manifest

A, B = Digest("a" * 64), Digest("b" * 64)
LAYERS = (
    file_layer("model.safetensors", Role.WEIGHT, A, 20_000_512, content=19_998_976),
    small_files_layer(B, 4096),
)


def test_the_model_index_is_these_bytes() -> None:
    """The image once for each platform with one digest, then the ModelPack manifest with its artifact type."""
    made = model_index(LAYERS, with_image=True)
    image_config, image, model_config, model = made.documents
    assert made.index.data == canonical(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [
                *(
                    {
                        "mediaType": "application/vnd.oci.image.manifest.v1+json",
                        "digest": str(image.digest),
                        "size": len(image.data),
                        "platform": {"os": "linux", "architecture": architecture},
                    }
                    for architecture in ("amd64", "arm64")
                ),
                {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "artifactType": "application/vnd.cncf.model.manifest.v1+json",
                    "digest": str(model.digest),
                    "size": len(model.data),
                },
            ],
        }
    )
    assert made.index.digest.hex == "0aeecdafd8dd85adab49d9aea7bf39cb651239dbcac368d0ba155622955999f4"
    assert json.loads(image_config.data) == {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [str(A), str(B)]},
    }
    assert json.loads(model_config.data) == {
        "descriptor": {},
        "config": {},
        "modelfs": {"type": "layers", "diffIds": [str(A), str(B)]},
    }


def test_both_manifests_name_the_same_blobs() -> None:
    """As layers of an image that runs, and as typed, annotated layers of a ModelPack."""
    _, image, _, model = model_index(LAYERS, with_image=True).documents
    assert json.loads(image.data)["layers"] == [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": str(A), "size": 20_000_512},
        {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": str(B), "size": 4096},
    ]
    assert "artifactType" not in json.loads(image.data)
    value = json.loads(model.data)
    assert value["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert value["config"]["mediaType"] == "application/vnd.cncf.model.config.v1+json"
    assert value["layers"] == [
        {
            "mediaType": "application/vnd.cncf.model.weight.v1.tar",
            "digest": str(A),
            "size": 20_000_512,
            "annotations": {
                "dev.model-provenance.content.offset": "512",
                "org.cncf.model.filepath": "models/model.safetensors",
                "org.opencontainers.image.title": "models/model.safetensors.tar",
            },
        },
        {
            "mediaType": "application/vnd.cncf.model.weight.config.v1.tar",
            "digest": str(B),
            "size": 4096,
            "annotations": {
                "org.cncf.model.filepath": "models",
                "org.opencontainers.image.title": "models.tar",
            },
        },
    ]


def test_a_raw_layer_is_called_by_the_files_name() -> None:
    """One name in both annotations, no offset, and no image that would have to unpack it."""
    layer = raw_layer("onnx/model.onnx", Role.WEIGHT, A, 5)
    assert layer.media_type == "application/vnd.cncf.model.weight.v1.raw"
    assert dict(layer.annotations) == {
        "org.cncf.model.filepath": "onnx/model.onnx",
        "org.opencontainers.image.title": "onnx/model.onnx",
    }
    made = model_index([layer], with_image=False)
    assert len(made.documents) == 2
    assert len(json.loads(made.index.data)["manifests"]) == 1


def test_roles_become_modelpacks_kinds() -> None:
    """What nobody knows the use of counts as configuration, which every runtime fetches."""
    kinds = {role: layer_media_type(role, Form.RAW).split(".v1.")[0].rpartition("model.")[2] for role in Role}
    assert kinds == {
        Role.WEIGHT: "weight",
        Role.CONFIG: "weight.config",
        Role.TOKENIZER: "weight.config",
        Role.OTHER: "weight.config",
        Role.CARD: "doc",
        Role.LICENSE: "doc",
        Role.DOC: "doc",
        Role.CODE: "code",
    }


def test_documents_name_neither_model_nor_time_nor_tool() -> None:
    """A pure function of layers: a second release of the same files has the same digest."""
    made = model_index(LAYERS, with_image=True)
    text = b"".join(blob.data for blob in (*made.documents, made.index)).decode()
    for word in ("created", 'version":"', "revision", "authors", "name"):
        assert word not in text.replace("schemaVersion", "").replace("os.name", "")


def test_a_bundle_is_attached_as_cosign_does() -> None:
    """One layer of the bundle's type, the empty configuration, the subject, three annotations."""
    subject = Descriptor("application/vnd.oci.image.index.v1+json", A, 7, (("x", "y"),), platform=("linux", "amd64"))
    manifest, blobs = bundle_referrer(b"{bundle}", Predicate.PROVENANCE, subject, "2026-01-02T03:04:05Z")
    config, layer = blobs
    assert (config.data, layer.data) == (b"{}", b"{bundle}")
    assert config.digest.hex == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert json.loads(manifest.data) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": str(config.digest), "size": 2},
        "layers": [
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "digest": str(layer.digest),
                "size": 8,
            }
        ],
        "subject": {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": str(A), "size": 7},
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1",
            "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
        },
    }


def test_what_was_written_is_read_back() -> None:
    """Descriptors survive with annotations, platform and artifact type."""
    made = model_index(LAYERS, with_image=True)
    _, image, _, model = made.documents
    read = parse_manifest(model.data, code="layout.malformed", location="x")
    assert read.layers == LAYERS
    assert read.artifact_type == "application/vnd.cncf.model.manifest.v1+json"
    listed = listed_manifests(
        parse_index(made.index.data, code="layout.malformed", location="x"), "layout.malformed", "x"
    )
    assert listed.image is not None
    assert (listed.image.digest, listed.model.digest) == (image.digest, model.digest)
    assert listed.model.size == len(model.data)


GOOD: dict[str, Any] = {"mediaType": "a/b", "digest": str(A), "size": 1}
BAD_DESCRIPTORS: list[object] = [
    None, [], "x", {}, {**GOOD, "size": -1}, {**GOOD, "size": "1"}, {**GOOD, "size": True}, {**GOOD, "size": 2**60},
    {**GOOD, "size": 1.5}, {**GOOD, "digest": "sha256:ABC"}, {**GOOD, "digest": "sha512:" + "a" * 128}, {**GOOD, "digest": 5},
    {**GOOD, "mediaType": ""}, {**GOOD, "mediaType": "a b"}, {**GOOD, "mediaType": None}, {**GOOD, "annotations": []},
    {**GOOD, "annotations": {"a": 1}}, {**GOOD, "annotations": {str(i): "" for i in range(65)}},
    {**GOOD, "annotations": {"a": "x" * 5000}}, {**GOOD, "platform": []}, {**GOOD, "platform": {"os": "linux"}},
    {**GOOD, "artifactType": 1},
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(BAD_DESCRIPTORS)))
def test_malformed_descriptors_are_refused(case: int) -> None:
    """Missing, negative, oversized and mistyped fields; only SHA-256."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse_index(
            json.dumps({"schemaVersion": 2, "manifests": [BAD_DESCRIPTORS[case]]}).encode(),
            code="layout.malformed",
            location="x",
        )
    assert caught.value.code == "layout.malformed"


@pytest.mark.parametrize(
    "value",
    [
        [], {}, {"schemaVersion": 1, "manifests": []}, {"schemaVersion": 2}, {"schemaVersion": 2, "layers": []},
        {"schemaVersion": 2, "manifests": [], "layers": []}, {"schemaVersion": 2, "manifests": {}},
        {"schemaVersion": 2, "manifests": [], "mediaType": "application/vnd.oci.image.manifest.v1+json"},
    ],
)  # fmt: skip
def test_a_document_that_is_two_things_is_refused(value: object) -> None:
    """An index that could be read as a manifest names two contents under one digest."""
    with pytest.raises(ModelProvenanceError):
        parse_index(json.dumps(value).encode(), code="layout.malformed", location="x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "layers", "config"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON, st.booleans())
def test_no_json_makes_the_parsers_fail_in_another_way(value: Any, is_index: bool) -> None:
    """A value, or the given code."""
    document = {
        "schemaVersion": 2,
        "manifests" if is_index else "layers": value,
        **({} if is_index else {"config": value}),
    }
    parse = parse_index if is_index else parse_manifest
    code = "layout.malformed"
    try:
        parse(json.dumps(document).encode(), code=code, location="x")
    except ModelProvenanceError as error:
        code = error.code
    assert code == "layout.malformed"


def index_of(*entries: dict[str, Any]) -> bytes:
    """An index of manifests."""
    base = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1}
    return json.dumps({"schemaVersion": 2, "manifests": [{**base, **entry} for entry in entries]}).encode()


MODEL = {"digest": str(A), "artifactType": "application/vnd.cncf.model.manifest.v1+json"}
IMAGE = {"digest": str(B), "platform": {"os": "linux", "architecture": "amd64"}}
OTHER = str(Digest("c" * 64))


@pytest.mark.parametrize(
    "entries",
    [
        [], [IMAGE], [MODEL, {**MODEL, "digest": OTHER}], [MODEL, IMAGE, {**IMAGE, "digest": OTHER}],
        [MODEL, {"digest": OTHER}], [MODEL, {"digest": OTHER, "artifactType": "a/b"}], [MODEL, {**IMAGE, "digest": str(A)}],
        [MODEL, {**IMAGE, "mediaType": "application/vnd.oci.image.index.v1+json"}],
    ],
)  # fmt: skip
def test_a_model_index_lists_one_model_and_nothing_else(entries: list[dict[str, Any]]) -> None:
    """A second model, a second image, evidence, nested indexes: one signature would cover two contents."""
    with pytest.raises(ModelProvenanceError):
        listed_manifests(
            parse_index(index_of(*entries), code="layout.malformed", location="x"), "layout.malformed", "x"
        )
