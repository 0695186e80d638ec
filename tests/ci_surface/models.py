"""What a scenario does to its repository before a run, by name."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile, Role
from model_provenance.formats.oms import files_digest

_CARD = "---\nlicense: {license}\ndatasets: [{datasets}]\n---\n# MiniLM\n"


def _lfs_pointer(repository: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
    (repository / "model/model.safetensors").write_text(pointer)


def _strange_names(repository: Path) -> None:
    """A folder that looks like an option, and names with spaces, accents, commas and a leading dash."""
    folder = repository / "-möd el"
    (repository / "model").rename(folder)
    for name in ("Größe.txt", "a, b.txt", "--output.txt", "数据 集.txt"):
        (folder / name).write_text(name)


def _ten_thousand_files(repository: Path) -> None:
    folder = repository / "model/shards"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number:05}.txt").write_text(f"{number}\n")


def _many_datasets(repository: Path) -> None:
    names = ", ".join(f"'{'d' * 180}{number}'" for number in range(4000))
    (repository / "model/README.md").write_text(_CARD.format(license="apache-2.0", datasets=names))


def _hostile(repository: Path) -> None:
    """Names that would be markup, commands of the runner, links or arrows of the diagram."""
    names = "'</details><img src=x onerror=y>', '[x](https://evil.example)', '::error::gone', '\"]; A-->B; click A'"
    (repository / "model/README.md").write_text(_CARD.format(license="apache-2.0", datasets=names))
    (repository / "model/@everyone #1 `x` [y](z).txt").write_text("x")


def _changed(repository: Path) -> None:
    """Another licence, one more dataset, other weights, one more file."""
    model = repository / "model"
    (model / "README.md").write_text(_CARD.format(license="cc-by-nc-4.0", datasets="snli, acme/tickets"))
    header = b'{"w":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]}}'
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(32))
    (model / "tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": {"a": 0}}}')


def _one_byte(repository: Path) -> None:
    """What a gate must notice."""
    weights = repository / "model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")


def _declared(repository: Path) -> None:
    """A source manifest that names everything a release asks for."""
    (repository / "model.yaml").write_text(
        "license: Apache-2.0\n"
        f"training_commit: git+https://github.com/acme/training@{'5' * 40}\n"
        "datasets:\n"
        f"  - {{name: snli, digest: 'sha256:{'1' * 64}', license: CC-BY-SA-4.0, retention: P5Y}}\n"
        f"fine_tuned_from: {{model: nreimers/MiniLM-L6-H384-uncased, digest: 'sha256:{'2' * 64}'}}\n"
        "data_governance: {retention: P5Y}\n"
    )


def _data(repository: Path) -> None:
    """Data whose digest the manifest knows, and an entry as `manifest dataset` prints it."""
    folder = repository / "data/tickets"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"1,2\n")
    digest = files_digest([ModelFile("a.csv", 4, Digest(hashlib.sha256(b"1,2\n").hexdigest()), Role.OTHER)])
    (repository / "model.yaml").write_text(f"datasets:\n  - {{name: acme/tickets, digest: '{digest}', license: MIT}}\n")
    entry = f'datasets:\n  - name: "snli"\n    digest: sha256:{"7" * 64}\n    # {"8" * 64}  train.csv\n'
    (repository / "data/entry.yaml").write_text(entry)


def _other_data(repository: Path) -> None:
    (repository / "data/tickets/a.csv").write_bytes(b"1,3\n")


def _data_elsewhere(repository: Path) -> None:
    """What somebody might commit in the place of data."""
    shutil.rmtree(repository / "data/tickets")
    (repository / "data/tickets").symlink_to("/etc")


def _evaluated(repository: Path) -> None:
    """Bounds, and results that keep one of them; a name that would like to be markup."""
    (repository / "model.yaml").write_text(
        "license: Apache-2.0\n"
        "tests:\n"
        "  - {name: hellaswag, metric: acc_norm, min: 0.7}\n"
        "  - {name: crows_pairs_english, metric: pct_stereotype, max: 0.6}\n"
    )
    (repository / "results.json").write_text(
        '{"results": {"hellaswag": {"acc,none": 0.61, "acc_norm,none": 0.72},'
        ' "crows_pairs_english": {"pct_stereotype,none": 0.63},'
        ' "<img src=x>|[a](https://evil.example)": {"acc,none": 0.5}}}'
    )
    (repository / "fairness.json").write_text(
        '{"tests": [{"name": "parity", "kind": "bias", "metric": "gap", "value": 0.04, "group": "women"}]}'
    )


def _faulty_manifest(repository: Path) -> None:
    lines = ["licence: MIT", *(f"key{number}: 1" for number in range(60))]
    (repository / "model.yaml").write_text("\n".join(lines) + "\n")


def _link(repository: Path) -> None:
    (repository / "model/vocab.txt").symlink_to("README.md")


def _empty(repository: Path) -> None:
    for path in (repository / "model").iterdir():
        path.unlink()
    (repository / "model/.gitignore").touch()


def _credentials(repository: Path) -> None:
    (repository / "model/.env").write_text("TOKEN=x\n")


PREPARATIONS: dict[str, Callable[[Path], None]] = {
    "lfs-pointer": _lfs_pointer,
    "strange-names": _strange_names,
    "ten-thousand-files": _ten_thousand_files,
    "many-datasets": _many_datasets,
    "hostile": _hostile,
    "changed": _changed,
    "one-byte": _one_byte,
    "declared": _declared,
    "evaluated": _evaluated,
    "data": _data,
    "other-data": _other_data,
    "data-elsewhere": _data_elsewhere,
    "faulty-manifest": _faulty_manifest,
    "link": _link,
    "empty": _empty,
    "credentials": _credentials,
}
