"""What an order shows at its end is what the systems hold, whatever was ordered, changed, and amended on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from orders.model.installed import InstalledBase, InstalledProduct
from tests.agreement import Base
from tests.catalogs.generated_orders import additions, amended, change_items, order_documents
from tests.held import agrees, held_by
from tests.stage import Stage, customer_of, stalled
from tests.thorough import examples
from tests.workflows.test_any_interleaving import more_effects
from tmf.bodies import Document

pytestmark = [pytest.mark.anyio, pytest.mark.long]

FEASIBLE = {'"HAM-1"': '"MUC-1"', '"SITE-0"': '"SITE-10"', '"technician"': '"self"', "true": "false"}
"""What cannot be had, or asks for people → what can be had without them."""


@settings(
    max_examples=examples(2, 40),
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
async def test_the_systems_hold_what_an_order_shows(shared_stage: Stage, data: st.DataObject) -> None:
    stage = shared_stage
    await stage.heal()
    document = feasible(data.draw(order_documents(data.draw(additions("a", most=1)))))
    assume(json.dumps(document).count('"action"') <= 6)
    first = await amended_on_the_way(stage, document, data)
    customer = customer_in(first)
    if first["state"] == "rejected":
        assert await held_by(stage, customer) == {}
        return
    assert first["state"] == "completed", first
    there = await agrees(stage, first)

    change = feasible(data.draw(order_documents(data.draw(change_items(installed(there), "c")))))
    customer_of(change, customer)
    second = await stage.done(change)

    if second["state"] == "rejected":
        assert await held_by(stage, customer) == there
    else:
        assert second["state"] == "completed", second
        await agrees(stage, second, there)


async def amended_on_the_way(stage: Stage, document: Document, data: st.DataObject) -> Document:
    """Place an order, amend it while some system keeps it waiting, and return it once it has ended."""
    customer_of(document)
    system = data.draw(st.sampled_from([stage.inventory, stage.activation, stage.billing, None]), label="waits for")
    if system is None:
        return await stage.done(document)
    with stalled(system, data.draw(st.sampled_from([":", ":so:", "bill", "record"]), label="at")) as go_on:
        order_id = await stage.submit(document)
        await more_effects(stage, order_id, data.draw(st.integers(0, 12)))
        changes = data.draw(amended(document))
        answer = await stage.amend(order_id, **json.loads(usable(json.dumps(changes))))
        assert answer.status_code in (200, 409, 422, 503), answer.text
        go_on.set()
        return await stage.ended(order_id)


def feasible(document: Document) -> Document:
    """Return an order of what can be had, without what only the store or another order can give."""
    written: Document = json.loads(usable(json.dumps(document)))
    del written["id"], written["orderDate"]
    return {"@type": "ProductOrder", **written}


def usable(text: str) -> str:
    for impossible, possible in FEASIBLE.items():
        text = text.replace(impossible, possible)
    return text


def customer_in(order: Document) -> str:
    found: list[Any] = [each["id"] for each in order["relatedParty"] if each["role"].lower() == "customer"]
    return str(found[0])


def installed(base: Base) -> InstalledBase:
    """Return what a customer has as far as changes are drawn for it."""
    products = sorted(base.values(), key=lambda each: (each.item or "", each.offering or ""))
    return InstalledBase(
        products={
            each.id: InstalledProduct(
                id=each.id,
                name=each.offering or "",
                status="active",
                offering_id=each.offering,
                place=each.place,
                billing_account=each.account,
                characteristics=each.characteristics,
                components=[part.id for part in products if part.id in each.components],
            )
            for each in products
        }
    )
