"""Expected signers as people write them: what is read, and what is refused with the words to write instead."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.domain.context import Provider
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.holder import split_uri
from model_provenance.formats.identity import parse_builder, parse_events, parse_identity, parse_signer
from model_provenance.verify.suggest import suggest, suggested

GITHUB = "https://token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("text", "repository", "number", "workflow", "ref"),
    [
        ("github:acme/minilm", "acme/minilm", None, None, None),
        ("github:acme/minilm#7", "acme/minilm", "7", None, None),
        ("github:acme/minilm@refs/tags/v1", "acme/minilm", None, None, "refs/tags/v1"),
        (
            "github:acme/min.i_l-m#7/.github/workflows/release.yml@refs/heads/feature/a@b",
            "acme/min.i_l-m",
            "7",
            ".github/workflows/release.yml",
            "refs/heads/feature/a@b",
        ),
        ("github:acme/minilm/.github/workflows/r.yaml", "acme/minilm", None, ".github/workflows/r.yaml", None),
        ("gitlab:acme/minilm", "acme/minilm", None, None, None),
        ("gitlab:acme/a/b/minilm#7", "acme/a/b/minilm", "7", None, None),
        (
            "gitlab:acme/models/minilm#7//ci/release.yml@refs/heads/main",
            "acme/models/minilm",
            "7",
            "ci/release.yml",
            "refs/heads/main",
        ),
    ],
)
def test_a_signer_is_read(text: Any, repository: Any, number: Any, workflow: Any, ref: Any) -> None:
    """Repository, ID, file and ref, each optional part in its place; the issuer is always pinned."""
    signer = parse_signer(text)
    assert (signer.repository, signer.repository_id, signer.workflow, signer.ref) == (repository, number, workflow, ref)
    expected = {Provider.GITHUB: GITHUB, Provider.GITLAB: "https://gitlab.com"}
    assert signer.issuer == expected[signer.provider]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme/minilm",
        "GitHub:acme/minilm",
        "bitbucket:acme/minilm",
        "github:",
        "github:acme",
        "github:/minilm",
        "github:acme/",
        "github:acme/..",
        "github:acme/minilm/",
        "github:acme/minilm/release.yml",
        "github:acme/minilm/.github/workflows/../x.yml",
        "github:acme/minilm/.github/workflows/release.txt",
        "github:acme/minilm//.github/workflows/release.yml",
        "github:acme/minilm#",
        "github:acme/minilm#0x7",
        "github:acme/minilm#07",
        "github:acme/minilm@",
        "github:acme/minilm@main",
        "github:acme/minilm@refs/",
        "github:acme/minilm@refs/heads/ma in",
        "github:acme/minilm@refs/heads/*",
        "github:ac me/minilm",
        "github:acme/minilm\n",
        "github:acme/minilm\x1b[31m",
        "github:https://github.com/acme/minilm",
        "gitlab:minilm",
        "gitlab:acme/minilm/.gitlab-ci.yml@main",
        "gitlab:acme/minilm//../x.yml",
        "gitlab:acme/minilm//",
        "gitlab:acme//minilm//x.yml",
        "github:" + "a" * 5000,
    ],
)
def test_what_is_not_a_signer_is_refused(text: Any) -> None:
    """With the form to write, and never a traceback or a guess."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse_signer(text)
    assert caught.value.code == "signer.invalid"
    assert caught.value.exit_status == 2
    assert caught.value.remedy
    assert caught.value.message.isprintable()


def test_a_short_ref_is_answered_with_both_long_ones() -> None:
    """`main` may be a branch or a tag."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse_signer("github:acme/minilm@main")
    assert "@refs/heads/main" in caught.value.remedy
    assert "@refs/tags/main" in caught.value.remedy


@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text: Any) -> None:
    """Whatever is written is read or refused."""
    for prefix in ("", "github:", "gitlab:", "github:a/b"):
        try:
            parse_signer(prefix + text)
        except ModelProvenanceError as error:
            assert error.code == "signer.invalid"  # noqa: PT017 - the only way out


def test_a_builder_is_a_workflow_of_a_repository() -> None:
    """With a ref, a commit, or neither."""
    path = "org/model-provenance/.github/workflows/release-model.yml"
    for text in (path, f"{path}@refs/tags/v1", f"{path}@{'a' * 40}"):
        assert parse_builder(text) == text
    for text in ("org/model-provenance", f"{path}@v1", "org/x/y.yml", f"{path}@", f"https://github.com/{path}", ""):
        with pytest.raises(ModelProvenanceError):
            parse_builder(text)


def test_gitlab_has_no_builder() -> None:
    """GitLab certificates name no reusable workflow."""
    with pytest.raises(ModelProvenanceError):
        parse_signer("gitlab:acme/minilm", builder="org/x/.github/workflows/y.yml")


@pytest.mark.parametrize(
    ("signer", "issuer", "server"),
    [
        ("github:acme/minilm", GITHUB, "https://github.com"),
        ("github:acme/minilm", f"{GITHUB}/acme-inc", "https://github.com"),
        ("github:acme/minilm", "https://github.acme.example/_services/token", "https://github.acme.example"),
        ("github:acme/minilm", "https://ghes:8443/_services/token", "https://ghes:8443"),
        ("github:acme/minilm", "https://token.actions.acme.ghe.com", "https://acme.ghe.com"),
        ("gitlab:acme/minilm", "https://gitlab.com", "https://gitlab.com"),
        ("gitlab:acme/minilm", "https://gitlab.acme.example", "https://gitlab.acme.example"),
        ("gitlab:acme/minilm", "https://acme.example:8443/gitlab", "https://acme.example:8443/gitlab"),
    ],
)
def test_an_instance_is_named_by_its_issuer(signer: str, issuer: str, server: str) -> None:
    """The address of its repositories follows, so that no issuer can be paired with another instance's addresses."""
    expected = parse_signer(signer, issuer=issuer)
    assert (expected.issuer, expected.server_url) == (issuer, server)


