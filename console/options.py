"""Options and arguments that several commands share, and how they are read."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from console.exits import REFUSED, fail
from settings import Settings

GatewayOption = Annotated[
    str | None, typer.Option("--gateway", help="Address of the gateway [default: by the settings]", metavar="URL")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the document as JSON.")]
OrderFile = Annotated[
    typer.FileText, typer.Argument(help="A TMF622, TMF641 or TMF652 order as JSON; - for standard input.")
]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why; it stays on the order.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who asks for it.", metavar="NAME")]
ValueOption = Annotated[
    list[str] | None,
    typer.Option(
        "--value",
        help="A value, as name=value; may be repeated. It is JSON where it can be: "
        "`port=7` is a number, `'port=\"7\"'` a text.",
        metavar="NAME=VALUE",
    ),
]


def gateway_address(address: str | None) -> str:
    """Return the gateway's address: as given, or by the settings."""
    return address or Settings().gateway_url()


def read_json(file: typer.FileText) -> Any:
    """Return what a file holds, or say why it is not JSON, and end."""
    try:
        return json.load(file)
    except ValueError as error:
        fail(f"{file.name} is not JSON: {error}", REFUSED)


def read_order(file: typer.FileText) -> dict[str, Any]:
    """Return the order that a file holds, or say why it is none, and end."""
    document = read_json(file)
    if not isinstance(document, dict):
        fail(f"{file.name} is not an order: it is no JSON object", REFUSED)
    return document


def given(**attributes: Any) -> dict[str, Any]:
    """Return those of the attributes that have a value."""
    return {name: value for name, value in attributes.items() if value is not None}


def values_of(pairs: list[str] | None) -> dict[str, Any]:
    """Read `name=value` pairs: each value as JSON where it is some, or else as text.

    Raises:
        typer.BadParameter: naming the pair that is none.
    """
    values: dict[str, Any] = {}
    for pair in pairs or []:
        name, separator, text = pair.partition("=")
        if not name or not separator:
            raise typer.BadParameter(f"{pair!r} is not name=value", param_hint="--value")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values
