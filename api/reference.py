"""The tables of the reference of the APIs, made from the gateway's own OpenAPI documents, errors and hubs.

`python -m api.reference docs/api.md` writes the tables of that page anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from api.app import create_app
from api.documents.explanations import explained
from api.documents.openapi import OPENAPI, PAGE, api_documents
from api.documents.pages import rewrite, table, with_parts
from orders.events.hubs import HUBS
from orders.lifecycle.states import OrderKind, resource_name
from orders.model.server_set import (
    CANCELLATION,
    ITEMS_SERVER_SET,
    QUALIFICATION,
    QUALIFIED_OFFERINGS,
    QUALIFIED_SERVICES,
    SERVER_SET,
)
from orders.model.v5 import UNKEPT, WRAPPED
from tmf.bodies import Document

_HERE = "http://127.0.0.1:8620"
"""Where a gateway answers whose settings say nothing else."""


def with_tables(documents: Mapping[str, Document], page: str) -> str:
    """Return a page with its tables, made of the APIs' documents: `apis`, `operations`, `errors`, `events`, `ignored`.

    Raises:
        KeyError: when the page has the marks of another one.
    """
    tables: Mapping[str, Callable[[], str]] = {
        "apis": partial(apis_table, documents),
        "operations": partial(operations_tables, documents),
        "errors": errors_table,
        "events": events_table,
        "ignored": ignored_table,
    }
    return with_parts(page, lambda name: tables[name]())


def apis_table(documents: Mapping[str, Document]) -> str:
    """Return a row for each API: its title, leading to its operations, version, base path, document and page."""
    return _table(
        ("API", "Version", "Base path", "Document", "Page"),
        *(
            (
                f"[{title}](#{_anchor(title)})",
                document["info"]["version"],
                f"`{base}`",
                f"[openapi.json]({_HERE}{base}{OPENAPI})",
                f"[docs]({_HERE}{base}{PAGE})",
            )
            for base, document in documents.items()
            if (title := _title(base, document))
        ),
    )


def operations_tables(documents: Mapping[str, Document]) -> str:
    """Return for each API a heading and a table of its operations, by its documents."""
    return "\n".join(
        f"### {_title(base, document)}\n\nBelow `{base}`:\n\n{_operations_table(document)}"
        for base, document in documents.items()
    )


def errors_table() -> str:
    """Return a row for each kind of error: its status, its code and what it means."""
    return _table(
        ("Status", "`code`", "Meaning"),
        *((str(status), f"`{code}`", reason) for status, code, reason, _ in explained()),
    )


def events_table() -> str:
    """Return a row for each type of events of each hub, and where below a callback it is taken."""
    return _table(
        ("Hub", "`eventType`", "Sent to, below the callback"),
        *(
            (f"`{hub.key}`", f"`{event_type}`", f"`{hub.listener_path(event_type)}`")
            for hub in HUBS.values()
            for event_type in sorted(hub.types)
        ),
    )


def ignored_table() -> str:
    """Return a row for each kind of request with the attributes of it, and of its items, that are not the client's."""
    orders = (
        (f"`POST` {resource_name(kind)}", _names(SERVER_SET[kind]), _names(ITEMS_SERVER_SET[kind]))
        for kind in OrderKind
    )
    return _table(
        ("Request", "Ignored", "Ignored of its items"),
        *orders,
        ("`POST` ProductOrder in v5: of its " + _names(WRAPPED), _names(UNKEPT), ""),
        ("`POST` cancellations", _names(CANCELLATION), ""),
        ("`POST` productOfferingQualification", _names(QUALIFICATION), _names(QUALIFIED_OFFERINGS)),
        ("`POST` checkServiceQualification", _names(QUALIFICATION), _names(QUALIFIED_SERVICES)),
        ("`POST` queryServiceQualification", _names(QUALIFICATION | {"serviceQualificationItem"}), ""),
    )


def _names(attributes: frozenset[str]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(attributes))


def _operations_table(document: Document) -> str:
    return _table(
        ("Method", "Path", "What it does", "Answers", "Errors"),
        *(
            (method.upper(), f"`{path}`", operation["summary"], *_statuses(operation))
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ),
    )


def _statuses(operation: Mapping[str, Any]) -> tuple[str, str]:
    """Return the statuses of an operation's answers, and those of its errors but 500, which any may have."""
    statuses = sorted(int(each) for each in operation["responses"])
    fine = [str(each) for each in statuses if each < HTTPStatus.BAD_REQUEST]
    failed = [str(each) for each in statuses if each >= HTTPStatus.BAD_REQUEST and each != 500]
    return ", ".join(fine), ", ".join(failed)


def _title(base: str, document: Document) -> str:
    """Return what an API is called on the page: `TMF622 Product Ordering v4`."""
    version = base.rpartition("/")[2]
    title = str(document["info"]["title"])
    return title if title.endswith(version) else f"{title} {version}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _table(head: tuple[str, ...], *rows: tuple[str, ...]) -> str:
    cells = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return table([head, ("---",) * len(head), *cells])


if __name__ == "__main__":
    gateway = cast(Any, SimpleNamespace(base_url=_HERE, background=()))
    rewrite(Path(sys.argv[1]), partial(with_tables, api_documents(create_app(gateway), _HERE)))
