"""A small model, a key, a registry: what a push, a verification and a pull need."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from model_provenance.disk.aside import MARK
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Layout
from model_provenance.domain.receipt import Receipt
from model_provenance.domain.verification import Report
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.push import PushRequest
from model_provenance.flows.release import release
from model_provenance.flows.remote import Pulled, pull, verify_reference
from model_provenance.flows.request import ReleaseRequest
from model_provenance.flows.signing import KeySigning
from model_provenance.flows.verify import VerifyRequest, remote_request
from model_provenance.oci.access import Access
from model_provenance.oci.retrying import Retrying
from model_provenance.testing.registry_sim import RegistrySim

BIG = 17 * 1024 * 1024
REPOSITORY = "made/minilm"


def no_sleep(seconds: float) -> None:
    """Pauses cost nothing in tests."""


def access_to(sim: RegistrySim, *, tries: int = 8, sleep: Callable[[float], None] = no_sleep) -> Access:
    """Logged in as the simulator's user, by a Docker configuration."""
    login = {"auths": {sim.host: {"username": sim.USER, "password": sim.PASSWORD}}}
    return Access({"DOCKER_AUTH_CONFIG": json.dumps(login)}, retrying=Retrying(tries=tries, sleep=sleep), stall=5)


class Workshop:
    """A model and a key, and the commands on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "model"
        self.model.mkdir()
        header = json.dumps({"w": {"dtype": "F32", "shape": [500], "data_offsets": [0, 2000]}}).encode()
        header += b" " * (-len(header) % 8)
        (self.model / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(2000))
        (self.model / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
        (self.model / "LICENSE").write_text("Apache License 2.0")
        key = ec.generate_private_key(ec.SECP256R1())
        self.key, self.public = folder / "release.key", folder / "release.pub"
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public.write_bytes(public)

    def add_big_file(self, name: str = "big.safetensors", seed: int = 0) -> None:
        """A weight with a layer of its own."""
        header = json.dumps({"w": {"dtype": "U8", "shape": [BIG], "data_offsets": [0, BIG]}}).encode()
        header += b" " * (-len(header) % 8)
        data = bytearray(BIG)
        data[0:8] = seed.to_bytes(8, "big")
        (self.model / name).write_bytes(struct.pack("<Q", len(header)) + header + data)

    def release(self, sim: RegistrySim, tag: str = "1.0.0", **changes: Any) -> Receipt:
        """`release --push`."""
        tries = changes.pop("tries", 8)
        move = changes.pop("allow_tag_move", False)
        access = changes.pop("access", None) or access_to(sim, tries=tries)
        version = changes.pop("version", "1.0.0")
        request = ReleaseRequest(
            model=self.model,
            name=ModelName.parse("minilm"),
            version=Version.parse(version),
            signing=KeySigning(self.key, lambda: b""),
            output=self.folder / f"dist-{len(list(self.folder.iterdir()))}",
            layout=Layout.LAYERS,
            push=PushRequest((f"{sim.host}/{REPOSITORY}:{tag}",), access, move),
            sbom_engine="native",
            env={},
        )
        return release(replace(request, **changes))

    def request(self, sim: RegistrySim, what: str = ":1.0.0", **changes: Any) -> VerifyRequest:
        """`oci://…` with the key and the name."""
        wanted = VerifyRequest(
            target=Path("unused"),
            signer=SignerOptions(key=self.public),
            name="minilm",
            reference=f"oci://{sim.host}/{REPOSITORY}{what}",
            access=changes.pop("access", None) or access_to(sim),
        )
        return replace(wanted, **changes)

    def verify(self, sim: RegistrySim, what: str = ":1.0.0", *, weights: bool = True, **changes: Any) -> Report:
        """`verify oci://…`."""
        return verify_reference(remote_request(self.request(sim, what, **changes)), weights=weights)

    def pull(self, sim: RegistrySim, what: str = ":1.0.0", output: str = "pulled", **changes: Any) -> Pulled:
        """`pull oci://… --output pulled`."""
        return pull(remote_request(self.request(sim, what, **changes)), self.folder / output)

    def partly_pulled(self, digest: str, output: str = "pulled") -> Path:
        """The folder that an interrupted pull of the package of this digest fills."""
        folder = self.folder / f".{output}.pull-{digest[:16]}"
        folder.mkdir(mode=0o700)
        (folder / MARK).touch()
        (folder / "model").mkdir()
        return folder / "model"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file by name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
