"""What a client sends is refused where a field of ours is unknown, and kept where the standard lets one extend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from api.documents.documentation import RequestBody
from tests.api.conftest import Bench

pytestmark = pytest.mark.anyio


def bodies(app: FastAPI) -> Iterator[tuple[str, str, type[BaseModel]]]:
    """Yield method and path of each route that reads a body, with the model that it is read as."""
    for route in iter_route_contexts(app.routes):
        body = (getattr(route, "openapi_extra", None) or {}).get("requestBody")
        if isinstance(body, RequestBody):
            yield next(iter(route.methods or ())), str(route.path), body.model


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from models_in(each)


def reachable(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """Return the models of which a body may have documents, at every depth."""
    if model not in seen:
        seen.add(model)
        for field in model.model_fields.values():
            for each in models_in(field.annotation):
                reachable(each, seen)
    return seen


def test_no_body_loses_a_field_in_silence_at_any_depth(app: FastAPI) -> None:
    found = {model for _, _, model in bodies(app)}
    assert len(found) > 10
    for body in found:
        for model in reachable(body, set()):
            assert model.model_config.get("extra") in ("forbid", "allow"), (body, model)


async def test_a_body_of_our_own_with_an_unknown_field_is_refused_by_its_name(app: FastAPI, bench: Bench) -> None:
    own = [(method, path) for method, path, model in bodies(app) if model.model_config.get("extra") == "forbid"]
    assert len(own) > 5
    for method, path in own:
        answer = await bench.client.request(method, path.replace("{id}", "x"), json={"surprise": 1})
        assert answer.status_code == 400, (path, answer.text)
        assert "surprise: is not known here" in answer.text
