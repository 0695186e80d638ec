"""A push that dies, anywhere, and is run again: nothing is lost, nothing is different, no tag names what does not verify."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.oci.registry.workshop import REPOSITORY, Workshop, access_to

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Blob, Descriptor
from model_provenance.domain.result import Result
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.oci import EMPTY, MANIFEST, bundle_referrer
from model_provenance.oci.reference import Reference
from model_provenance.oci.referrers import Referrer, attach, list_referrers
from model_provenance.oci.registry import Registry
from model_provenance.oci.transport import Transport, Upload
from model_provenance.testing.registry_sim import RegistrySim

Registries = Callable[..., RegistrySim]
POINTS = 50


class KilledError(BaseException):
    """As if the process had ended here."""


class Death:
    """Counts what goes over the network, and ends the run at one point."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.at: int | None = None
        self._lock = threading.Lock()
        for owner, name in ((Transport, "_exchange"), (Upload, "write"), (Upload, "finish")):
            monkeypatch.setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, true: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            with self._lock:
                self.count += 1
                dead = self.at is not None and self.count >= self.at
            if dead:
                for argument in arguments:
                    if isinstance(argument, http.client.HTTPConnection):
                        argument.close()
                raise KilledError
            return true(*arguments)

        return counted


def state(sim: RegistrySim) -> tuple[Any, ...]:
    """What a release leaves that does not depend on the randomness of a signature."""
    package = {d for d, (_, data) in sim.store.manifests[REPOSITORY].items() if not json.loads(data).get("subject")}
    fallback = {named[-1] for tag, named in sim.store.tags[REPOSITORY].items() if tag.startswith("sha256-")}
    old = {d for tag, named in sim.store.tags[REPOSITORY].items() if tag.startswith("sha256-") for d in named}
    return sorted(package - fallback - old), sim.store.tags[REPOSITORY]["1.0.0"][-1]


def listed(sim: RegistrySim) -> set[str]:
    """Every referrer that the registry lists, of any manifest."""
    with Registry(Reference.parse(f"{sim.host}/{REPOSITORY}"), access_to(sim)) as registry:
        subjects = list(sim.store.manifests.get(REPOSITORY, {}))
        return {str(each.digest) for subject in subjects for each in list_referrers(registry, Digest.parse(subject))}


@pytest.mark.parametrize("profile", ["spec-1.1", "distribution-2.8"])
def test_a_push_that_is_killed_at_any_point_is_finished_by_the_next(
    workshop: Workshop, registry: Registries, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at random points and run again: the same index and manifests, every referrer listed, the tag verifies."""
    death = Death(monkeypatch)
    whole = registry(profile)
    receipt = workshop.release(whole)
    points, wanted = death.count, state(whole)
    for number in random.Random(profile).sample(range(1, points + 1), POINTS // 2):
        sim = registry(profile)
        death.count, death.at = 0, number
        with pytest.raises(KilledError):
            workshop.release(sim)
        death.at = None
        before = listed(sim)
        if "1.0.0" in sim.store.tags.get(REPOSITORY, {}):
            assert workshop.verify(sim, weights=False).result is Result.PASS, number
        again = workshop.release(sim)
        assert again.references[0].partition("@")[2] == receipt.references[0].partition("@")[2]
        assert state(sim) == wanted, number
        assert before <= listed(sim)
        assert workshop.verify(sim).result is Result.PASS, number
        sim.stop()


def test_a_process_that_is_killed_is_finished_by_the_next(workshop: Workshop, registry: Registries) -> None:
    """The same with a real SIGKILL, in the middle of a layer and later."""
    workshop.add_big_file()
    sim = registry("distribution-2.8")
    words = [
        sys.executable,
        "-m",
        "model_provenance",
        "release",
        str(workshop.model),
        "--name",
        "minilm",
        "--version",
        "1.0.0",
    ]
    words += ["--key", str(workshop.key), "--push", f"{sim.host}/{REPOSITORY}", "--sbom-engine", "native"]
    words += ["--output", str(workshop.folder / "killed")]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src"), "HOME": str(workshop.folder)}
    for victim in ("PATCH ", "/manifests/sha256:", "/manifests/sha256-"):
        process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def kill(method: str, path: str, victim: str = victim, process: subprocess.Popen[bytes] = process) -> None:
            if victim in f"{method} {path}" and method in ("PUT", "PATCH"):
                process.send_signal(signal.SIGKILL)
                process.wait()

        sim.before = kill
        assert process.wait(30) == -signal.SIGKILL
        sim.before = None
    before = listed(sim)
    workshop.release(sim)
    assert workshop.verify(sim).result is Result.PASS
    assert before <= listed(sim)


def test_twenty_at_once_lose_nothing(registry: Registries) -> None:
    """Twenty runs attach to one subject where only a tag lists: all are there, or the one that is not has said so."""
    sim = registry("distribution-2.8")
    config = Blob(EMPTY, b"{}")
    reference = Reference.parse(f"{sim.host}/{REPOSITORY}")
    with Registry(reference, access_to(sim), write=True) as opened:
        opened.push_blob(config)
    subject = Descriptor(MANIFEST, Digest.of(b"subject"), 7)

    def run(number: int) -> Digest | None:
        import time

        with Registry(reference, access_to(sim, sleep=time.sleep), write=True) as mine:
            manifest, blobs = bundle_referrer(
                b'{"n":%d}' % number, "https://example.org/p", subject, "1970-01-01T00:00:00Z"
            )
            for blob in blobs:
                mine.push_blob(blob)
            try:
                attach(mine, [Referrer(manifest, subject)])
            except ModelProvenanceError as error:
                if error.code != "registry.evidence_lost":
                    raise
                return None
            return manifest.digest

    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(run, range(20)))
    with Registry(reference, access_to(sim)) as opened:
        found = {each.digest for each in list_referrers(opened, subject.digest)}
    succeeded = {digest for digest in made if digest is not None}
    assert succeeded <= found
    assert len(succeeded) >= 15
