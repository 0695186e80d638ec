"""Names of models in registries, logins as users have them, and what registries are known not to take."""

from __future__ import annotations

import json
import os
import stat
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.errors import ModelProvenanceError
from model_provenance.oci.access import Access, token_services
from model_provenance.oci.auth import Challenge, parse_challenge, refuse_foreign_realm
from model_provenance.oci.connections import Connections, Origin
from model_provenance.oci.limits import TABLE, limits_of
from model_provenance.oci.logins import Login, find_login
from model_provenance.oci.reference import Reference
from model_provenance.oci.retrying import retry_after
from model_provenance.oci.transport import Answer

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("ghcr.io/acme/minilm:1.0.0", "ghcr.io", "acme/minilm", "1.0.0", None),
        ("oci://ghcr.io/acme/minilm", "ghcr.io", "acme/minilm", None, None),
        (f"localhost:5000/m@{DIGEST}", "localhost:5000", "m", None, DIGEST),
        (f"localhost/m:x@{DIGEST}", "localhost", "m", "x", DIGEST),
        ("[::1]:5000/a/b__c/d-e.f:_1", "[::1]:5000", "a/b__c/d-e.f", "_1", None),
        ("docker.io/minilm:1", "docker.io", "library/minilm", "1", None),
        ("GHCR.io/acme/m:V1", "ghcr.io", "acme/m", "V1", None),
    ],
)
def test_references_are_read(text: str, host: str, repository: str, tag: str | None, digest: str | None) -> None:
    """Host, repository, tag and digest, with and without the scheme."""
    found = Reference.parse(text)
    assert (found.host, found.repository, found.tag) == (host, repository, tag)
    assert (None if found.digest is None else str(found.digest)) == digest
    assert Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "minilm", "acme/minilm:1", "https://ghcr.io/a/b", "oci://oci://ghcr.io/a", "ghcr.io/Acme/m", "ghcr.io/a/../b",
        "ghcr.io/a//b", "ghcr.io/a/b:", "ghcr.io/a/b:t/x", "ghcr.io/a/b@sha256:1", "ghcr.io/a/b@sha512:" + "a" * 128,
        "ghcr.io/a b:1", "ghcr.io/" + "a" * 300, "-x.io/a", "user@ghcr.io/a", "ghcr.io/a?b=c:1", "ghcr.io/a/b:" + "1" * 129,
        "ghcr.io:x/a", "ghcr.io/a\n:1",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    """One code, and the message says what is wrong."""
    with pytest.raises(ModelProvenanceError) as refused:
        Reference.parse(text)
    assert refused.value.code == "registry.reference"


@given(st.text(max_size=80))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    """Nothing else happens, and what was read is written the same."""
    try:
        found = Reference.parse(text)
    except ModelProvenanceError as error:
        if error.code != "registry.reference":
            raise
    else:
        assert Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    ("tag", "version"),
    [("1.0.0", "1.0.0"), ("v2.1", "2.1"), ("1.0.0-rc.1", "1.0.0-rc.1"), ("latest", None), ("prod1", None), ("7", None)],
)
def test_version_like_tags(tag: str, version: str | None) -> None:
    """A tag that reads like a version must be the signed one; other names say nothing."""
    assert Reference.parse(f"ghcr.io/a/b:{tag}").version == version


def _auth(user: str, password: str) -> str:
    return b64encode(f"{user}:{password}".encode()).decode()


def _docker(folder: Path, config: Mapping[str, object]) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps(config))
    return {"DOCKER_CONFIG": str(folder), "PATH": os.environ["PATH"]}


@pytest.mark.parametrize("key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v1/", "ghcr.io/"])
def test_a_login_of_docker_is_found(tmp_path: Path, key: str) -> None:
    """`auths` under every way in which tools write the host."""
    login = find_login(Reference.parse("ghcr.io/a/b"), _docker(tmp_path, {"auths": {key: {"auth": _auth("u", "p:w")}}}))
    assert login is not None
    assert (login.username, login.password) == ("u", "p:w")
    assert "p:w" not in repr(login)


