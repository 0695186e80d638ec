"""`--dataset` on the command line: what a release, its documents and its provenance say of datasets."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from .command import Cli

DIGEST = "sha256:" + "ab" * 32
FORMATS = "spdx-json,cyclonedx-json@1.7,spdx3-json"


@pytest.fixture(name="data")
def _data(desk: Path) -> Path:
    folder = desk / "data"
    folder.mkdir()
    (folder / "a.csv").write_bytes(b"1,2\n")
    (folder / "b.csv").write_bytes(b"3,4\n")
    return folder


def _value(path: Path) -> Any:
    return json.loads(path.read_bytes())


def test_every_document_of_a_release_has_its_datasets(data: Path, desk: Path, cli: Cli, release: Cli) -> None:
    """Manifest, three SBOMs, provenance and the terminal: one entry a name, with what was observed of it; and it verifies."""
    (desk / "m.yaml").write_text(
        f"datasets: [{{name: snli, license: CC-BY-SA-4.0}}, {{name: books, digest: '{DIGEST}'}}]\n"
    )
    printed = json.loads(cli("manifest", "dataset", "data", "--name", "snli", "--format", "json").out)
    digest = printed["datasets"][0]["digest"]

    done = release("--manifest", "m.yaml", "--dataset", "snli=data", "--dataset", f"news@{DIGEST}", "--sbom", FORMATS)

    assert done.status == 0, done
    assert "snli, books, news (declared); digests of 1 of 3 observed" in done.out
    folder = desk / "dist/minilm-1.0.0"
    manifest = _value(folder / "model-manifest.json")
    assert manifest["datasets"] == [
        {"name": "snli", "digest": digest, "digest_known": "observed", "license": "CC-BY-SA-4.0"},
        {"name": "books", "digest": DIGEST},
        {"name": "news", "digest": DIGEST},
    ]
    assert manifest["known"]["datasets"] == "declared"
    packages = {p["name"]: p for p in _value(folder / "sbom.spdx.json")["packages"]}
    assert packages["snli"]["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest[7:]}]
    assert packages["snli"]["comment"] == "dataset; digest_known: observed"
    components = {c["name"]: c for c in _value(folder / "sbom.cdx.json")["components"] if c["type"] == "data"}
    assert components["snli"]["hashes"] == [{"alg": "SHA-256", "content": digest[7:]}]
    properties = [{p["name"]: p["value"] for p in components[name]["properties"]} for name in ("snli", "news")]
    assert [p.get("model-provenance:dataset:digest_known") for p in properties] == ["observed", None]
    graph = {
        e.get("name"): e for e in _value(folder / "sbom.spdx3.json")["@graph"] if e["type"] == "dataset_DatasetPackage"
    }
    assert [graph[name].get("comment") for name in ("snli", "books")] == ["digest_known: observed", None]
    payload = _value(folder / "evidence/provenance.sigstore.json")["dsseEnvelope"]["payload"]
    dependencies = json.loads(base64.b64decode(payload))["predicate"]["buildDefinition"]["resolvedDependencies"]
    of_data = {d["name"]: (d["digest"]["sha256"], d["annotations"]) for d in dependencies}
    assert of_data["snli"] == (digest[7:], {"role": "dataset", "known": "declared", "digestKnown": "observed"})
    assert of_data["news"] == (DIGEST[7:], {"role": "dataset", "known": "declared"})
    named = ("--name", "minilm", "--version", "1.0.0")
    assert cli("verify", "model", "--evidence", folder, "--key", "release.pub", *named).status == 0


def test_the_entry_that_was_printed_is_an_input(data: Path, desk: Path, cli: Cli, release: Cli) -> None:
    """The data stays where it is: its entry travels. With the data beside it, both must agree."""
    (desk / "entry.yaml").write_text(cli("manifest", "dataset", "data", "--name", "snli").out)

    assert release("--dataset", "entry.yaml", "--output", "one").status == 0
    assert release("--dataset", "entry.yaml", "--dataset", "snli=data", "--output", "two").status == 0
    (data / "a.csv").write_bytes(b"1,3\n")
    release("--dataset", "entry.yaml", "--dataset", "snli=data", "--output", "three").refused(
        11, "dataset.differs", "data", "entry.yaml", "`snli`"
    )


@pytest.mark.parametrize(
    ("given", "status", "code", "says"),
    [
        ("nowhere", 2, "dataset.form", ("NAME=PATH", "manifest dataset PATH")),
        ("data", 2, "dataset.form", ("data=data",)),
        ("snli=nowhere", 2, "dataset.missing", ("nowhere", "`snli`")),
        ("snli@latest", 2, "dataset.form", ("neither",)),
        ("snli@sha256:12", 2, "dataset.form", ("64",)),
        ("model/config.json", 2, "manifest.source_invalid", ("architectures",)),
        ("snli=data/link", 2, "dataset.refused", ("leads out",)),
    ],
)
def test_a_wrong_dataset_says_what_to_give(
    given: str, status: int, code: str, says: tuple[str, ...], data: Path, release: Cli, cli: Cli
) -> None:
    """The same for `release` and `sbom`, and nothing is written."""
    (data / "link").symlink_to("/etc/hostname")
    release("--dataset", given).refused(status, code, *says)
    cli("sbom", "model", "--sbom-engine", "native", "--dataset", given).refused(status, code, *says)


def test_a_wrong_dataset_is_found_before_the_weights_are_read(
    data: Path, release: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a terabyte to learn that a path was mistyped."""
    monkeypatch.setattr("os.readv", lambda *_: pytest.fail("the weights were read"))
    release("--dataset", "snli=dat").refused(2, "dataset.missing")


@pytest.mark.parametrize("format", FORMATS.split(","))
def test_an_sbom_with_datasets_is_derived_again(format: str, data: Path, cli: Cli) -> None:
    """With the options of the release all of it; with other data the digest is drift."""
    options = ("--dataset", "snli=data", "--dataset", f"news@{DIGEST}")
    assert cli("sbom", "model", "--sbom-engine", "native", "--sbom", format, "--output", "sboms", *options).status == 0
    [sbom] = Path("sboms").iterdir()

    assert cli("sbom", "verify", sbom, "model", *options).status == 0
    (data / "a.csv").write_bytes(b"1,3\n")
    changed = cli("sbom", "verify", sbom, "model", *options)
    assert (changed.status, "sbom.drift" in changed.out) == (11, True), changed


def test_a_long_list_of_files_does_not_make_an_entry_unreadable(data: Path, desk: Path, cli: Cli) -> None:
    """The digest covers all of them; the comments name the first thousand, and JSON every one."""
    for number in range(1500):
        (data / f"{number:04}.csv").write_text("")
    text = cli("manifest", "dataset", "data").out
    (desk / "entry.yaml").write_text(text)

    assert text.splitlines()[-1] == "    # and 502 more files, which --format json lists"
    assert cli("manifest", "check", "entry.yaml").status == 0
    assert len(json.loads(cli("manifest", "dataset", "data", "--format", "json").out)["files"]) == 1502
