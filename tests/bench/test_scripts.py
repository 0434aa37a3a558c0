"""Scripts: the tree and the calls of an order, as it was recorded."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.actions import least
from bench.contenders.script import Call, Layer, Unit, at, fill, in_order, load, names

UNITS = {"fibre-bundle": (1, 7, 11), "mobile-esim": (1, 1, 2)}
"""How many workflows of each kind an order is."""


def test_there_is_a_script_of_each_order() -> None:
    assert names() == sorted(UNITS)


@pytest.mark.parametrize("name", UNITS)
def test_a_script_has_the_tree_of_the_order(name: str) -> None:
    kinds = Counter(unit.kind for unit in load(name).units())
    assert (kinds["order"], kinds["service"], kinds["resource"]) == UNITS[name]


@pytest.mark.parametrize("name", UNITS)
def test_every_value_is_known_before_it_is_used(name: str) -> None:
    order = load(name)
    kept = {value for call in order.calls() for value in call.keeps}
    assert {value for call in order.calls() for value in call.uses} == kept
    assert order.uses == []


@pytest.mark.parametrize("name", UNITS)
def test_no_call_names_the_order_that_was_recorded(name: str) -> None:
    keys = [call.idempotency_key for call in load(name).calls() if call.idempotency_key]
    assert keys
    assert all(key.startswith("po:${order}") for key in keys)
    assert len(set(keys)) == len(keys)


def test_the_least_of_the_bundle_is_known() -> None:
    order = load("fibre-bundle")
    changes = sum(call.idempotency_key is not None for call in order.calls())
    assert least(len(list(order.units())) - 1, changes + 2) == 144


def test_placeholders_are_filled() -> None:
    assert fill("po:${order}/${v1}", {"order": "o", "v1": "x"}) == "po:o/x"


def test_a_path_goes_through_lists() -> None:
    assert at({"resourceCharacteristic": [{"value": "a"}, {"value": "b"}]}, "resourceCharacteristic.1.value") == "b"


@pytest.mark.anyio
async def test_steps_are_done_after_those_that_they_come_after() -> None:
    done: list[str] = []

    async def do(step: Call) -> None:
        done.append(step.key)

    await in_order([call("a"), call("b", "a"), call("c", "a"), call("d", "b", "c")], do)
    assert done[0] == "a"
    assert done[-1] == "d"
    assert sorted(done) == ["a", "b", "c", "d"]


@pytest.mark.anyio
async def test_a_step_that_fails_stops_those_after_it() -> None:
    done: list[str] = []

    async def do(step: Call) -> None:
        if step.key == "a":
            raise ValueError(step.key)
        done.append(step.key)

    with pytest.raises(ValueError, match="a"):
        await in_order([call("a"), call("b", "a")], do)
    assert done == []


def test_calls_are_found_at_every_depth() -> None:
    inner = Unit(kind="service", key=":s", parts=[Layer(key="l", calls=[call("b")])])
    outer = Unit.model_validate(
        {
            "kind": "order",
            "key": "",
            "parts": [{"key": "p", "calls": [call("a").model_dump()]}, {"key": "c", "unit": inner.model_dump()}],
        }
    )
    assert [each.key for each in outer.calls()] == ["a", "b"]


def call(key: str, *after: str) -> Call:
    return Call(key=key, after=list(after), system="inventory", method="GET", path="/")