def test_docker_hub_has_a_key_of_its_own(tmp_path: Path) -> None:
    """Docker Hub's login lies under an address of its first version."""
    env = _docker(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": _auth("u", "p")}}})
    assert find_login(Reference.parse("docker.io/a/b"), env) is not None
    assert find_login(Reference.parse("ghcr.io/a/b"), env) is None


def test_identity_tokens_and_plain_entries(tmp_path: Path) -> None:
    """An identity token is a refresh token; podman also writes name and password as they are."""
    config = {"auths": {"a.io": {"identitytoken": "refresh"}, "b.io": {"username": "u", "password": "p"}}}
    token = find_login(Reference.parse("a.io/x"), _docker(tmp_path, config))
    assert token is not None
    assert token.identity_token == "refresh"
    plain = find_login(Reference.parse("b.io/x"), _docker(tmp_path, config))
    assert plain is not None
    assert plain.password == "p"


def test_podman_knows_logins_of_a_namespace(tmp_path: Path) -> None:
    """The longest namespace that fits decides (containers-auth.json(5))."""
    folder = tmp_path / "containers"
    folder.mkdir()
    auths = {"quay.io": {"auth": _auth("host", "1")}, "quay.io/acme": {"auth": _auth("team", "2")}}
    (folder / "auth.json").write_text(json.dumps({"auths": auths}))
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    names = []
    for text in ("quay.io/acme/m", "quay.io/other/m"):
        login = find_login(Reference.parse(text), env)
        assert login is not None
        names.append(login.username)
    assert names == ["team", "host"]


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ('read host; echo "{\\"Username\\": \\"$host\\", \\"Secret\\": \\"s\\"}"', ("ghcr.io", "s", None)),
        ('echo \'{"Username": "<token>", "Secret": "refresh"}\'', ("", "", "refresh")),
    ],
)
def test_credential_helpers_are_asked(tmp_path: Path, script: str, wanted: tuple[str, str, str | None]) -> None:
    """The helper of a host before the store, on standard input, as Docker does."""
    env = _helper(tmp_path, script)
    login = find_login(Reference.parse("ghcr.io/a/b"), env)
    assert login is not None
    assert (login.username, login.password, login.identity_token) == wanted


@pytest.mark.parametrize("script", ["exit 3", "echo nonsense", "echo '{}'", 'echo \'{"Username": 1, "Secret": 2}\''])
def test_a_broken_helper_is_an_error(tmp_path: Path, script: str) -> None:
    """Never silently anonymous."""
    with pytest.raises(ModelProvenanceError) as refused:
        find_login(Reference.parse("ghcr.io/a/b"), _helper(tmp_path, script))
    assert refused.value.code == "registry.credentials"


def test_a_helper_cannot_sign_as_this_job(tmp_path: Path) -> None:
    """It keeps its cloud's variables, and gets none that an identity is made of."""
    script = f"""env >{tmp_path}/seen; echo '{{"Username": "u", "Secret": "s"}}'"""
    names = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "SIGSTORE_ID_TOKEN", "COSIGN_PASSWORD")
    env = {**_helper(tmp_path, script), "AWS_PROFILE": "models", **dict.fromkeys(names, "secret")}
    assert find_login(Reference.parse("ghcr.io/a/b"), env) is not None
    seen = (tmp_path / "seen").read_text()
    assert "AWS_PROFILE=models" in seen
    assert not [name for name in names if name in seen]


def test_a_helper_without_a_login_is_anonymous(tmp_path: Path) -> None:
    """What helpers print for nothing is nothing."""
    env = _helper(tmp_path, "echo 'credentials not found in native keychain'; exit 1")
    assert find_login(Reference.parse("ghcr.io/a/b"), env) is None


def test_a_helper_with_a_path_for_a_name_is_not_run(tmp_path: Path) -> None:
    """The configuration names a helper, never a program elsewhere."""
    env = _docker(tmp_path, {"credHelpers": {"ghcr.io": "../../evil"}})
    with pytest.raises(ModelProvenanceError) as refused:
        find_login(Reference.parse("ghcr.io/a/b"), env)
    assert refused.value.code == "registry.credentials"


def _helper(folder: Path, script: str) -> dict[str, str]:
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    env = _docker(folder, {"credHelpers": {"ghcr.io": "test"}, "credsStore": "other"})
    return {**env, "PATH": f"{folder}:{env['PATH']}"}


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"auths": 3}', '{"auths": {"ghcr.io": {"auth": "***"}}}', '{"auths": {"ghcr.io": {"auth": "YQ=="}}}'],
)
def test_a_configuration_that_cannot_be_read_is_an_error(text: str) -> None:
    """A login that is there and not understood is said, not left out."""
    with pytest.raises(ModelProvenanceError) as refused:
        find_login(Reference.parse("ghcr.io/a/b"), {"DOCKER_AUTH_CONFIG": text})
    assert refused.value.code == "registry.credentials"


