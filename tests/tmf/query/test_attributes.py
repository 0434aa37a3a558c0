"""Which attributes a resource has, read off a model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from tmf.model import Resource
from tmf.query.attributes import UnknownAttributeError, attributes_of


class Part(Resource):
    id: str
    kind: Literal["a", "b"] = "a"
    value: Any = None
    notes: dict[str, Any] | None = None
    parts: list[Part] = Field(default_factory=list)


class Whole(Resource):
    id: str
    order_date: str | None = None
    main_part: Annotated[Part, Field(description="The main one.")] | None = None
    type: str | None = Field(default=None, alias="@type")
    gt: Part | None = None


@pytest.mark.parametrize(
    "path",
    [
        "id",
        "orderDate",
        "mainPart",
        "mainPart.parts.parts.id",
        "mainPart.value.anything.at.all",
        "mainPart.notes.anything",
        "@type",
        "@baseType",
        "mainPart.parts.@schemaLocation",
        "@ours.deeper",
    ],
)
def test_attributes_are_known_by_their_names_in_json(path: str) -> None:
    attributes_of(Whole).check(path.split("."))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("order_date", "Whole has no attribute order_date; did you mean orderDate?"),
        ("orderdate", "Whole has no attribute orderdate; did you mean orderDate?"),
        ("colour", "Whole has no attribute colour; it has gt, id, mainPart, orderDate"),
        ("mainPart.part", "Whole.mainPart has no attribute part; did you mean mainPart.parts?"),
        ("mainPart.kind.deeper", "Whole.mainPart.kind has no attributes"),
        ("id.id", "Whole.id has no attributes"),
    ],
)
def test_an_unknown_one_is_told_with_the_nearest_there_are(path: str, message: str) -> None:
    with pytest.raises(UnknownAttributeError) as unknown:
        attributes_of(Whole).check(path.split("."))
    assert str(unknown.value) == message


def test_only_what_the_model_names_is_declared() -> None:
    assert attributes_of(Whole).declares(("gt",))
    assert not attributes_of(Whole).declares(("orderDate", "gt"))
    assert not attributes_of(Whole).declares(("mainPart", "value", "gt"))
