"""How messages show values and spans of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tmf.words import bare, choices, reason_of, shown, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        ("it's", '"it\'s"'),
        ("ü", '"ü"'),
        (2.5, "2.5"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        ("x" * 100, '"' + "x" * 78 + "…"),
    ],
)
def test_values_are_shown_as_json_writes_them_and_cut_where_they_are_long(value: Any, text: str) -> None:
    assert shown(value) == text


def test_a_value_that_nests_without_end_is_named_so() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert shown(value) == "a value that nests too deeply"


def test_choices_are_listed_with_a_word_before_the_last() -> None:
    assert choices(["add", "modify", 1]) == '"add", "modify" or 1'
    assert choices(["add"]) == '"add"'


@pytest.mark.parametrize(("value", "text"), [("x", "x"), (True, "true"), (None, "null"), ([1, "x"], '[1, "x"]')])
def test_texts_alone_bear_no_quotes(value: Any, text: str) -> None:
    assert bare(value) == text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (httpx2.ReadTimeout("it took too long"), "it took too long"),
        (httpx2.ReadTimeout(""), "read timeout"),
        (httpx2.ConnectError(""), "connect error"),
        (TimeoutError(), "timeout error"),
    ],
)
def test_an_error_that_says_nothing_is_told_by_its_kind(error: Exception, text: str) -> None:
    assert reason_of(error) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (0.5, "0.5 seconds"),
        (1, "1 second"),
        (90, "1 minute 30 seconds"),
        (5400, "1 hour 30 minutes"),
        (86_400 * 3, "3 days"),
        (-3600, "-1 hour"),
    ],
)
def test_spans_are_told_by_the_units_that_they_have(seconds: float, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text
