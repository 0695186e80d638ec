"""`--dataset`: what each form means, how entries of one name become one, and what is refused before or after reading."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from model_provenance.domain.manifest import DATASET_LIMIT, SourceManifest
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows import datasets
from model_provenance.flows.dataset import dataset
from model_provenance.flows.datasets import joined, named

HEX = "ab" * 32
DIGEST = f"sha256:{HEX}"


@pytest.fixture(name="data")
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with `data/`, two files."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    (folder / "part").mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"1,2\n")
    (folder / "part" / "b.csv").write_bytes(b"3,4\n")
    return folder


def entries(*options: str, source: SourceManifest | None = None) -> list[dict[str, Any]]:
    """The datasets of a release with these options."""
    whole = joined(source, named(options))
    assert whole is not None
    return list(whole.value["datasets"])


def manifest(*listed: dict[str, Any]) -> SourceManifest:
    """A source manifest with these datasets."""
    return SourceManifest({"license": "MIT", "datasets": list(listed)}, "model.yaml", {"datasets": "model.yaml:2:1"})


def refused(*options: str, source: SourceManifest | None = None) -> ModelProvenanceError:
    """What the options end in."""
    with pytest.raises(ModelProvenanceError) as caught:
        entries(*options, source=source)
    return caught.value


def test_a_local_dataset_has_the_digest_that_manifest_dataset_prints(data: Path) -> None:
    """Taken from the bytes, and said to be: a folder as a whole, one file as `sha256sum` prints it."""
    [whole, one] = entries("snli=data", "rows=data/a.csv")

    assert whole == {"name": "snli", "digest": str(dataset(data).digest), "digest_known": "observed"}
    assert one == {"name": "rows", "digest": str(dataset(data / "a.csv").digest), "digest_known": "observed"}


@pytest.mark.parametrize("name", ["snli", "acme/snli", "größe 数据", "a@b", "--name", "</details>", "x" * 300])
def test_a_digest_that_somebody_knows_is_declared(name: str) -> None:
    """`NAME@sha256:HEX` observes nothing; a name is any line of text without `=`."""
    assert entries(f"{name}@{DIGEST}") == [{"name": name, "digest": DIGEST}]


def test_an_entry_as_manifest_dataset_prints_it_is_declared(data: Path) -> None:
    """With whatever else the file says of the dataset; a path of the file, not of the data."""
    Path("entry.yaml").write_text(f"datasets:\n  - name: snli\n    digest: {DIGEST}\n    license: CC-BY-SA-4.0\n")
    assert entries("entry.yaml") == [{"name": "snli", "digest": DIGEST, "license": "CC-BY-SA-4.0"}]


def test_the_options_join_the_source_manifest(data: Path) -> None:
    """One entry a name, in the order of the first mention; everything else of the manifest stays."""
    source = manifest({"name": "books"}, {"name": "snli", "license": "CC-BY-SA-4.0"})

    whole = joined(source, named(["snli=data", f"news@{DIGEST}"]))

    assert whole is not None
    assert [entry["name"] for entry in whole.value["datasets"]] == ["books", "snli", "news"]
    assert whole.value["datasets"][1] == {
        "name": "snli",
        "license": "CC-BY-SA-4.0",
        "digest": str(dataset(data).digest),
        "digest_known": "observed",
    }
    assert (whole.value["license"], whole.place("datasets")) == ("MIT", "model.yaml:2:1")
    assert source.value["datasets"][1] == {"name": "snli", "license": "CC-BY-SA-4.0"}
    assert joined(source, ()) is source


def test_a_dataset_may_be_given_twice_alike(data: Path) -> None:
    """The declared digest and the data that has it are one entry, and the digest is observed."""
    digest = str(dataset(data).digest)
    once = {"name": "snli", "digest": digest, "digest_known": "observed"}

    assert entries(f"snli@{digest}", "snli=data", "snli=data", source=manifest({"name": "snli", "digest": digest})) == [
        once
    ]


def test_data_that_is_not_the_declared_one_stops_the_release(data: Path) -> None:
    """Both digests are said, and where the other one is declared: manifest, file or option."""
    digest = str(dataset(data).digest)
    Path("entry.yaml").write_text(f"datasets: [{{name: snli, digest: '{DIGEST}'}}]\n")
    ways = {
        "model.yaml:2:1": refused("snli=data", source=manifest({"name": "snli", "digest": DIGEST})),
        "entry.yaml": refused("entry.yaml", "snli=data"),
        f"--dataset snli@{DIGEST}": refused(f"snli@{DIGEST}", "snli=data"),
    }
    for where, error in ways.items():
        assert (error.code, int(error.exit_status), error.location) == ("dataset.differs", 11, "data")
        assert all(words in error.message for words in (digest, DIGEST, where)), error


def test_two_declarations_that_disagree_stop_the_release_before_data_is_read(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digests, or any other field; whoever has to correct one of them is told both places."""
    monkeypatch.setattr(datasets, "dataset", lambda *_, **__: pytest.fail("data was read"))
    other = "sha256:" + "cd" * 32
    error = refused("snli=data", f"snli@{DIGEST}", f"snli@{other}")
    assert (error.code, int(error.exit_status)) == ("dataset.twice", 2)
    assert f"--dataset snli@{DIGEST}" in error.message
    assert f"--dataset snli@{other}" in error.message

    Path("entry.yaml").write_text("datasets: [{name: snli, license: MIT}]\n")
    error = refused("entry.yaml", source=manifest({"name": "snli", "license": "CC-BY-4.0"}))
    assert error.code == "dataset.twice"
    assert all(words in error.message for words in ("`license`", "CC-BY-4.0", "model.yaml:2:1", "MIT", "entry.yaml"))


