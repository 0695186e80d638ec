"""What is read from an identity token, and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.context.identity import identity_of, same_run
from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun

NOW = 1_800_000_000


def _code(token: str, **options: object) -> str:
    with pytest.raises(ModelProvenanceError) as caught:
        identity_of(token, now=NOW, **options)  # type: ignore[arg-type]
    assert caught.value.exit_status == 21
    assert len(caught.value.message) < 600
    return caught.value.code


def test_a_github_token_is_read(make_token: Callable[..., str]) -> None:
    """Issuer, subject, audience, expiry and the run's claims; no person is in it."""
    identity = identity_of(make_token(GitHubRun().claims()), now=NOW, audience="sigstore")
    claims = dict(identity.claims)
    assert identity.issuer == "https://token.actions.githubusercontent.com"
    assert identity.subject == "repo:acme/minilm:ref:refs/heads/main"
    assert (identity.audience, identity.expires, identity.personal) == ("sigstore", NOW + 300, False)
    assert claims["repository"] == "acme/minilm"
    assert claims["sha"] == GitHubRun().sha


def test_a_gitlab_token_is_read_without_its_users_address(make_token: Callable[..., str]) -> None:
    """GitLab's tokens carry who pressed the button; that is neither needed nor kept, and makes no personal identity."""
    identity = identity_of(make_token(GitLabRun().claims()), now=NOW)
    assert not identity.personal
    assert dict(identity.claims)["project_path"] == "acme/models/minilm"
    assert "octo-dev@example.com" not in repr(identity)


def test_an_address_makes_an_identity_personal(make_token: Callable[..., str]) -> None:
    """A token with an e-mail claim speaks for a person, and says which."""
    identity = identity_of(make_token({"iss": "https://accounts.google.com", "sub": "1", "email": "a@b.c"}), now=NOW)
    assert identity.personal
    assert dict(identity.claims)["email"] == "a@b.c"


def test_numbers_and_nulls_are_read_as_the_issuers_write_them(make_token: Callable[..., str]) -> None:
    """Ids come as text or as numbers, absent values as null; a time may have a fraction."""
    claims = {"iss": "i", "sub": "s", "run_id": 17, "sha": None, "exp": NOW + 0.5}
    identity = identity_of(make_token(claims), now=NOW - 1)
    assert identity.claims == (("run_id", "17"),)
    assert identity.expires == NOW


@pytest.mark.parametrize("audience", ["sigstore", ["sigstore"], ["other", "sigstore"]])
def test_the_audience_may_be_one_of_several(make_token: Callable[..., str], audience: object) -> None:
    """`aud` is a text or a list of texts."""
    token = make_token({"iss": "i", "sub": "s"}, audience=audience)
    assert identity_of(token, now=NOW, audience="sigstore").audience == "sigstore"


def test_a_token_for_another_audience_is_refused_with_the_line_to_write(make_token: Callable[..., str]) -> None:
    """The message names both audiences."""
    with pytest.raises(ModelProvenanceError) as caught:
        identity_of(make_token({"iss": "i", "sub": "s"}, audience="https://gitlab.com"), now=NOW, audience="sigstore")
    assert caught.value.code == "context.token_audience"
    assert "https://gitlab.com" in caught.value.message
    assert "aud: sigstore" in caught.value.remedy


def test_a_token_outside_its_time_is_refused(make_token: Callable[..., str]) -> None:
    """Expired, and not yet valid, which is a clock that is wrong."""
    assert _code(make_token({"iss": "i", "sub": "s", "exp": NOW})) == "context.token_expired"
    assert _code(make_token({"iss": "i", "sub": "s", "nbf": NOW + 60})) == "context.token_expired"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": ["i"]},
        {"iss": ""},
        {"sub": None},
        {"sub": {"a": 1}},
        {"aud": 7},
        {"aud": []},
        {"aud": ["a", 7]},
        {"aud": ""},
        {"exp": "soon"},
        {"exp": True},
        {"exp": None},
        {"exp": -1},
        {"exp": 1e300},
        {"repository": ["acme/minilm"]},
        {"run_id": True},
        {"sha": {"hex": "x"}},
        {"ref": "refs/heads/\nmain"},
        {"ref": "refs/heads/\u202emain"},
        {"email": "a" * 3000},
    ],
)
def test_claims_of_wrong_types_are_refused(make_token: Callable[..., str], claims: dict[str, object]) -> None:
    """No claim is used before its type, length and characters are known."""
    assert _code(make_token({"iss": "i", "sub": "s", **claims})) == "context.token_malformed"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a..c",
        "a.b.c.d",
        "a.!!!!.c",
        "a.YQ.c",
        "ä.ö.ü",
        "a." + base64.urlsafe_b64encode(b"[1]").decode() + ".c",
        "a." + base64.urlsafe_b64encode(b'{"iss":"a","iss":"b"}').decode() + ".c",
        "a." + base64.urlsafe_b64encode(b'{"exp":NaN}').decode() + ".c",
        "a." + base64.urlsafe_b64encode(b"[" * 5000).decode() + ".c",
        "a." + "A" * (1 << 20) + ".c",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    """Text of any shape and size, a megabyte too, ends in one error."""
    assert _code(token) == "context.token_malformed"


@given(st.text(max_size=300))
def test_any_text_is_a_token_or_an_error(text: str) -> None:
    """Nothing but our own error comes out."""
    with pytest.raises(ModelProvenanceError):
        identity_of(text, now=NOW)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "sha", "email", "ref_type", "other"]), _JSON, max_size=9
    )
)
def test_any_claims_are_read_or_refused(claims: dict[str, object]) -> None:
    """Every value of an identity is text of bounded length, whatever the claims are."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    try:
        identity = identity_of(f"a.{payload}.c", now=NOW)
    except ModelProvenanceError as error:
        assert error.code.startswith("context.token_")  # noqa: PT017 - any of them
        return
    assert all(isinstance(value, str) and 0 < len(value) <= 2048 for _, value in identity.claims)
    assert "other" not in dict(identity.claims)


def test_two_tokens_of_one_run_are_the_same_run(make_token: Callable[..., str]) -> None:
    """Audience, id and expiry may differ, the run may not."""
    claims = GitHubRun().claims()
    first = identity_of(make_token(claims, audience="reading"), now=NOW)
    assert same_run(first, identity_of(make_token({**claims, "exp": NOW + 999, "jti": "2"}), now=NOW))
    assert not same_run(first, identity_of(make_token({**claims, "run_id": "2"}), now=NOW))
    assert not same_run(first, identity_of(make_token({**claims, "iss": "https://evil.example"}), now=NOW))
    assert not same_run(first, identity_of(make_token({**claims, "email": "a@b.c"}), now=NOW))
