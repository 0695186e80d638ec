"""An OCI layout that the same release was written into twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_provenance.cli.main import run


def test_a_second_release_into_a_layout_takes_over_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bundles do not multiply, and the layout verifies after the first and after the second release."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    model, layout = tmp_path / "model", tmp_path / "layout"
    model.mkdir()
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (model / "config.json").write_text('{"model_type": "bert"}')
    (model / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    assert run(["keygen", "--output", str(tmp_path / "release")]) == 0
    release = ["release", str(model), "--name", "minilm", "--version", "1.0.0", "--sbom-engine", "native"]
    release += ["--key", str(tmp_path / "release.key"), "--oci-layout", str(layout)]
    blobs = []
    for number in range(2):
        assert run([*release, "--output", str(tmp_path / f"dist{number}")]) == 0

        expected = ["--key", str(tmp_path / "release.pub"), "--name", "minilm", "--version", "1.0.0"]
        assert run(["verify", str(layout), *expected]) == 0, capsys.readouterr()
        blobs.append(sorted(path.name for path in (layout / "blobs/sha256").iterdir()))

    assert blobs[0] == blobs[1]
