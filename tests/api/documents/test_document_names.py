"""Two APIs may call different things by one name: the document of the gateway tells them apart."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, create_model

from api.documents.documentation import body_of
from api.documents.openapi import api_documents, whole_document

BASES = {"/first/v1": "First", "/second/v1": "Second"}


def app_of(*contents: type[Any]) -> FastAPI:
    """Return an application with an API for each type that its `Thing` contains within its `Part`."""
    app = FastAPI(title="All")
    for (base, title), content in zip(BASES.items(), contents, strict=True):
        part = create_model("Part", content=(content, ...))
        thing = create_model("Thing", part=(part, ...))
        router = APIRouter(prefix=base, tags=[title])
        _route(router, thing)
        app.include_router(router)
    return app


def _route(router: APIRouter, thing: type[BaseModel]) -> None:
    @router.post("/thing", operation_id="createThing", openapi_extra=body_of(thing, {}))
    async def create() -> None: ...


def whole_of(*contents: type[Any]) -> dict[str, Any]:
    app = app_of(*contents)
    return whole_document(app, "http://gateway", api_documents(app, "http://gateway"))


def _schema_of(document: dict[str, Any], path: str) -> str:
    schema: str = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return schema.rpartition("/")[2]


def test_what_differs_has_the_name_of_its_api_and_so_has_what_contains_it() -> None:
    document = whole_of(int, str)
    schemas = document["components"]["schemas"]
    assert schemas.keys() == {"Thing", "Part", "SecondThing", "SecondPart"}
    assert [_schema_of(document, f"{base}/thing") for base in BASES] == ["Thing", "SecondThing"]
    assert schemas["Thing"]["properties"]["part"]["$ref"].endswith("/Part")
    assert schemas["SecondThing"]["properties"]["part"]["$ref"].endswith("/SecondPart")


def test_what_is_the_same_is_there_once() -> None:
    document = whole_of(int, int)
    assert document["components"]["schemas"].keys() == {"Thing", "Part"}
    assert [_schema_of(document, f"{base}/thing") for base in BASES] == ["Thing", "Thing"]


def test_operations_have_ids_of_their_own() -> None:
    operations = whole_of(int, int)["paths"]
    assert [operations[f"{base}/thing"]["post"]["operationId"] for base in BASES] == [
        "createThing",
        "SecondcreateThing",
    ]


def test_each_apis_own_document_keeps_the_plain_names() -> None:
    for base, document in api_documents(app_of(int, str), "http://gateway").items():
        assert document["info"] == {"title": BASES[base], "version": "1.0.0"}
        assert document["components"]["schemas"].keys() == {"Thing", "Part"}
        assert document["paths"]["/thing"]["post"]["operationId"] == "createThing"
