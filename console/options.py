"""Options and arguments that several commands share, and how they are read."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from console.exits import REFUSED, fail
from settings import Settings
from tmf.instants import read_instant

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
    """Return the gateway's address: as given, with `http://` where no scheme is, or by the settings.

    Raises:
        typer.BadParameter: naming what is no address.
    """
    if address is None:
        return Settings().gateway_url()
    whole = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(whole)
        good = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and parts.port != 0
            and not any(map(str.isspace, whole))
        )
    except ValueError:
        good = False
    if not good:
        raise typer.BadParameter(
            f'"{address}" is no address of a gateway, such as http://127.0.0.1:8620', param_hint="--gateway"
        )
    return whole


def instant(text: str, option: str) -> str:
    """Return a date and time that an option gives.

    Raises:
        typer.BadParameter: when it is none that RFC 3339 knows.
    """
    try:
        read_instant(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    return text


def quoted(value: str) -> str:
    """Return the value of a filter in quotes, so that it is taken as it stands."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_json(file: typer.FileText) -> Any:
    """Return what a file holds, or say why it is not JSON, and end."""
    try:
        # A byte order mark is how some editors begin a file.
        return _parsed(file.read().removeprefix("\ufeff"))
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
            values[name] = _parsed(text)
        except ValueError:
            values[name] = text
    return values


def _parsed(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
