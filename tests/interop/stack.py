"""Sigstore as it is: Fulcio, CT log, two Rekor v2, timestamp authority and identity issuers, started on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.interop.issuer import IssuerServer
from tests.interop.namespace import HOSTS, ISSUERS

from model_provenance.testing import trust
from model_provenance.testing.ca import authority, ec_key, time_stamping_authority
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun
from model_provenance.testing.identities import ENTERPRISE, GITHUB_ISSUER
from model_provenance.testing.keys import KeyStore, PrivateKey, pem
from model_provenance.testing.log import log_id

_PASSWORD = "unused"  # two servers insist on a password for keys that have none
_START_LIMIT = 20.0


class RekorLog(NamedTuple):
    """One Rekor v2 shard: a program of versions.json, the log's name, and its port."""

    program: str
    origin: str
    port: int

    @property
    def url(self) -> str:
        """Where it takes entries."""
        return f"http://127.0.0.1:{self.port}"


REKOR = RekorLog("rekor-tiles", "rekor.local", 3003)
REKOR_PREVIOUS = RekorLog("rekor-tiles-previous", "rekor-previous.local", 3005)
FULCIO, CT_LOG, TSA = "http://127.0.0.1:5555", "http://127.0.0.1:6962", "http://127.0.0.1:3004"