@pytest.mark.parametrize(
    ("env", "reference", "username"),
    [
        ({"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "t", "GITHUB_ACTOR": "octo"}, "ghcr.io/a/b", "octo"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "t"}, "quay.io/a/b", None),
        ({"GITHUB_TOKEN": "t"}, "ghcr.io/a/b", None),
        (
            {"CI_REGISTRY": "r.example.com", "CI_REGISTRY_USER": "u", "CI_REGISTRY_PASSWORD": "p"},
            "r.example.com/a",
            "u",
        ),
        ({"CI_REGISTRY": "r.example.com", "CI_JOB_TOKEN": "t"}, "r.example.com/a", "gitlab-ci-token"),
        ({"CI_REGISTRY": "r.example.com", "CI_JOB_TOKEN": "t"}, "ghcr.io/a", None),
    ],
)
def test_the_token_of_the_job_is_for_its_own_registry(
    env: dict[str, str], reference: str, username: str | None
) -> None:
    """GitHub's token goes to ghcr.io alone, GitLab's to its own registry alone."""
    login = find_login(Reference.parse(reference), env)
    assert (None if login is None else login.username) == username


def test_the_command_line_goes_first(tmp_path: Path) -> None:
    """What was typed is used."""
    env = _docker(tmp_path, {"auths": {"ghcr.io": {"auth": _auth("u", "p")}}})
    given_login = Login("typed", "secret")
    assert find_login(Reference.parse("ghcr.io/a/b"), env, given_login) is given_login


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ('Bearer realm="https://a/t",service="s",scope="x:y:z"', Challenge("bearer", "https://a/t", "s", "x:y:z")),
        ("bearer realm=https://a/t", Challenge("bearer", "https://a/t", None, None)),
        ('Basic realm="x", Bearer realm="https://a/t"', Challenge("bearer", "https://a/t", None, None)),
        ('Basic realm="x"', Challenge("basic", "", None, None)),
        ("Negotiate", None), ("", None), ("Bearer", None), ('Bearer service="s"', None),
    ],
)  # fmt: skip
def test_challenges(header: str, wanted: Challenge | None) -> None:
    """Bearer before Basic; what is not understood is no challenge."""
    assert parse_challenge(header) == wanted


@given(st.text(max_size=200))
def test_any_challenge_is_read_or_ignored(header: str) -> None:
    """A registry's header raises nothing."""
    parse_challenge(header)


@pytest.mark.parametrize(
    ("registry", "realm", "own"),
    [
        ("https://ghcr.io", "https://ghcr.io/token", True),
        ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
        ("https://registry.example.co.uk", "https://auth.example.co.uk/t", True),
        ("https://ghcr.io", "https://evil.io/token", False),
        ("https://ghcr.io", "http://ghcr.io/token", False),
        ("https://registry.example.com", "https://example.com.evil.net/t", False),
        ("https://registry.example.com", "https://evilexample.com/t", False),
        ("https://ghcr.io", "http://169.254.169.254/latest", False),
        ("https://ghcr.io", "http://127.0.0.1:9/t", False),
        ("https://ghcr.io", "https://user:password@ghcr.io/t", False),
        ("https://10.1.2.3", "https://10.1.2.4/t", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/t", True),
        ("http://192.0.2.1:5000", "http://192.0.2.1:5000/t", True),
        ("http://192.0.2.1:5000", "http://192.0.2.9/t", False),
        ("https://ghcr.io", "file:///etc/passwd", False),
        ("https://ghcr.io", "nonsense", False),
    ],
)  # fmt: skip
def test_a_token_service_is_the_registry_s_own(registry: str, realm: str, own: bool) -> None:
    """Same host, or in the domain that the registry is in; never down from https, never into this machine."""
    if own:
        refuse_foreign_realm(Origin.of(registry), realm)
        return
    with pytest.raises(ModelProvenanceError) as refused:
        refuse_foreign_realm(Origin.of(registry), realm)
    assert refused.value.code == "registry.realm"


def test_a_token_service_elsewhere_is_one_that_somebody_has_named() -> None:
    """Only the host that was named, only over https; the refusal shows the option that names it."""
    registry = Origin.of("https://registry.acme.io")
    with pytest.raises(ModelProvenanceError) as refused:
        refuse_foreign_realm(registry, "https://login.acme.com/token")
    assert "--token-service login.acme.com" in (refused.value.remedy or "")
    refuse_foreign_realm(registry, "https://login.acme.com/token", frozenset({"login.acme.com"}))
    for realm in ("http://login.acme.com/token", "https://login.acme.com.evil.net/token"):
        with pytest.raises(ModelProvenanceError) as refused:
            refuse_foreign_realm(registry, realm, frozenset({"login.acme.com"}))
        assert refused.value.code == "registry.realm"


def test_gitlab_hands_out_the_tokens_of_its_own_registry_alone() -> None:
    """The runner says which GitLab and which registry belong together; another registry gains nothing by it."""
    access = Access({"CI_SERVER_HOST": "git.acme.com", "CI_REGISTRY": "registry.acme.io"})
    assert token_services(Reference.parse("registry.acme.io/a/b"), access) == {"git.acme.com"}
    assert token_services(Reference.parse("registry.evil.io/a/b"), access) == set()


_NOW = "Sat, 28 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Sat, 28 Nov 2026 12:00:30 GMT", "date": _NOW}, 30.0),
        ({"retry-after": "Sat, 28 Nov 2026 11:00:00 GMT", "date": _NOW}, 0.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon", "date": _NOW}, 0.0), ({"retry-after": "-5"}, 0.0), ({"retry-after": "9" * 400}, 0.0), ({}, 0.0),
    ],
)  # fmt: skip
def test_a_registry_says_when_to_come_back_as_a_number_or_a_date(headers: dict[str, str], seconds: float) -> None:
    """A date counts from the registry's own clock; what cannot be read asks for nothing."""
    assert retry_after(Answer("https://r.example/", 429, headers, b"")) == seconds


