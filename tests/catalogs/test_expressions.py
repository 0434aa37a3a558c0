from __future__ import annotations

import time
from typing import Any

import pytest

from catalogs.model.expressions import MAX_LENGTH, Expression, ExpressionError, evaluate_late


@pytest.mark.parametrize(
    ("text", "variables", "value"),
    [
        ("product.speed / 5", {"product": {"speed": 500}}, 100),
        ("product.speed > 500 ? 'xgs' : 'gpon'", {"product": {"speed": 1000}}, "xgs"),
        ("product.number == null", {"product": {"number": None}}, True),
        ("services['hub/overlay'].address", {"services": {"hub/overlay": {"address": "10.0.0.1"}}}, "10.0.0.1"),
        ("'sim' in assigned", {"assigned": {"sim": {}}}, True),
        ("['a', 'b'].filter(x, x in product)", {"product": {"b": 1}}, ["b"]),
        ("{'k': product.v}", {"product": {"v": [1, 2.5, None]}}, {"k": [1, 2.5, None]}),
    ],
)
def test_an_expression_gives_a_json_value(text: str, variables: dict[str, Any], value: Any) -> None:
    assert Expression(text).evaluate(variables) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "'1 +' is not an expression: Syntax error: mismatched input '<EOF>' at character 4"),
        ("lower(product.name)", "unknown function lower in 'lower(product.name)'"),
        ("1" * (MAX_LENGTH + 1), f"the expression has {MAX_LENGTH + 1} characters; at most {MAX_LENGTH} are allowed"),
        (
            "[1].map(a, [1].map(b, [1].map(c, a + b + c)))",
            "more than 2 of map, filter, all and exists in one expression",
        ),
    ],
)
def test_what_cannot_be_compiled_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        Expression(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "variables", "message"),
    [
        ("product.speed * 1.5", {"product": {"speed": 2}}, "write double(x) or int(x) around one side"),
        ("product.size + 1", {"product": {"size": None}}, "test for null before you calculate"),
        ("'n' + product.size", {"product": {"size": 1}}, "string(x) to join a text"),
        ("product.name", {"product": {}}, "there is no 'name' in what it reads"),
        ("product.list[3]", {"product": {"list": []}}, "index out of bounds"),
        ("1 / product.zero", {"product": {"zero": 0}}, "division by zero"),
        ("int(product.text)", {"product": {"text": "x"}}, "string parse error"),
        ("timestamp('2026-01-01T00:00:00Z')", {}, "gives what JSON has no form for"),
        ("missing", {}, "Undefined variable or function: 'missing'"),
    ],
)
def test_what_cannot_be_evaluated_is_explained(text: str, variables: dict[str, Any], message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        Expression(text).evaluate(variables)
    assert message in str(refused.value)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "late"),
    [
        ("product.speed", False),
        ("assigned.port.value", True),
        ("services.access.vlan", True),
        ("'assigned.port.value'", False),
        ("[1].map(assigned, assigned)", False),
    ],
)
def test_an_expression_is_late_when_it_reads_what_is_known_only_at_run_time(text: str, late: bool) -> None:
    assert Expression(text).is_late is late


def test_an_expression_knows_what_it_reads_and_what_is_only_text() -> None:
    expression = Expression(
        "services['a/b'].x + services.c.d + product.e + ' services.no.no ' + string(size(assigned))"
    )
    assert expression.variables == {"services", "product", "assigned"}
    assert expression.reads == {("services", "a/b", "x"), ("services", "c", "d"), ("product", "e", None)}


def test_the_costliest_expression_allowed_ends_soon() -> None:
    numbers = "[" + ",".join("1" * 200) + "]"
    expression = Expression(f"{numbers}.all(a, {numbers}.all(b, a + b > 0))")
    started = time.process_time()
    assert expression.evaluate({}) is True
    assert time.process_time() - started < 2


def test_late_expressions_are_evaluated_by_name_and_null_leaves_a_name_out() -> None:
    late = {"port": "assigned.port.value", "vlan": "services.access.vlan", "none": "assigned.port.colour"}
    values = evaluate_late(late, {"port": {"id": "r1", "value": "1/1", "colour": None}}, {"access": {"vlan": 7}})
    assert values == {"port": "1/1", "vlan": 7}


def test_a_late_expression_that_fails_names_its_characteristic() -> None:
    with pytest.raises(ExpressionError, match=r"characteristic 'vlan': 'services.access.vlan': there is no 'access'"):
        evaluate_late({"vlan": "services.access.vlan"}, {}, {})
