"""Click options made from the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from model_provenance.cli.catalogue import Kind, Option, options_of

F = TypeVar("F", bound=Callable[..., Any])


def options(command: str, *, required: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Add every option of `command`; `required` are those that this command cannot do without."""

    def add(function: F) -> F:
        for option in reversed(options_of(command)):
            must = option.required or option.name in required
            function = click.option(f"--{option.name}", required=must, **_arguments(option))(function)
        return function

    return add


def _arguments(option: Option) -> dict[str, Any]:
    common: dict[str, Any] = {"help": option.help, "metavar": option.metavar}
    if option.kind is Kind.FLAG:
        return {"help": option.help, "is_flag": True}
    if option.kind is Kind.CHOICE:
        return {
            "help": option.help,
            "type": click.Choice(option.choices),
            # click takes an explicit None for a value that was given.
            **({} if option.default is None else {"default": option.default, "show_default": True}),
        }
    if option.kind is Kind.PATH:
        return {**common, "type": click.Path(path_type=Path, readable=False)}
    if option.kind is Kind.LIST:
        return {**common, "multiple": True}
    return common if option.default is None else {**common, "default": option.default, "show_default": True}
