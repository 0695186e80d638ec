"""Releases of every kind that differ in what their documents hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from model_provenance.describe.sbom.build import SbomRequest
from model_provenance.domain.context import Fact, Known
from model_provenance.domain.digest import Digest
from model_provenance.domain.facts import DatasetFact, FileFacts, Inspection, LicenseFact, TokenizerFacts
from model_provenance.domain.package import Layout
from model_provenance.domain.sbom import EngineScan, SoftwarePackage, Tool
from model_provenance.formats.licenses import resolve

HOSTILE = 'x"\\\n\r\t\x00\x1b[31m\u202e\ud800\U000e0001 <script>é漢'
COMMIT = "fedcba9876543210fedcba9876543210fedcba98"


def rich(make_request: Callable[..., SbomRequest]) -> SbomRequest:
    """A sharded fine-tune with everything that an SBOM of ours can say."""
    shards = {f"model-0000{n}-of-00003.safetensors": f"shard {n}".encode() for n in (1, 2, 3)}
    files = {
        **shards,
        "model.safetensors.index.json": b"{}",
        "config.json": b"{}",
        "tokenizer.json": b"{}",
        "README.md": b"card",
        "LICENSE": b"licence",
        "requirements.txt": b"torch==2.1.0",
        "sub folder/weights é漢 #1.bin": b"pickle",
    }
    facts = {
        "files": tuple(FileFacts(path, "safetensors", Inspection.READ) for path in shards),
        "formats": ("safetensors", "pickle"),
        "parameters": 8_030_261_248,
        "element_types": (("BF16", 8_030_261_248),),
        "architecture": "LlamaForCausalLM",
        "model_type": "llama",
        "task": "text-generation",
        "library": "transformers",
        "languages": ("en", "de"),
        "sources": {"task": "README.md", "library": "config.json", "languages": "README.md"},
        "tokenizer": TokenizerFacts("BPE", 128_256, str(Digest.of(b"template"))),
        "licenses": (LicenseFact("llama3.1", "README.md"), LicenseFact("llama3.1", "LICENSE")),
        "datasets": (DatasetFact("acme/chat", "README.md"), DatasetFact("declared", "README.md")),
        "base_models": ("meta-llama/Llama-3.1-8B",),
        "executable": ("sub folder/weights é漢 #1.bin",),
    }
    manifest = {
        "license": "LicenseRef-llama3.1",
        "training_container_digest": str(Digest.of(b"container")),
        "training_container_image": "registry.example.com:5000/acme/train:2.1",
        "fine_tuned_from": {
            "model": "meta-llama/Llama-3.1-8B",
            "version": COMMIT,
            "digest": str(Digest.of(b"base")),
        },
        "datasets": [
            {
                "name": "declared",
                "version": "2024-01",
                "digest": str(Digest.of(b"data")),
                "license": "CC-BY-NC-4.0",
                "url": "https://example.com/data?x=1&y=%20",
                "retention": "P5Y",
                "consent": 'opt-in, form "A"',
                "personal_data": True,
            },
            {"name": "held out", "purpose": "evaluation", "license": "MIT OR Apache-2.0"},
        ],
    }
    mit = resolve("MIT")
    found = (
        SoftwarePackage("torch", "2.1.0", "python", "pkg:pypi/torch@2.1.0", None, ("requirements.txt",)),
        SoftwarePackage("left-pad", None, "npm", None, mit, ("requirements.txt",)),
    )
    scan = EngineScan(found, Tool("syft", "1.18.1"))
    context = {
        "training_commit": Fact(f"git+https://gitlab.com/acme/research/train@{COMMIT}", Known.DECLARED, "manifest"),
        "container_digest": Fact(str(Digest.of(b"job")), Known.OBSERVED, "CI_JOB_IMAGE"),
        "container_image": "ghcr.io/acme/release",
    }
    return make_request(files, facts=facts, manifest=manifest, scan=scan, context=context)


def cases(make_request: Callable[..., SbomRequest]) -> Iterator[tuple[str, SbomRequest]]:
    """Models of every kind that differ in what their documents hold."""
    everything = rich(make_request)
    yield "rich", everything
    for layout in Layout:
        yield layout.value, make_request(layout=layout)
    yield (
        "gguf",
        make_request(
            {"model-q4.gguf": b"GGUF"},
            facts={
                "files": (FileFacts("model-q4.gguf", "gguf", Inspection.READ, {"version": 3}),),
                "licenses": (LicenseFact("gpl", "model-q4.gguf"),),
                "base_models": ("acme/base",),
                "base_relation": "quantized",
                "quantized_by": "Ann",
                "sources": {"quantized-by": "model-q4.gguf"},
                "architecture": "llama",
            },
        ),
    )
    yield (
        "adapter",
        make_request(
            {"adapter_model.safetensors": b"lora", "adapter_config.json": b"{}"},
            facts={"base_models": ("/home/ann/models/base", "acme/base")},
        ),
    )
    yield (
        "no context",
        make_request(context={"release_commit": Fact(None, Known.UNKNOWN), "epoch": None}, facts={"licenses": ()}),
    )
    yield (
        "side by side",
        make_request(facts={"licenses": (LicenseFact("mit", "README.md"), LicenseFact("openrail++", "README.md"))}),
    )
    yield (
        "conflict",
        make_request(facts={"licenses": (LicenseFact("apache-2.0", "README.md"), LicenseFact("mit", "LICENSE"))}),
    )
    yield "declared", declared(make_request)
    yield "hostile", hostile(make_request)


#: A dataset with everything that the Dataset profile of SPDX 3 has room for.
DATASET = {
    "name": "wiki",
    "version": "2024-01",
    "digest": str(Digest.of(b"wiki")),
    "license": "CC-BY-SA-4.0",
    "url": "https://example.com/wiki",
    "purpose": "training",
    "retention": "P5Y",
    "consent": "published by their authors",
    "sensitivity": "personal data",
    "provenance": "dumps of the projects",
    "notes": "articles only",
    "types": ["text", "timestamp"],
    "originated_by": {"name": "Ann", "type": "person", "contact": "ann@example.com"},
    "built": "2024-01-31",
    "released": "2024-02-01T12:00:00Z",
    "size_bytes": 1024,
    "preprocessing": ["deduplication", "tokenization"],
    "anonymization": ["names were replaced"],
    "known_bias": ["few women write", "mostly English"],
    "noise": "markup",
    "sensors": [{"name": "microphone", "calibration": "2024-01"}, {"name": "camera"}],
    "confidentiality": "amber",
    "intended_use": "language models",
    "availability": "directDownload",
    "update_mechanism": "a dump each month",
}
#: What people say about a model, with every field that an SBOM has a place for.
MANIFEST = {
    "license": "Apache-2.0",
    "supplier": {"name": "Acme Research (Berlin) GmbH", "contact": "sbom@example.com"},
    "copyright": "Copyright 2026 Acme Research\nCopyright 2025 Ann",
    "origin": {
        "url": "https://models.example.com/minilm",
        "publisher": "Example",
        "contact": "https://example.com/contact",
    },
    "hyperparameters": {"seed": 42, "deterministic": True},
    "usage": {
        "commercial": "restricted",
        "intended": ["search"],
        "prohibited": ["surveillance"],
        "policy_url": "https://example.com/policy",
        "ip_claims": [
            {"claimant": "Ann", "claim": "wrote part of the data", "url": "https://example.com/claim"},
            {"claimant": "Ben", "claim": "holds a patent"},
        ],
    },
    "data_governance": {
        "owner": "Acme Data Office",
        "retention": "P10Y",
        "consent": "opt-in",
        "legal_basis": "contract",
        "assessment_url": "https://example.com/assessment",
    },
    "datasets": [DATASET],
    "tests": [{"name": "bias", "metric": "parity", "value": "0.93", "dataset": "held out", "result": "passed"}],
}


def declared(make_request: Callable[..., SbomRequest]) -> SbomRequest:
    """A small model of which people declare everything that they can."""
    return make_request(manifest=MANIFEST)


def hostile(make_request: Callable[..., SbomRequest]) -> SbomRequest:
    """Every text that a model or a manifest may hold is an attack on the writer or on the reader."""
    name = HOSTILE + "/" + HOSTILE
    facts = {
        "files": (FileFacts("config.json", HOSTILE, Inspection.READ),),
        "architecture": HOSTILE,
        "model_type": HOSTILE * 1000,
        "task": HOSTILE,
        "library": HOSTILE,
        "languages": (HOSTILE,) * 1000,
        "sources": dict.fromkeys(("task", "library", "languages"), HOSTILE),
        "formats": (HOSTILE,),
        "element_types": ((HOSTILE, 1),),
        "tokenizer": TokenizerFacts(HOSTILE, 1, HOSTILE),
        "licenses": (
            LicenseFact(HOSTILE, HOSTILE, HOSTILE, "javascript:alert(1)"),
            LicenseFact("other", "README.md", HOSTILE * 100, "https://a.example/%zz"),
            LicenseFact("other", "README.md", None, "https://user:secret@a.example/"),
            LicenseFact("(" * 250, "README.md"),
            LicenseFact("MIT AND " * 30, "README.md"),
            LicenseFact("other", "README.md", "a" * 5000, "https://a.example/" + "b" * 5000),
        ),
        "datasets": (DatasetFact(HOSTILE, HOSTILE), DatasetFact("", "x"), DatasetFact("d" * 5000, "x")),
        "base_models": (name, "", "../../etc/passwd", "C:\\models\\x", "a/b@c?d#e", "~/x"),
    }
    manifest = {
        "license": HOSTILE,
        "supplier": {"name": HOSTILE, "contact": HOSTILE, "type": HOSTILE},
        "copyright": HOSTILE,
        "origin": {"url": HOSTILE, "publisher": HOSTILE, "contact": HOSTILE},
        "data_governance": {HOSTILE: HOSTILE, "assessment_url": HOSTILE},
        "training_container_digest": HOSTILE,
        "fine_tuned_from": {"model": HOSTILE, "digest": HOSTILE, "version": HOSTILE},
        "merged_from": [{"model": HOSTILE}, None, {"model": 3}],
        "datasets": [
            {
                "name": "typed",
                "types": [HOSTILE, 3],
                "originated_by": {"name": HOSTILE, "contact": HOSTILE},
                "built": HOSTILE,
                "released": 3,
                "size_bytes": -1,
                "sensors": [{"name": HOSTILE}, HOSTILE],
                "confidentiality": HOSTILE,
                "availability": [HOSTILE],
                "known_bias": HOSTILE,
                "noise": [HOSTILE],
            },
            {"name": HOSTILE + "2", "digest": "md5:00", "url": HOSTILE, "license": HOSTILE, HOSTILE: [HOSTILE]},
            {"name": 3},
            None,
        ],
    }
    found = (
        SoftwarePackage("p(a)", "1", "python", "pkg:pypi/p@1?x=<>", resolve(HOSTILE), ("config.json", "../x")),
        SoftwarePackage("outside", "1", "python", None, None, ("/etc/passwd",)),
    )
    context = {
        "training_commit": Fact("git+https://user:secret@example.com/x@" + "0" * 40, Known.DECLARED, HOSTILE),
        "container_digest": Fact(str(Digest.of(b"job")), Known.OBSERVED, HOSTILE),
        "container_image": HOSTILE,
    }
    scan = EngineScan(found, Tool("syft", "1.0.0"))
    return make_request(facts=facts, manifest=manifest, scan=scan, context=context, name=HOSTILE, version=HOSTILE)