def test_one_name_for_two_folders_is_refused(data: Path) -> None:
    """Nobody could say which of the two is meant."""
    assert refused("snli=data", "snli=data/part").code == "dataset.twice"


@pytest.mark.parametrize(
    ("option", "code", "says"),
    [
        ("", "dataset.form", "it is empty"),
        ("snli", "dataset.form", "neither NAME=PATH nor NAME@sha256:HEX"),
        ("data", "dataset.form", "has no name yet"),
        ("snli=", "dataset.form", "no path"),
        ("=data", "dataset.form", "no name"),
        (" =data", "dataset.form", "no name"),
        (f"@{DIGEST}", "dataset.form", "no name"),
        ("snli = data", "dataset.form", "a blank"),
        (f" snli@{DIGEST}", "dataset.form", "a blank"),
        ("snli=nowhere", "dataset.missing", "`snli`"),
        ("a\nb=data", "dataset.form", "line break"),
        ("a\x1b[31m=data", "dataset.form", "U+001B"),
        ("a\u202eb=data", "dataset.form", "U+202E"),
        (f"a\u202eb@{DIGEST}", "dataset.form", "U+202E"),
        (f"a\u200bb@{DIGEST}", "dataset.form", "U+200B"),
        (f"cafe\u0301@{DIGEST}", "dataset.form", "normal form C"),
        ("cafe\u0301=data", "dataset.form", "normal form C"),
        ("x" * 301 + "=data", "dataset.form", "301 characters"),
        ("x" * 70000, "dataset.form", "no such file"),
        ("snli@sha256:ab", "dataset.form", "2 hex digits"),
        (f"snli@sha256:{HEX.upper()}", "dataset.form", "lower case"),
        (f"snli@{HEX}", "dataset.form", "`sha256:` is missing"),
        ("snli@" + "ab" * 16, "dataset.form", "MD5"),
        (f"snli@sha512:{HEX * 2}", "dataset.form", "only sha256"),
        (f"snli=data@{DIGEST}", "dataset.form", "has no `=`"),
        ("others.yaml", "dataset.form", "`license`"),
        ("none.yaml", "dataset.form", "lists no dataset"),
        ("twice.yaml", "manifest.source_invalid", "listed twice"),
        ("claims.yaml", "manifest.source_invalid", "digest_known"),
        ("broken.yaml", "manifest.source_invalid", "broken.yaml:2"),
        ("data/a.csv", "manifest.source_invalid", "data/a.csv"),
    ],
)
def test_what_is_no_dataset_is_refused_before_anything_is_read(
    option: str, code: str, says: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its reason, on lines that a log can show."""
    Path("others.yaml").write_text("license: MIT\ndatasets: [{name: a}]\n")
    Path("none.yaml").write_text("datasets: []\n")
    Path("twice.yaml").write_text("datasets: [{name: a}, {name: a}]\n")
    Path("claims.yaml").write_text(f"datasets: [{{name: a, digest: '{DIGEST}', digest_known: observed}}]\n")
    Path("broken.yaml").write_text("datasets: [\n")
    monkeypatch.setattr(datasets, "dataset", lambda *_, **__: pytest.fail("data was read"))

    with pytest.raises(ModelProvenanceError) as caught:
        named([option])

    error = caught.value
    assert (error.code, int(error.exit_status)) == (code, 2)
    assert says in str(error)
    assert str(error).replace("\n", "").isprintable()
    assert len(error.message) < 2000


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda data: (data / "x").symlink_to("a.csv"), "dataset.refused", "x: a symbolic link"),
        (lambda data: os.mkfifo(data / "x"), "dataset.refused", "x: a device, FIFO or socket"),
        (lambda data: (data / "A.csv").write_text(""), "dataset.refused", "only by case"),
        (lambda data: (data / "a\nb").write_text(""), "dataset.refused", "control characters"),
        (lambda data: [p.unlink() for p in data.rglob("*.csv")], "dataset.missing", "no file in it"),
        (
            lambda data: (data / "a.csv").write_text(
                f"version https://git-lfs.github.com/spec/v1\noid sha256:{HEX}\nsize 12345\n"
            ),
            "pack.lfs_pointer",
            "a.csv: a Git LFS pointer in place of a file of 12.3 kB",
        ),
    ],
    ids=["link", "FIFO", "case", "line break", "empty", "LFS pointer"],
)
def test_a_folder_without_a_digest_that_holds_everywhere_is_refused(
    make: Any, code: str, says: str, data: Path
) -> None:
    """As in a model, and said of a dataset."""
    make(data)
    error = refused("snli=data")
    assert (error.code, error.location) == (code, "data")
    assert says in error.message
    assert "model" not in error.message + error.remedy


def test_several_refused_names_are_said_at_once(data: Path) -> None:
    """One list to correct."""
    for name in ("x", "y"):
        (data / name).symlink_to("a.csv")
    error = refused("snli=data")
    assert error.message.splitlines() == [
        "names in it are refused:",
        "  x: a symbolic link",
        "  y: a symbolic link",
    ]


def test_a_folder_of_too_many_files_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound of a model is that of a dataset; an archive has none."""
    monkeypatch.setattr("model_provenance.pack.walk.FILE_LIMIT", 1)
    error = refused("snli=data")
    assert error.code == "dataset.refused"
    assert "files" in error.message
    assert "archive" in error.remedy


def test_data_that_changes_while_it_is_read_has_no_digest(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest of neither the old nor the new content would name nothing."""
    from model_provenance.flows import dataset as module

    read = module.read_files

    def meanwhile(*words: Any, **more: Any) -> Any:
        files = read(*words, **more)
        (data / "a.csv").write_bytes(b"9,9\n")
        return files

    monkeypatch.setattr(module, "read_files", meanwhile)
    error = refused("snli=data")
    assert (error.code, int(error.exit_status), error.location) == ("dataset.changed", 11, "data")
    assert "a.csv: changed" in error.message


@pytest.mark.parametrize("option", ["snli={}", "{}"])
def test_a_link_in_the_working_directory_does_not_lead_out_of_it(option: str, data: Path, tmp_path: Path) -> None:
    """Whoever may write to a checkout would else have files of the machine described; the option may name them."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "entry.yaml").write_text("datasets: [{name: a}]\n")
    checkout = tmp_path / "checkout"
    (checkout / "inside").mkdir(parents=True)
    (checkout / "inside" / "entry.yaml").write_text("datasets: [{name: a}]\n")
    (checkout / "led").symlink_to(outside)
    (checkout / "kept").symlink_to("inside")
    os.chdir(checkout)

    error = refused(option.format("led/entry.yaml"))
    assert (error.code, error.location) == ("dataset.refused", "led/entry.yaml")
    assert len(entries(option.format("kept/entry.yaml"))) == 1
    assert len(entries(option.format("../outside/entry.yaml"))) == 1


@pytest.mark.parametrize("way", ["{checkout}", "{base}/alias", "{base}/alias/../checkout/inside/..", "/proc/self/cwd"])
@pytest.mark.parametrize("option", ["snli={}", "{}"])
def test_a_link_in_the_working_directory_is_met_on_every_way_into_it(way: str, option: str, tmp_path: Path) -> None:
    """Another name of the checkout, or a way through the system's own links, leads to the same link."""
    checkout, outside = tmp_path / "checkout", tmp_path / "outside"
    for folder in (checkout / "inside", outside):
        folder.mkdir(parents=True)
        (folder / "entry.yaml").write_text("datasets: [{name: a}]\n")
    (checkout / "led").symlink_to("../outside")
    (tmp_path / "alias").symlink_to("checkout")
    (tmp_path / "elsewhere").symlink_to("outside")
    os.chdir(checkout)
    into = way.format(checkout=checkout, base=tmp_path)
    if not Path(into).exists():
        pytest.skip(f"this system has no {into}")

    assert refused(option.format(f"{into}/led/entry.yaml")).code == "dataset.refused"
    assert len(entries(option.format(f"{into}/inside/entry.yaml"))) == 1
    assert len(entries(option.format(f"{into}/../elsewhere/entry.yaml"))) == 1


def test_more_datasets_than_a_manifest_holds_are_refused(data: Path) -> None:
    """Before they become a manifest that nobody reads."""
    error = refused(*(f"n{number}@{DIGEST}" for number in range(DATASET_LIMIT + 1)))
    assert error.code == "manifest.limit"


def test_reading_is_told_and_told_back(data: Path) -> None:
    """What reads the model next counts from nothing, so that one bar serves both."""
    told: list[tuple[int, int]] = []
    joined(None, named(["snli=data"]), lambda done, total: told.append((done, total)))
    assert sum(done for done, _ in told) == 0
    assert {total for _, total in told} == {8}
