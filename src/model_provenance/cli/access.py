"""How a command reaches registries: the options that all of them share."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from model_provenance.errors import ModelProvenanceError
from model_provenance.oci.access import Access
from model_provenance.oci.logins import Login

_PASSWORD_LIMIT = 64 * 1024


def access(given: Mapping[str, Any]) -> Access:
    """From the options of the command; without `--username` and `--password-stdin`, logins are looked up."""
    user, from_stdin = given["username"], given["password_stdin"]
    if (user is not None) != from_stdin:
        raise ModelProvenanceError(
            "usage.invalid",
            "--username and --password-stdin go together",
            remedy="echo $PASSWORD | model-provenance … --username NAME --password-stdin",
        )
    login = None
    if user is not None:
        login = Login(user, sys.stdin.read(_PASSWORD_LIMIT).rstrip("\r\n"), None, "the command line")
    services = frozenset(host.lower() for host in given["token_service"])
    return Access(os.environ, login, plain_http=given["plain_http"], token_services=services, on_warning=_warn)


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)