class Stack:
    """The servers from `start` to `stop`; to tests it looks like `SigstoreSim`, so that scenarios run on both.

    `program` tells where a program of versions.json lies. All files, logs included, are below `folder`.
    """

    def __init__(self, folder: Path, program: Callable[[str], Path]) -> None:
        self.folder = folder
        self._program = program
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        store = KeyStore()
        now = datetime.now(timezone.utc)
        self.fulcio = authority(
            store, "fulcio", "Local Fulcio", now, intermediate=False, usage=ExtendedKeyUsageOID.CODE_SIGNING
        )
        self.tsa = time_stamping_authority(store, "tsa", now)
        self.ct_key = ec_key(store, "ctlog")
        self.rekor_keys = {log: store.key(log.origin, ed25519_key=True) for log in (REKOR, REKOR_PREVIOUS)}
        self._issuer: IssuerServer | None = None

    def start(self) -> None:
        """Start everything and wait until all of it answers; RuntimeError with the log of what does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._issuer = IssuerServer(self.folder, HOSTS)
        self._write_keys()
        self.start_server("ctlog")
        self.start_server("fulcio")
        for log in self.rekor_keys:
            self.start_server(log.program)
        self.start_server("timestamp-server")
        for name, path in self._health().items():
            self._wait(name, path)

    def stop(self) -> None:
        """End every process that was started, by its own handle."""
        for name in list(self._processes):
            self.stop_server(name)
        if self._issuer is not None:
            self._issuer.stop()
            self._issuer = None

    def start_server(self, name: str) -> None:
        """Start one server; its output goes to `NAME.log`."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "GOMEMLIMIT": "512MiB",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_TRACES_EXPORTER": "none",
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [str(self._program(name)), *self._arguments(name)],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop_server(self, name: str) -> None:
        """End one server and wait for it."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def is_running(self, name: str) -> bool:
        """Whether the server was started and not stopped."""
        return name in self._processes

    def restart_server(self, name: str) -> None:
        """Start a stopped server again and wait until it answers."""
        self.start_server(name)
        self._wait(name, self._health()[name])

    @property
    def issuer_certificate(self) -> Path:
        """What clients must trust to talk to the issuers."""
        assert self._issuer is not None
        return self._issuer.certificate

    @property
    def scratch(self) -> Path:
        """A folder for runner environments."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    @property
    def trusted_root(self) -> str:
        """The trusted root, JSON."""
        return json.dumps(self._root(), indent=2)

    @property
    def signing_config(self) -> str:
        """The signing configuration, JSON."""
        return json.dumps(self._config({2: REKOR.url}), indent=2)

    @property
    def trust_config(self) -> str:
        """The client trust config, JSON."""
        return self.trust_config_for(REKOR)

    def trust_config_for(self, log: RekorLog) -> str:
        """A client trust config that makes clients use this log; both logs are always trusted."""
        return json.dumps(trust.client_trust_config(self._root(), self._config({2: log.url})), indent=2)

    def with_rekor_v1(self, log: trust.TrustedLog, url: str) -> tuple[str, str]:
        """Trusted root and client trust config of an instance with this Rekor v1 for clients that know no other."""
        root = self._root(log)
        return json.dumps(root, indent=2), json.dumps(trust.client_trust_config(root, self._config({1: url})), indent=2)

    def serve_as(self, services: Mapping[str, str]) -> None:
        """Let names of the namespace lead to servers: name -> address. Until the end."""
        assert self._issuer is not None
        self._issuer.services.update(services)

    def token_endpoint(self, claims: Mapping[str, Any]) -> tuple[str, str]:
        """URL and bearer secret where a GitHub job gets tokens with these claims."""
        assert self._issuer is not None
        return f"{self._issuer.url}/oidc/token?api-version=2.0", self._issuer.issuer.grant(claims)

    def issue_token(self, claims: Mapping[str, Any], *, audience: str = "sigstore", life: int = 300) -> str:
        """A token with any claims."""
        assert self._issuer is not None
        return self._issuer.issuer.issue(claims, audience=audience, life=life)

    def issue_github_token(self, run: GitHubRun | None = None, **fields: Any) -> str:
        """A token of a GitHub job."""
        return self.issue_token((run or GitHubRun(**fields)).claims())

    def issue_gitlab_token(self, run: GitLabRun | None = None, **fields: Any) -> str:
        """A token of a GitLab job."""
        return self.issue_token((run or GitLabRun(**fields)).claims())

    def _arguments(self, name: str) -> list[str]:
        at = self.folder
        if name == "ctlog":
            return ["-key", f"{at}/ctlog.key", "-roots", f"{at}/fulcio.pem", "-dir", f"{at}/ctlog"]
        if name == "fulcio":
            words = "serve --host 127.0.0.1 --port 5555 --grpc-host 127.0.0.1 --grpc-port 5554 --metrics-port 2113 --ca fileca"
            files = f"--fileca-cert {at}/fulcio.pem --fileca-key {at}/fulcio.key --fileca-key-passwd {_PASSWORD}"
            ct = f"--ct-log-url {CT_LOG} --ct-log-public-key-path {at}/ctlog.pub --config-path {at}/fulcio.yaml"
            socket = f"--legacy-unix-domain-socket @fulcio-{os.getpid()}"
            return f"{words} {files} {ct} {socket}".split()
        if name == "timestamp-server":
            words = "serve --host 127.0.0.1 --port 3004 --disable-ntp-monitoring --timestamp-signer file"
            files = f"--file-signer-key-path {at}/tsa.key --certificate-chain-path {at}/tsa.pem"
            return f"{words} {files} --file-signer-passwd {_PASSWORD}".split()
        [log] = [log for log in self.rekor_keys if log.program == name]
        words = f"serve --http-address 127.0.0.1 --http-port {log.port} --grpc-address 127.0.0.1 --grpc-port {log.port + 100}"
        fast = f"--http-metrics-port {log.port + 200} --checkpoint-interval 100ms --batch-max-age 20ms"
        files = f"--hostname {log.origin} --storage-dir {at}/{name} --signer-filepath {at}/{log.origin}.key"
        return f"{words} {fast} {files}".split()

    def _health(self) -> dict[str, str]:
        rekor = {log.program: f"{log.url}/healthz" for log in self.rekor_keys}
        servers = {
            "ctlog": f"{CT_LOG}/ct/v1/get-roots",
            "fulcio": f"{FULCIO}/healthz",
            "timestamp-server": f"{TSA}/ping",
        }
        return {**servers, **rekor}

    def _wait(self, name: str, url: str) -> None:
        """Until it answers 200."""
        end = time.monotonic() + _START_LIMIT
        while time.monotonic() < end and self._processes[name].poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        said = (self.folder / f"{name}.log").read_text(errors="replace")
        raise RuntimeError(f"{name} does not answer at {url}:\n{said[-3000:]}")

    def _write_keys(self) -> None:
        def write(name: str, data: str) -> None:
            (self.folder / name).write_text(data)

        write("fulcio.pem", pem(self.fulcio.certificate))
        write("fulcio.key", _private(self.fulcio.key))
        write("tsa.pem", "".join(pem(c) for c in self.tsa.chain))
        write("tsa.key", _private(self.tsa.key))
        write("ctlog.key", _private(self.ct_key, serialization.PrivateFormat.TraditionalOpenSSL))
        write("ctlog.pub", _public(self.ct_key))
        for log, key in self.rekor_keys.items():
            write(f"{log.origin}.key", _private(key))
            write(f"{log.origin}.pub", _public(key))
            (self.folder / log.program).mkdir(exist_ok=True)
        (self.folder / "ctlog").mkdir(exist_ok=True)
        write("fulcio.yaml", self._fulcio_config())

    def _fulcio_config(self) -> str:
        """Production's own, less the issuers that are not here, plus an Enterprise Server; with trust in the one that is all."""
        production = yaml.safe_load((self._program("fulcio").parent / "config.yaml").read_text())
        here = {f"https://{name}" for name in ISSUERS}
        issuers = {url: entry for url, entry in production["oidc-issuers"].items() if url in here}
        github = issuers[GITHUB_ISSUER]
        metadata = production["ci-issuer-metadata"]
        own = f"{ENTERPRISE}/_services/token"
        issuers[own] = {**github, "issuer-url": own, "ci-provider": "enterprise-server"}
        templates = metadata[github["ci-provider"]]
        values = {**templates["default-template-values"], "url": ENTERPRISE}
        metadata["enterprise-server"] = {**templates, "default-template-values": values}
        for entry in issuers.values():
            entry["ca-cert"] = self.issuer_certificate.read_text()
        # Fulcio reads JSON by other names first: a comment makes sure that this is taken for YAML.
        return "# YAML\n" + yaml.safe_dump({"oidc-issuers": issuers, "ci-issuer-metadata": metadata}, sort_keys=False)

    def _root(self, *more: trust.TrustedLog) -> dict[str, Any]:
        logs = [
            trust.TrustedLog(log.origin, key.public_key(), log_id(key, log.origin))
            for log, key in self.rekor_keys.items()
        ]
        logs += more
        return trust.trusted_root(self.fulcio, self.tsa, self.ct_key.public_key(), logs, self.fulcio.created)

    def _config(self, rekor: Mapping[int, str]) -> dict[str, Any]:
        assert self._issuer is not None
        return trust.signing_config(
            fulcio=FULCIO,
            oidc=f"{self._issuer.url}/oidc",
            rekor=rekor,
            tsa=f"{TSA}/api/v1/timestamp",
            since=self.fulcio.created,
        )


def _private(key: PrivateKey, form: Any = serialization.PrivateFormat.PKCS8) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _public(key: PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
