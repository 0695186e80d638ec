"""Where a login for a registry comes from: Docker's and podman's files, credential helpers, the CI job (design, 5).

The first place that knows the registry decides: the command line, `DOCKER_AUTH_CONFIG`, Docker's configuration, podman's
files, the token of the CI job.
"""

from __future__ import annotations

import re
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.oci.reference import Reference

_FILE_LIMIT = 4 * 1024 * 1024
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_SECONDS = 60
_SECRET_LIMIT = 64 * 1024
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
#: What a helper prints when it has nothing (docker-credential-helpers, credentials/error.go).
_NOTHING = "credentials not found"


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """A name with a password, or an identity token (an OAuth2 refresh token). Never shown: it has no repr."""

    username: str
    password: str
    identity_token: str | None = None
    #: Where it comes from, for messages.
    source: str = ""


def find_login(reference: Reference, env: Mapping[str, str], given: Login | None = None) -> Login | None:
    """The login for a repository; None for an anonymous one. Raises `registry.credentials`."""
    if given is not None:
        return given
    for name, load in _files(env):
        config = load()
        found = None if config is None else _from_config(config, reference, name, env)
        if found is not None:
            return found
    return _of_job(reference, env)


def _files(env: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    inline = env.get("DOCKER_AUTH_CONFIG")
    if inline:
        yield "DOCKER_AUTH_CONFIG", lambda: _parsed(inline.encode(), "DOCKER_AUTH_CONFIG")
    home = env.get("HOME")
    folder = env.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else None)
    podman = [env.get("REGISTRY_AUTH_FILE")]
    podman += [f"{env['XDG_RUNTIME_DIR']}/containers/auth.json" if env.get("XDG_RUNTIME_DIR") else None]
    podman += [f"{env['XDG_CONFIG_HOME']}/containers/auth.json" if env.get("XDG_CONFIG_HOME") else None]
    podman += [f"{home}/.config/containers/auth.json" if home else None]
    for path in (f"{folder}/config.json" if folder else None, *podman):
        if path:
            yield path, lambda path=path: _read(Path(path))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(f"cannot read it: {error.strerror}", str(path)) from error
    return _parsed(data, str(path)) if data.strip() else None


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    value = parse_json(data, what=shown(where), limit=_FILE_LIMIT, code="registry.credentials")
    if not isinstance(value, dict):
        raise _unusable("it is not an object", where)
    return value


def _from_config(config: dict[str, Any], reference: Reference, where: str, env: Mapping[str, str]) -> Login | None:
    """`credHelpers` for the host before `credsStore` before `auths`, as the Docker command does."""
    helpers = _object(config.get("credHelpers"), where)
    keys = _keys(reference)
    for key in keys:
        helper = helpers.get(key)
        if isinstance(helper, str):
            return _from_helper(helper, _server(reference, key), env, where)
    auths = _object(config.get("auths"), where)
    entries = {_normal(name): value for name, value in auths.items() if isinstance(value, dict)}
    entry = next((entries[key] for key in map(_normal, keys) if key in entries), None)
    found = None if entry is None else _from_entry(entry, where)
    store = config.get("credsStore")
    if found is None and isinstance(store, str) and store:
        server = _HUB_KEYS[0] if reference.is_hub else reference.host
        return _from_helper(store, server, env, where)
    return found


