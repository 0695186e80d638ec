"""A whole Sigstore on loopback, with real cryptography: what it signs, unmodified clients verify, and nobody trusts."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, final

from model_provenance.testing import trust
from model_provenance.testing.ctlog import CtLog
from model_provenance.testing.faults import Fault, Faults, Service
from model_provenance.testing.fulcio import Fulcio
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun
from model_provenance.testing.identities import EMAIL_ISSUER
from model_provenance.testing.keys import KeyStore
from model_provenance.testing.log import Log
from model_provenance.testing.loopback import LoopbackServer
from model_provenance.testing.oidc import Issuer
from model_provenance.testing.rekor_v1 import RekorV1
from model_provenance.testing.rekor_v2 import RekorV2
from model_provenance.testing.tsa import Tsa


@final
class SigstoreSim:
    """Fulcio, CT log, Rekor v1 and v2, TSA and OIDC issuer, from `with` to its end, on 127.0.0.1 and one free port.

    `rekor_version` is what `trust_config` makes clients use; both logs always run and are in the trusted root.
    With `state_dir`, keys, certificates and log entries are kept there: a later simulator is the same Sigstore.
    `clock` gives seconds since 1970. Nothing here may be trusted: anybody can make themselves a token.
    """

    def __init__(
        self,
        *,
        rekor_version: int = 1,
        state_dir: Path | None = None,
        clock: Callable[[], float] = time.time,
        intermediate: bool = True,
        ed25519_log: bool = True,
    ) -> None:
        if rekor_version not in (1, 2):
            raise ValueError("Rekor has the versions 1 and 2")
        self._rekor_version = rekor_version
        self._faults = Faults()
        store = KeyStore(state_dir)
        files = (state_dir / "rekor-v1.jsonl", state_dir / "rekor-v2.jsonl") if state_dir else (None, None)
        self.issuer = Issuer(store, self._faults, clock)
        self.ct_log = CtLog(store, self._faults)
        self.fulcio = Fulcio(store, self.issuer, self.ct_log, self._faults, clock, intermediate=intermediate)
        self.rekor_v1 = RekorV1(store, Log(files[0]), self._faults, clock)
        self.rekor_v2 = RekorV2(store, Log(files[1]), self._faults, clock, ed25519_key=ed25519_log)
        self.tsa = Tsa(store, self._faults, clock)
        self._server: LoopbackServer | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> SigstoreSim:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Answer from now on; `with` does it."""
        routes = {
            # sigstore-python replaces the path of Fulcio, sigstore-js that of the TSA: these two have no prefix.
            "/api/v2/": (Service.FULCIO, self.fulcio.handle),
            "/api/v1/": (Service.TSA, self.tsa.handle),
            "/rekor-v1/": (Service.REKOR, self.rekor_v1.handle),
            "/rekor-v2/": (Service.REKOR, self.rekor_v2.handle),
            "/oidc/": (Service.OIDC, self.issuer.handle),
        }
        self._server = LoopbackServer(routes, self._faults)

    def stop(self) -> None:
        """Close the port and remove the scratch folder; harmless when not running."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`; RuntimeError when not running."""
        if self._server is None:
            raise RuntimeError("the simulator is not running: use it in a `with` statement")
        return self._server.url

    @property
    def scratch(self) -> Path:
        """A folder for the runner environments, removed at the end."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="sigstore-sim-")
        return Path(self._scratch.name)

    @property
    def trusted_root(self) -> str:
        """The trusted root, JSON; the same whatever port is used."""
        return _json(self._root())

    @property
    def signing_config(self) -> str:
        """The signing configuration for `rekor_version` with the TSA, JSON."""
        return _json(self._config(self._rekor_version, tsa=True))

    @property
    def trust_config(self) -> str:
        """The client trust config for `rekor_version` with the TSA, JSON."""
        return self.trust_config_for()

    def trust_config_for(self, *, rekor_version: int | None = None, tsa: bool = True) -> str:
        """A client trust config for another Rekor version, or for clients that shall not ask the TSA."""
        config = self._config(rekor_version or self._rekor_version, tsa=tsa)
        return _json(trust.client_trust_config(self._root(), config))

    def issue_github_token(
        self, run: GitHubRun | None = None, *, audience: str = "sigstore", life: int = 300, **fields: Any
    ) -> str:
        """A token of a GitHub job: of `run`, or of `GitHubRun(**fields)`. `life` in seconds may be negative."""
        return self.issue_token((run or GitHubRun(**fields)).claims(), audience=audience, life=life)

    def issue_gitlab_token(
        self, run: GitLabRun | None = None, *, audience: str = "sigstore", life: int = 300, **fields: Any
    ) -> str:
        """A token of a GitLab job: of `run`, or of `GitLabRun(**fields)`."""
        return self.issue_token((run or GitLabRun(**fields)).claims(), audience=audience, life=life)

    def issue_email_token(self, email: str, *, audience: str = "sigstore", issuer: str = EMAIL_ISSUER) -> str:
        """A person's token."""
        claims = {"iss": issuer, "sub": "1" + "0" * 20, "email": email, "email_verified": True}
        return self.issue_token(claims, audience=audience)

    def issue_token(self, claims: Mapping[str, Any], *, audience: str = "sigstore", life: int = 300) -> str:
        """A token with any claims; `iss` and `sub` are the caller's."""
        return self.issuer.issue(claims, audience=audience, life=life)

    def token_endpoint(self, claims: Mapping[str, Any]) -> tuple[str, str]:
        """URL and bearer secret where a job gets tokens with these claims, as from the Actions runner.

        The URL has a query already, as GitHub's has: clients append `&audience=`.
        """
        return f"{self.url}/oidc/token?api-version=2.0", self.issuer.grant(claims)

    def misbehave(
        self, service: Service | str, fault: Fault | str, *, times: int | None = None, seconds: float = 60.0
    ) -> None:
        """Go wrong from now on, or for the next `times` requests; `seconds` is how slow `slow` is.

        ValueError when the service has no such fault; `faults.py` lists them.
        """
        self._faults.start(Service(service), Fault(fault), times=times, seconds=seconds)

    def behave(self) -> None:
        """End all misbehaviour."""
        self._faults.clear()

    def _root(self) -> dict[str, Any]:
        logs = [
            trust.TrustedLog(self.rekor_v1.HOST, self.rekor_v1.key.public_key(), self.rekor_v1.log_id),
            trust.TrustedLog(self.rekor_v2.HOST, self.rekor_v2.key.public_key(), self.rekor_v2.log_id),
        ]
        fulcio = self.fulcio.authority
        return trust.trusted_root(fulcio, self.tsa.authority, self.ct_log.key.public_key(), logs, fulcio.created)

    def _config(self, rekor_version: int, *, tsa: bool) -> dict[str, Any]:
        return trust.signing_config(
            fulcio=self.url,
            oidc=f"{self.url}/oidc",
            rekor={rekor_version: f"{self.url}/rekor-v{rekor_version}"},
            tsa=f"{self.url}/api/v1/timestamp" if tsa else None,
            since=self.fulcio.authority.created,
        )


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2)
