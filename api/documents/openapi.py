"""The OpenAPI documents: one for each API, made from the routes below its base path, and one of the whole gateway.

An API is whatever routes share a path up to its version, such as `/tmf-api/serviceOrdering/v4`; it is called by their
tag. Its document, with paths relative to its server, is at `{base path}/openapi.json`, its page at `{base path}/docs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from api.documents.documentation import RequestBody
from api.http.answers import JsonAnswer
from tmf.bodies import Document

OPENAPI = "/openapi.json"
PAGE = "/docs"
ASSETS = "/docs/assets"

_BASE_PATH = re.compile(r"(?:/[^/{}]+)*?/v\d+(?=/|$)")
_REFERENCE = "#/components/schemas/"
_SPOKEN = ("api", "tmf")
"""The rooms whose models are what clients see."""
_VERSIONS = {"TMF620": "4.1.0", "TMF634": "4.1.0", "TMF641": "4.1.0"}
"""The versions of the standards that are served, where it is not the first one with that number: v4 is 4.0.0."""


def serve_documents(app: FastAPI, base_url: str) -> None:
    """Let `app` answer with the documents of the routes that it has by now, and with a page for each API."""

    @cache
    def documents() -> dict[str, Document]:
        return api_documents(app, base_url)

    @cache
    def whole() -> Document:
        return whole_document(app, base_url, documents())

    app.openapi = whole  # type: ignore[method-assign]
    for base in _routes_by_base(app):
        if base:
            _serve(app, base, documents)


def _serve(app: FastAPI, base: str, documents: Any) -> None:
    @app.get(f"{base}{OPENAPI}", include_in_schema=False)
    async def document() -> JsonAnswer:
        return JsonAnswer(documents()[base])

    @app.get(f"{base}{PAGE}", include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}{base}{OPENAPI}",
            title=documents()[base]["info"]["title"],
            swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}/favicon.png",
            swagger_ui_parameters=app.swagger_ui_parameters,
        )


def api_documents(app: FastAPI, base_url: str) -> dict[str, Document]:
    """Return the OpenAPI document of each API, by its base path; each has only the schemas that it uses."""
    return {base: _api_document(base_url, base, routes) for base, routes in _routes_by_base(app).items() if base}


def base_paths(app: FastAPI) -> dict[str, str]:
    """Return the base path of each API, with its name and version: `TMF641 Service Ordering v4`."""
    found = {base: routes for base, routes in _routes_by_base(app).items() if base}
    return {base: _named(str(routes[0].tags[0]), base.rpartition("/")[2]) for base, routes in found.items()}


def _named(title: str, version: str) -> str:
    return title if title.endswith(version) else f"{title} {version}"


def whole_document(app: FastAPI, base_url: str, documents: dict[str, Document]) -> Document:
    """Return the document of the whole gateway: that of each API, and what belongs to none.

    Where two APIs call different schemas or operations by one name, the later one's have the API's name before theirs.
    """
    whole = _document(app.title, app.version, base_url, _routes_by_base(app).get("", []))
    pages = [f"- [{each['info']['title']}]({base}{PAGE})" for base, each in documents.items()]
    whole["info"]["description"] = "\n".join(
        [app.description, "Each API has a page and a document of its own:", "", *pages]
    )
    operation_ids = {operation["operationId"] for operation in _operations(whole)}
    for base, document in documents.items():
        added = _renamed(document, whole["components"]["schemas"], operation_ids)
        operation_ids |= {operation["operationId"] for operation in _operations(added)}
        whole["paths"] |= {f"{base}{path}": operations for path, operations in added["paths"].items()}
        for kind, named in added["components"].items():
            whole["components"].setdefault(kind, {}).update(named)
    return whole


def _routes_by_base(app: FastAPI) -> dict[str, list[RouteContext]]:
    """Return the routes that are described, by the base path of their API; by `""` those of none."""
    found: dict[str, list[RouteContext]] = {}
    for route in iter_route_contexts(app.routes):
        if getattr(route, "include_in_schema", False) and hasattr(route, "openapi_extra"):
            base = _BASE_PATH.match(route.path or "")
            found.setdefault(base.group() if base else "", []).append(route)
    return found


def _api_document(base_url: str, base: str, routes: Sequence[RouteContext]) -> Document:
    title = str(routes[0].tags[0])
    name, version = title.split()[0], base.rpartition("/v")[2]
    document = _document(title, _VERSIONS.get(name, f"{version}.0.0"), f"{base_url}{base}", routes)
    document["paths"] = {path.removeprefix(base): each for path, each in document["paths"].items()}
    return document


def _document(title: str, version: str, url: str, routes: Sequence[RouteContext]) -> Document:
    document = get_openapi(
        title=title,
        version=version,
        routes=routes,
        servers=[{"url": url}],
        tags=[{"name": tag} for tag in dict.fromkeys(str(tag) for route in routes for tag in route.tags)],
        separate_input_output_schemas=False,
    )
    _drop_foreign_errors(document)
    document = _with_short_names(document)
    for name, schema in _body_schemas(routes).items():
        document["components"]["schemas"].setdefault(name, schema)
    return document


def _drop_foreign_errors(document: Document) -> None:
    """Take out the answer that FastAPI supposes for parameters of the wrong form: here it is 400 with our own body."""
    schemas = document.get("components", {}).get("schemas", {})
    if schemas.pop("HTTPValidationError", None):
        schemas.pop("ValidationError")
    for operation in _operations(document):
        if "HTTPValidationError" in str(operation["responses"].get("422")):
            del operation["responses"]["422"]


def _body_schemas(routes: Iterable[RouteContext]) -> Document:
    """Return the schemas of the bodies that the routes read by themselves, by their names."""
    bodies = [(route.openapi_extra or {}).get("requestBody") for route in routes]
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        (body.model, "validation"): None for body in bodies if isinstance(body, RequestBody)
    }
    _, found = models_json_schema(list(models), ref_template=f"{_REFERENCE}{{model}}")
    schemas: Document = _with_short_names({"components": {"schemas": found.get("$defs", {})}})["components"]["schemas"]
    return schemas


def _operations(document: Document) -> Iterator[Document]:
    for path in document["paths"].values():
        yield from path.values()


def _renamed(document: Document, taken: Document, operation_ids: set[str]) -> Document:
    """Return an API's document with other names for what would not be the same as what is `taken` under its name."""
    prefix = re.sub(r"\W", "", document["info"]["title"])
    schemas = document["components"]["schemas"]
    clashes = _with_referring({name for name, schema in schemas.items() if taken.get(name, schema) != schema}, schemas)
    renamed = _with_names(document, {name: f"{prefix}{name}" for name in clashes})
    for operation in _operations(renamed):
        if operation["operationId"] in operation_ids:
            operation["operationId"] = f"{prefix}{operation['operationId']}"
    return renamed