def _keys(reference: Reference) -> list[str]:
    """Podman also knows logins of a namespace: the longest that fits decides."""
    if reference.is_hub:
        return list(_HUB_KEYS)
    parts = reference.repository.split("/")
    return [*(f"{reference.host}/{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)), reference.host]


def _normal(key: str) -> str:
    return (
        key.removeprefix("https://")
        .removeprefix("http://")
        .removesuffix("/v1/")
        .removesuffix("/v2/")
        .rstrip("/")
        .lower()
    )


def _server(reference: Reference, key: str) -> str:
    return _HUB_KEYS[0] if reference.is_hub else key


def _from_entry(entry: Mapping[str, Any], where: str) -> Login | None:
    token = entry.get("identitytoken")
    identity = token if isinstance(token, str) and token else None
    auth = entry.get("auth")
    if isinstance(auth, str) and auth:
        try:
            user, colon, password = b64decode(auth, validate=True).decode().partition(":")
        except ValueError as error:
            raise _unusable("an `auth` in it is not a name and a password in base64", where) from error
        if not colon:
            raise _unusable("an `auth` in it holds no password", where)
        return Login(user, password.rstrip("\0"), identity, where)
    name, secret = entry.get("username"), entry.get("password")
    if isinstance(name, str) and name and isinstance(secret, str):
        return Login(name, secret, identity, where)
    return Login("", "", identity, where) if identity else None


#: What lets this process sign: GitHub's endpoint for tokens, GitLab's token itself, the password of a key.
_IDENTITY = frozenset(
    {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "SIGSTORE_ID_TOKEN", "COSIGN_PASSWORD"}
)


def _without_identity(env: Mapping[str, str]) -> dict[str, str]:
    """A helper needs its cloud's variables, whatever they are called; what signs as this job is not among them."""
    return {name: value for name, value in env.items() if name not in _IDENTITY}


def _from_helper(name: str, server: str, env: Mapping[str, str], where: str) -> Login | None:
    """Ask `docker-credential-NAME get` (docker-credential-helpers protocol)."""
    if not _HELPER.fullmatch(name):
        raise _unusable(f"`{shown(name, 60)}` cannot be the name of a credential helper", where)
    program = f"docker-credential-{name}"
    try:
        done = subprocess.run(
            [program, "get"],
            input=server.encode(),
            capture_output=True,
            env=_without_identity(env),
            timeout=_HELPER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _unusable(f"the credential helper `{program}` cannot be run: {_why(error)}", where) from error
    if done.returncode:
        said = (done.stdout + done.stderr)[:_SECRET_LIMIT].decode("utf-8", "replace").strip()
        if _NOTHING in said:
            return None
        raise _unusable(f"the credential helper `{program}` failed: {shown(said)}", where)
    value = parse_json(done.stdout, what=f"the answer of `{program}`", limit=_SECRET_LIMIT, code="registry.credentials")
    user, secret = (value.get("Username"), value.get("Secret")) if isinstance(value, dict) else (None, None)
    if not isinstance(user, str) or not isinstance(secret, str):
        raise _unusable(f"the credential helper `{program}` gave no login", where)
    if user == "<token>":
        return Login("", "", secret, program)
    return Login(user, secret, None, program)


def _of_job(reference: Reference, env: Mapping[str, str]) -> Login | None:
    """What GitHub and GitLab give a job for their own registry."""
    if reference.host == "ghcr.io" and env.get("GITHUB_ACTIONS") == "true" and env.get("GITHUB_TOKEN"):
        return Login(env.get("GITHUB_ACTOR") or "x-access-token", env["GITHUB_TOKEN"], None, "GITHUB_TOKEN")
    if env.get("CI_REGISTRY") and reference.host == env["CI_REGISTRY"].lower():
        if env.get("CI_REGISTRY_USER") and env.get("CI_REGISTRY_PASSWORD"):
            return Login(env["CI_REGISTRY_USER"], env["CI_REGISTRY_PASSWORD"], None, "CI_REGISTRY_PASSWORD")
        if env.get("CI_JOB_TOKEN"):
            return Login("gitlab-ci-token", env["CI_JOB_TOKEN"], None, "CI_JOB_TOKEN")
    return None


def _object(value: object, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unusable("it is not a configuration of Docker or podman", where)
    return value


def _why(error: BaseException) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer in {_HELPER_SECONDS} s"
    return getattr(error, "strerror", None) or type(error).__name__


def _unusable(why: str, where: str) -> ModelProvenanceError:
    return ModelProvenanceError("registry.credentials", why, location=shown(where, 400))
