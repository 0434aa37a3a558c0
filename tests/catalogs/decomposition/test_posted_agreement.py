"""What a posted order of services or resources shows is what there is then, and nothing of it once it is undone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from catalogs.planning import Planned, plan_posted
from orders.lifecycle.states import OrderKind
from orders.model.installed import InstalledResource, InstalledService
from orders.model.posted import posted_order
from tests.agreement import HeldService
from tests.catalogs.enactment import World
from tests.catalogs.generated_posted_orders import choices, resource_orders, service_orders
from tests.catalogs.sample_orders import TODAY
from tests.posted_agreement import Held, HeldResource, single_disagreements
from tests.shipped import shipped_catalogs
from tests.thorough import examples
from tmf.bodies import Document

SHIPPED = shipped_catalogs()

QUICK = settings(
    max_examples=examples(25, 2000),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def planned(kind: OrderKind, document: Document, world: World) -> Planned:
    return plan_posted(posted_order(kind, document), SHIPPED, world.singles(), 1, TODAY)


def realised(world: World) -> dict[str, str]:
    """Return what the items of the order that is done came to have, by id."""
    assert world.plan
    services = {each.item_id: each.key for each in world.plan.service_orders}
    resources = {each.item_id: each.key for each in world.plan.resource_orders}
    made = {item: done.customer_facing().id for item, key in services.items() if (done := world.done[key])}
    return made | {item: world.assigned[key][key].id for item, key in resources.items()}


def held(world: World) -> dict[str, Held]:
    services = {key: _service(each) for key, each in world.services.items()}
    return services | {key: _resource(each) for key, each in world.resources.items()}


def _service(there: InstalledService) -> HeldService:
    return HeldService(there.id, there.specification_id, there.customer_id, there.place, there.characteristics)


def _resource(there: InstalledResource) -> HeldResource:
    values = dict(there.characteristics)
    place, criteria = values.pop("at"), values.pop("criteria")
    return HeldResource(
        there.id, there.specification_id, None, place, values, pool=there.pool, value=there.value, criteria=criteria
    )


def torn(services: Mapping[str, InstalledService]) -> list[str]:
    """Return the parts of services that are elsewhere than these, or somebody else's."""
    found = []
    for whole in services.values():
        for part in whole.services:
            if (part.place, part.customer_id) != (whole.place, whole.customer_id):
                found.append(f"{whole.id} is {whole.customer_id}'s at {whole.place}, its {part.key} is not: {part}")
            found += [
                f"{whole.id} is at {whole.place}, {resource.key} of its {part.key} at {resource.place}"
                for resource in part.resources
                if resource.place not in (None, whole.place)
            ]
    return found


@pytest.mark.parametrize("kind", [OrderKind.SERVICE, OrderKind.RESOURCE])
@QUICK
@given(data=st.data())
def test_what_a_posted_order_shows_is_what_there_is(kind: OrderKind, data: st.DataObject) -> None:
    world = World()
    for number in (1, 2, 3):
        drawn = (
            service_orders(SHIPPED, world.services, f"o{number}")
            if kind is OrderKind.SERVICE
            else resource_orders(SHIPPED, world.resources, f"o{number}")
        )
        document = data.draw(drawn)
        before, there = world.stock.contents(), held(world)
        done = planned(kind, document, world)
        for each in done.violations:
            event(f"{number}: {each.code}")
        if done.plan is None:
            return
        event(f"{number}: accepted")
        assert planned(kind, document, world) == done
        world.begin(done.plan)
        assert single_disagreements(document, realised(world), there, held(world), partial(choices, SHIPPED)) == []
        assert torn(world.services) == []
        world.take_back()
        assert (world.stock.contents(), held(world)) == (before, there)
        world.begin(done.plan)
