"""How registries are reached: logins, encryption, patience."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from model_provenance.oci.connections import LostError, Origin
from model_provenance.oci.logins import Login
from model_provenance.oci.reference import Reference
from model_provenance.oci.retrying import Retrying
from model_provenance.oci.transport import Transport


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Access:
    """How registries are reached: the environment's logins, one given on the command line, plain HTTP where forced."""

    env: Mapping[str, str]
    login: Login | None = None
    plain_http: bool = False
    retrying: Retrying = field(default_factory=Retrying)
    stall: float = 60.0
    #: Hosts outside a registry's own domain that may be asked for a token, with the user's login.
    token_services: frozenset[str] = frozenset()
    #: Is told, once each, what a registry wants people to know (`Warning: 299`, distribution-spec v1.1 "Warnings").
    on_warning: Callable[[str], None] = _silent


def token_services(reference: Reference, access: Access) -> frozenset[str]:
    """Hosts outside the registry's domain that may hand out its tokens: the caller's, and GitLab for its own registry.

    A self-managed GitLab and its registry may have domains of their own; the runner says which belong together.
    """
    server, registry = access.env.get("CI_SERVER_HOST"), access.env.get("CI_REGISTRY")
    own = {server.lower()} if server and registry and registry.lower() == reference.host else set()
    return access.token_services | own


def base_of(reference: Reference, access: Access, transport: Transport) -> str:
    """Scheme and host. Plain HTTP on this machine by itself, elsewhere only when forced."""
    host = reference.api_host
    if access.plain_http:
        return f"http://{host}"
    if not Origin.of(f"https://{host}").is_loopback:
        return f"https://{host}"
    try:
        spoken = transport.send("GET", f"http://{host}/v2/", {}).status != 400  # noqa: PLR2004 - a TLS server's word for it
    except LostError:
        spoken = False
    return f"{'http' if spoken else 'https'}://{host}"