@given(st.text(max_size=100))
def test_any_wish_to_wait_is_read_or_ignored(text: str) -> None:
    """A registry's header raises nothing and never asks for less than no time."""
    assert retry_after(Answer("https://r.example/", 429, {"retry-after": text}, b"")) >= 0


def test_limits_are_known_with_their_sources() -> None:
    """Every entry of the table says where its numbers come from, and the most exact host decides."""
    assert all(limits.source for _, limits in TABLE)
    assert limits_of(Reference.parse("ghcr.io/a/b")).blob == 10 * 10**9
    assert limits_of(Reference.parse("1.dkr.ecr.eu-west-1.amazonaws.com/a")).blob == 52_000 * 2**20
    assert limits_of(Reference.parse("public.ecr.aws/a/b")).blob == 10**10
    assert limits_of(Reference.parse("evilghcr.io/a/b")).blob is None


def test_a_shard_that_is_too_large_says_what_to_save_with() -> None:
    """The refusal names registry, file, limit and the `max_shard_size` that fits."""
    limits = limits_of(Reference.parse("ghcr.io/a/b"))
    limits.check_blob(10 * 10**9, "model.safetensors", "ghcr.io/a/b")
    with pytest.raises(ModelProvenanceError) as refused:
        limits.check_blob(12 * 10**9, "model.safetensors", "ghcr.io/a/b")
    assert refused.value.code == "registry.limit"
    for text in ("GitHub", "10 GB", "model.safetensors", "12 GB"):
        assert text in refused.value.message
    assert 'max_shard_size="9GB"' in refused.value.remedy
    with pytest.raises(ModelProvenanceError):
        limits.check_count(20_000, "ghcr.io/a/b")
    with pytest.raises(ModelProvenanceError):
        limits.check_manifest(5 * 2**20, "ghcr.io/a/b")


@pytest.mark.parametrize(
    ("env", "url", "target"),
    [
        ({"http_proxy": "http://proxy:3128"}, "http://r.example.com/v2/?a=b", "http://r.example.com/v2/?a=b"),
        ({"HTTP_PROXY": "proxy:3128", "NO_PROXY": ".example.com"}, "http://r.example.com/v2/", "/v2/"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "*"}, "http://r.example.com/v2/", "/v2/"),
        ({"http_proxy": "http://proxy:3128"}, "http://127.0.0.1:5000/v2/", "/v2/"),
        ({"https_proxy": "http://proxy:3128"}, "https://r.example.com/v2/", "/v2/"),
    ],
)
def test_proxies_are_those_of_other_tools(env: dict[str, str], url: str, target: str) -> None:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY; this machine is always reached directly."""
    assert Connections(env).target(url) == target


@pytest.mark.parametrize(
    "url", ["http://a/ b", "http://a/\r\nX: y", "http://a/\u20ac", "ftp://a/", "http:///x", "http://a:99999/"]
)
def test_addresses_that_could_smuggle_are_refused(url: str) -> None:
    """A Location with spaces, line ends or logins is not followed."""
    with pytest.raises(ModelProvenanceError) as refused:
        Connections({}).target(url)
    assert refused.value.code == "registry.redirect"
