"""A change in place comes to what its new version alone would, and is taken back exactly."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orders.change.comparison import can_be_changed
from orders.change.compensation import undo_service_order
from orders.change.redo import merged_outcome, modified_service_order
from orders.model.product_orders import Action
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.outcome import ServiceOrderOutcome
from orders.plan.parts import (
    Characteristics,
    Demand,
    ResourceItem,
    ServiceItem,
    ServiceOrderPlan,
)
from tests.orders.change.test_redo import moves
from tests.orders.samples import resource, service, service_order
from tests.orders.stock import Inputs, Stock
from tests.thorough import examples

QUICK = settings(max_examples=examples(20, 200))


KEYS = ["a", "b", "c"]


@st.composite
def characteristics(draw: st.DrawFn) -> Characteristics:
    return draw(st.dictionaries(st.sampled_from("xy"), st.integers(1, 3)))


@st.composite
def late(draw: st.DrawFn, sources: list[str]) -> dict[str, str]:
    texts = [f"{source}.{attribute}" for source in sources for attribute in ("x", "l")]
    texts += [f"{source}.value" for source in sources if source.startswith("assigned")]
    return draw(st.dictionaries(st.sampled_from("lx"), st.sampled_from(texts), max_size=2)) if texts else {}


@st.composite
def parts(draw: st.DrawFn, key: str, relies_on: list[str]) -> ServiceItem:
    sources = ["services.hub", *(f"services.{each}" for each in relies_on)]
    place = draw(st.sampled_from(["BER-1", "HAM-1"]))
    resources: list[ResourceItem] = []
    for name in draw(st.lists(st.sampled_from("rs"), unique=True).map(sorted)):
        others = [each.key for each in resources]
        resources.append(
            resource(
                name,
                demand=Demand(place=draw(st.sampled_from([None, place])), criteria={"kind": draw(st.integers(1, 2))}),
                depends_on=others,
                characteristics=draw(characteristics()),
                late=draw(late([*sources, *(f"assigned.{each}" for each in others)])),
            )
        )
    return service(
        key,
        relies_on=relies_on,
        depends_on=relies_on,
        place=place,
        characteristics=draw(characteristics()),
        late=draw(late([*sources, *(f"assigned.{each.key}" for each in resources)])),
        resources=resources,
    )


@st.composite
def versions(draw: st.DrawFn) -> ServiceOrderPlan:
    """Any new service: up to three parts that may rely on each other, and the service itself."""
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True))
    items = []
    for place, key in enumerate(keys):
        relies_on = draw(st.lists(st.sampled_from(keys[:place]), unique=True)) if place else []
        items.append(draw(parts(key, relies_on)))
    items.append(draw(parts(CUSTOMER_FACING, keys)))
    return service_order(items, inputs={"hub": "2:hub"})


def hub(x: int) -> Inputs:
    return {"hub": {"x": x}}


HUBS = st.integers(1, 2).map(hub)


def shape(stock: Stock, done: ServiceOrderOutcome) -> dict[str, Any]:
    """What an outcome, and the stock, have under each key, whatever ids and values things came to have."""
    names = {each.value: f"{key}/{name}" for key, s in done.services.items() for name, each in s.resources.items()}
    names |= {f"id of {value}": name for value, name in names.items()}
    names |= {service.id: key for key, service in done.services.items()}

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {names.get(key, key): named(each) for key, each in value.items()}
        if isinstance(value, list):
            return sorted((named(each) for each in value), key=str)
        return names.get(value, value)

    assert len(stock.contents()["resources"]) == sum(len(each.resources) for each in done.services.values())
    found: dict[str, Any] = named(stock.contents())
    return found


@QUICK
@given(versions(), HUBS, versions(), HUBS)
def test_a_change_in_place_comes_to_what_the_new_version_alone_would(
    old: ServiceOrderPlan, before: Inputs, new: ServiceOrderPlan, after: Inputs
) -> None:
    stock, fresh = Stock(), Stock()
    done = stock.run(old, before)
    delta = modified_service_order(old, done, new)
    outcome = merged_outcome(done, delta, stock.run(delta, after))
    assert shape(stock, outcome) == shape(fresh, fresh.run(new, after))
    assert set(outcome.services) == {item.key for item in new.items}


@QUICK
@given(versions(), HUBS, versions(), HUBS)
def test_a_change_in_place_is_taken_back_exactly(
    old: ServiceOrderPlan, before: Inputs, new: ServiceOrderPlan, after: Inputs
) -> None:
    stock = Stock()
    done = stock.run(old, before)
    there = stock.contents()
    delta = modified_service_order(old, done, new)
    stock.run(undo_service_order(delta, stock.run(delta, after)), undo=True)
    assert stock.contents() == there
    stock.run(undo_service_order(old, done), undo=True)
    assert stock.contents() == {"services": {}, "resources": {}}


@QUICK
@given(versions(), versions(), versions(), HUBS)
def test_changes_follow_one_another_and_are_taken_back_one_after_the_other(
    first: ServiceOrderPlan, second: ServiceOrderPlan, third: ServiceOrderPlan, inputs: Inputs
) -> None:
    stock, fresh = Stock(), Stock()
    done = stock.run(first, hub(1))
    undos = [undo_service_order(first, done)]
    there = [stock.contents()]
    for old, new in ((first, second), (second, third)):
        delta = modified_service_order(old, done, new)
        came_to = stock.run(delta, inputs)
        undos.append(undo_service_order(delta, came_to))
        there.append(stock.contents())
        # The workflow answers with what it did, and with what there is.
        done = came_to.model_copy(update={"standing": merged_outcome(done, delta, came_to).services})
    whole = ServiceOrderOutcome(services=done.standing or {})
    assert shape(stock, whole) == shape(fresh, fresh.run(third, inputs))
    while undos:
        assert stock.contents() == there.pop()
        stock.run(undos.pop(), undo=True)
    assert stock.contents() == {"services": {}, "resources": {}}


@QUICK
@given(versions(), versions(), versions(), HUBS)
def test_all_changes_are_taken_back_in_one_go_though_others_hold_what_was_given_away(
    first: ServiceOrderPlan, second: ServiceOrderPlan, third: ServiceOrderPlan, inputs: Inputs
) -> None:
    stock = Stock()
    done = stock.run(first, hub(1))
    for old, new in ((first, second), (second, third)):
        held = set(stock.resources)
        delta = modified_service_order(old, done, new)
        done = merged_outcome(done, delta, stock.run(delta, inputs))
        stock.taken |= held - set(stock.resources)
    stock.run(undo_service_order(third, done), undo=True)
    assert stock.contents() == {"services": {}, "resources": {}}


@QUICK
@given(versions(), versions(), versions(), HUBS)
def test_a_change_of_what_was_installed_is_amended_and_taken_back_exactly(
    installed: ServiceOrderPlan, old: ServiceOrderPlan, new: ServiceOrderPlan, inputs: Inputs
) -> None:
    """Both versions are planned against what is installed, as the catalogs do it; then one is amended to the other."""
    stock, other = Stock(), Stock()
    base = stock.run(installed, hub(1))
    other.run(installed, hub(1))
    there = stock.contents()
    one, two = (modified_service_order(installed, base, each) for each in (old, new))
    assume(can_be_changed(one, two))
    done = stock.run(one, hub(1))
    changed = stock.contents()
    delta = modified_service_order(one, done, two)
    came_to = stock.run(delta, inputs)
    straight = other.run(two, inputs)
    outcome = merged_outcome(done, delta, came_to)
    assert shape(stock, without_deleted(two, outcome)) == shape(other, without_deleted(two, straight))
    at_once = copy.deepcopy(stock)
    at_once.run(undo_service_order(two, outcome), undo=True)
    assert at_once.contents() == there
    stock.run(undo_service_order(delta, came_to), undo=True)
    assert stock.contents() == changed
    stock.run(undo_service_order(one, done), undo=True)
    assert stock.contents() == there


def without_deleted(plan: ServiceOrderPlan, outcome: ServiceOrderOutcome) -> ServiceOrderOutcome:
    """What an outcome has that is still there: an outcome has what was deleted as it was before."""
    services = {}
    for item in plan.items:
        if item.action != Action.DELETE:
            stays = [each.key for each in item.resources if each.action != Action.DELETE]
            service = outcome.services[item.key]
            resources = {key: service.resources[key] for key in stays}
            services[item.key] = service.model_copy(update={"resources": resources})
    return ServiceOrderOutcome(services=services)


@QUICK
@given(versions(), HUBS)
def test_a_version_that_says_the_same_changes_nothing(plan: ServiceOrderPlan, inputs: Inputs) -> None:
    stock = Stock()
    done = stock.run(plan, inputs)
    assert moves(modified_service_order(plan, done, plan, changed_inputs={})) == {}