def _with_referring(names: set[str], schemas: Document) -> set[str]:
    """Return names of schemas, and of all that refer to one of them, however indirectly."""
    texts = {name: json.dumps(schema) for name, schema in schemas.items()}
    while True:
        wider = {each for each, text in texts.items() if any(f'"{_REFERENCE}{name}"' in text for name in names)} | names
        if wider == names:
            return names
        names = wider


def _with_short_names(document: Document) -> Document:
    """Return a document in which a schema that was made of a model of `api` or `tmf` has that model's name.

    Where two models share a name, both are called by their modules at first (`orders__tmf__Money`).
    """
    named = document.get("components", {}).get("schemas", {})
    qualified = {name: name.split("__") for name in named if "__" in name}
    ours = [words[-1] for words in qualified.values() if words[0] in _SPOKEN]
    return _with_names(
        document,
        {
            name: words[-1] if words[0] in _SPOKEN and ours.count(words[-1]) == 1 else "".join(map(_capital, words))
            for name, words in qualified.items()
        },
    )


def _capital(word: str) -> str:
    return f"{word[:1].upper()}{word[1:]}"


def _with_names(document: Document, names: dict[str, str]) -> Document:
    """Return a document with other names of schemas, where they are defined and wherever they are referred to."""
    references = {f"{_REFERENCE}{old}": f"{_REFERENCE}{new}" for old, new in names.items()}

    def rename(node: Any) -> Any:
        if isinstance(node, list):
            return [rename(each) for each in node]
        if not isinstance(node, dict):
            return references.get(node, node) if isinstance(node, str) else node
        return {key: rename(value) for key, value in node.items()}

    renamed: Document = rename(document)
    schemas = renamed.setdefault("components", {}).get("schemas", {})
    renamed["components"]["schemas"] = {names.get(name, name): schema for name, schema in schemas.items()}
    return renamed
