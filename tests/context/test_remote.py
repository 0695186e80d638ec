"""Remotes as addresses without credentials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.context.remote import repository_url


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://github.com/acme/minilm.git", "https://github.com/acme/minilm"),
        ("https://github.com/acme/minilm/", "https://github.com/acme/minilm"),
        ("https://user:hunter2@GitHub.com/acme/minilm", "https://github.com/acme/minilm"),
        ("https://oauth2:glpat-x@gitlab.example:8443/g/s/p.git", "https://gitlab.example:8443/g/s/p"),
        ("https://host.example/p/r?private_token=hunter2#x", "https://host.example/p/r"),
        ("http://host.example:80/p/r", "https://host.example/p/r"),
        ("git@github.com:acme/minilm.git", "https://github.com/acme/minilm"),
        ("github.com:acme/minilm", "https://github.com/acme/minilm"),
        ("ssh://git@host.example:2222/acme/minilm.git", "https://host.example/acme/minilm"),
        ("git://host.example/acme/minilm", "https://host.example/acme/minilm"),
        ("https://host.example/über/モデル", "https://host.example/%C3%BCber/%E3%83%A2%E3%83%87%E3%83%AB"),
        ("/srv/git/minilm.git", None),
        ("../minilm", None),
        ("file:///srv/git/minilm.git", None),
        ("C:\\models\\minilm", None),
        ("ext::sh -c 'touch /tmp/x'", None),
        ("https://host.example", None),
        ("https://host.example/../../etc", None),
        ("https://[::1/acme", None),
        ("https://host.example:port/acme/x", None),
        ("https://host.example/acme/\x1b[31mx", None),
        ("https://host .example/acme/x", None),
        ("https://host.example/.git", None),
        ("https://user:pass/word@host.example/acme/minilm", None),
        ("", None),
        ("https://host.example/" + "a" * 3000, None),
    ],
)
def test_a_remote_becomes_an_https_address(remote: str, url: str | None) -> None:
    """Every way to write a remote of a host gives one address; what names no host gives none."""
    assert repository_url(remote) == url


@given(
    st.text(alphabet="ab/:@?#%\u00e9 ", max_size=9),
    st.text(alphabet="ab/:@?#%\u00e9 ", max_size=9),
    st.sampled_from(["https", "ssh", "http", "git"]),
)
def test_no_credential_survives(user: str, password: str, scheme: str) -> None:
    """Whatever stands before the host is gone, or the remote is not understood at all."""
    url = repository_url(f"{scheme}://{user}:{password}SECRET@host.example/acme/minilm.git?token=SECRET")
    assert url is None or "SECRET" not in url


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """No remote makes the reader fail, and what it gives is plain ASCII."""
    url = repository_url(text)
    assert url is None or (url.isascii() and url.startswith("https://") and " " not in url)