@pytest.mark.parametrize(
    "issuer", ["http://gitlab.acme.example", "https://gitlab.acme.example/", "https://a@b", "gitlab.com", "https://a b"]
)
def test_what_is_no_instance_of_gitlab_is_refused(issuer: str) -> None:
    """Its issuer is its address as certificates have it: https, and no slash at the end."""
    with pytest.raises(ModelProvenanceError) as refused:
        parse_signer("gitlab:acme/minilm", issuer=issuer)
    assert refused.value.code == "signer.invalid"


def test_events_are_words() -> None:
    """An event is lower case with underscores."""
    assert parse_events(["pull_request"]) == {"pull_request"}
    for text in ("", "Pull", "a b", "x" * 100, "pull-request"):
        with pytest.raises(ModelProvenanceError):
            parse_events([text])


@pytest.mark.parametrize(
    "values",
    [
        {"identity": "", "issuer": GITHUB},
        {"identity": "x" * 5000, "issuer": GITHUB},
        {"identity": "(", "issuer": GITHUB, "is_regexp": True},
        {"identity": "x" * 600, "issuer": GITHUB, "is_regexp": True},
        {"identity": "x", "issuer": ""},
        {"identity": "x", "issuer": "accounts.google.com"},
        {"identity": "x", "issuer": GITHUB, "source_repository": "acme/minilm"},
    ],
)
def test_a_bare_identity_is_bounded_and_whole(values: Any) -> None:
    """Empty, endless, broken or relative: refused."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse_identity(**values)
    assert caught.value.code == "signer.invalid"


@pytest.mark.parametrize(
    ("uri", "file", "ref"),
    [
        ("https://github.com/a/b/x.yml@refs/heads/main", "https://github.com/a/b/x.yml", "refs/heads/main"),
        ("https://github.com/a/b/x.yml@refs/heads/a@b", "https://github.com/a/b/x.yml", "refs/heads/a@b"),
        ("https://github.com/a/b/x.yml@" + "a" * 40, "https://github.com/a/b/x.yml", "a" * 40),
        ("https://github.com/a/b/x.yml@y.yml@refs/heads/main", None, None),
        ("https://github.com/a/b/x.yml", None, None),
        ("", None, None),
    ],
)
def test_a_workflow_uri_has_a_file_and_a_ref(uri: Any, file: Any, ref: Any) -> None:
    """What does not is no workflow."""
    assert split_uri(uri) == (file if file is not None else uri, ref)


# --- suggestions


def github(**changes: Any) -> Any:
    """What a GitHub certificate says."""
    values = {
        8: GITHUB,
        9: "https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main",
        12: "https://github.com/acme/minilm",
        14: "refs/heads/main",
        15: "718293041",
        18: "https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main",
    } | changes.pop("extensions", {})
    return SignerIdentity("keyless", values[9], values[8], tuple(sorted(values.items())))


def test_the_suggestion_is_a_signer_that_our_parser_reads() -> None:
    """Quoted, whole, and marked as found and not trusted."""
    text = suggested(github()) or ""
    assert text.endswith("# found in the evidence, not trusted")
    flag, value = shlex.split(text, comments=True)
    assert flag == "--signer"
    assert parse_signer(value).repository_id == "718293041"


@pytest.mark.parametrize(
    "hostile",
    [
        {12: "https://github.com/acme/minilm; rm -rf ~"},
        {12: "https://github.com/acme/minilm\n--key evil"},
        {12: "https://evil.example/acme/minilm"},
        {14: "refs/heads/$(id)"},
        {14: "main"},
        {15: "7 --allow-event pull_request"},
        {18: "https://github.com/acme/minilm/.github/workflows/$(id).yml@refs/heads/main"},
    ],
    ids=repr,
)
def test_a_suggestion_never_smuggles_anything_into_a_shell(hostile: Any) -> None:
    """Values of an unverified certificate come out as one quoted word, or not at all."""
    text = suggested(github(extensions=hostile))
    if text is not None:
        words = shlex.split(text, comments=True)
        assert words[0] in ("--signer", "--certificate-identity")
        assert all(word.startswith("--") for word in words[0::2])
        assert "\n" not in text


def test_a_suggestion_for_a_key_names_its_fingerprint() -> None:
    """The file is the caller's to know."""
    text = suggested(SignerIdentity("key", f"key:{'ab' * 32}")) or ""
    assert text.startswith("--key release.pub")
    assert "ab" * 32 in text
    assert "not trusted" in text
    assert "evil" not in (suggested(SignerIdentity("key", "key:$(evil)")) or "")


def test_a_suggestion_from_a_bundle(api: Any, keyless: Any) -> None:
    """For a key bundle, a keyless one and for junk."""
    draft = api.Draft(run=keyless.default_run)
    assert (suggest(api.by_key(draft.statements)["oms"]) or "").startswith("--key")
    assert suggest(keyless.sign(draft.statements)["oms"]) == suggested(github())
    assert suggest(b"junk") is None
    assert suggest(b"") is None
