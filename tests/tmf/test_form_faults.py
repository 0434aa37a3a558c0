"""What is wrong with a value, in words: what is allowed, and what was sent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from tests.python_words import check_plain
from tmf.bodies import faults_of


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(BaseModel, extra="forbid"):
    name: str


class Whole(BaseModel):
    text: str = Field(default="x", min_length=1, max_length=3)
    longer: str = Field(default="xx", min_length=2)
    count: int = Field(default=1, ge=0, lt=10)
    size: float = Field(default=1, gt=0, le=5)
    share: Decimal = Decimal(1)
    flag: bool = False
    colour: Colour = Colour.RED
    word: Literal["a", "b"] = "a"
    parts: list[Part] = Field(default_factory=list, max_length=1)
    names: Annotated[list[str], Field(min_length=1)] = Field(default=["x"])
    by_name: dict[str, int] = Field(default_factory=dict)
    at: datetime | None = None
    day: date | None = None
    wait: timedelta | None = None
    code: str = Field(default="A", pattern="^[A-Z]+$")
    either: int | str = 1
    checked: str = "x"

    @field_validator("checked")
    @classmethod
    def _check(cls, value: str) -> str:
        if value != "x":
            raise ValueError("is not as it must be")
        return value


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"text": 5}, "text: must be a text, not 5"),
        ({"text": ""}, "text: must not be empty"),
        ({"text": "long"}, "text: may have 3 characters, and has 4"),
        ({"longer": "x"}, "longer: must have 2 characters at least, and has 1"),
        ({"count": "two"}, 'count: must be a whole number, not "two"'),
        ({"count": 1.5}, "count: must be a whole number, not 1.5"),
        ({"count": True}, "count: must be a whole number, not true"),
        ({"count": -1}, "count: must be 0 or more, not -1"),
        ({"count": 10}, "count: must be less than 10, not 10"),
        ({"size": 0}, "size: must be more than 0, not 0"),
        ({"flag": "true"}, 'flag: must be true or false, not "true"'),
        ({"colour": "green"}, 'colour: must be "red" or "blue", not "green"'),
        ({"word": None}, 'word: must be "a" or "b", not null'),
        ({"parts": {}}, "parts: must be a list, not {}"),
        ({"parts": [True]}, "parts[0]: must be an object, not true"),
        ({"parts": [{"id": "1", "nam": "x"}]}, "parts[0].name: is missing; there is id, nam"),
        ({"parts": [{}]}, "parts[0].name: is missing; the object is empty"),
        ({"parts": [{"name": "x", "size": 1}]}, "parts[0].size: is not known here"),
        ({"parts": [{"name": "x"}, {"name": "y"}]}, "parts: may have 1 at most, and has 2"),
        ({"names": []}, "names: must not be empty"),
        ({"at": 5}, "at: must be a date and time such as 2026-12-24T09:00:00Z, not 5"),
        ({"day": [1]}, "day: must be a day such as 2026-12-24, not [1]"),
        ({"wait": "long"}, 'wait: must be a duration such as PT1H30M, or a number of seconds, not "long"'),
        ({"code": "a"}, 'code: must be a text that matches ^[A-Z]+$, not "a"'),
        ({"either": None}, "either: must be a whole number, not null"),
        ({"checked": "y"}, "checked: is not as it must be"),
    ],
)
def test_a_fault_says_what_is_allowed_and_what_was_sent(document: dict[str, Any], fault: str) -> None:
    assert fault in [str(each) for each in faults_of(Whole, document)]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from("xy"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(Whole.model_fields)), VALUES, max_size=4))
def test_no_fault_is_in_the_words_of_python(document: dict[str, Any]) -> None:
    for fault in faults_of(Whole, document):
        check_plain(str(fault))
