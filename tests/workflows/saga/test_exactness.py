"""Whatever is ordered and whatever fails: what is held belongs to an active service, and all else is free."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stage import Stage, customer_of, example
from tests.thorough import examples
from tests.workflows.saga.test_failure_and_undo import nothing_is_left, two_items

pytestmark = [pytest.mark.anyio, pytest.mark.long]

FAULTS = [
    ("inventory", "createService"),
    ("inventory", "reserve"),
    ("inventory", "install"),
    ("inventory", "updateService"),
    ("inventory", "createProduct"),
    ("activation", "activate"),
    ("activation", "configure"),
    ("activation", "test"),
    ("billing", "startCharge"),
]


def esim() -> dict[str, Any]:
    return example("mobile-esim")


def bundle() -> dict[str, Any]:
    """Return the fibre bundle with nothing but internet, router and voice."""
    document = example("fibre-bundle")
    item = document["productOrderItem"][0]
    kept = ("fibre-internet", "home-router", "home-voice")
    item["productOrderItem"] = [each for each in item["productOrderItem"] if each["productOffering"]["id"] in kept]
    return document


@settings(
    max_examples=examples(3, 40),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    make=st.sampled_from([esim, two_items, bundle]),
    fault=st.sampled_from(FAULTS),
    kind=st.sampled_from(["permanent", "lostAnswer", "transient", "rubbish"]),
    times=st.integers(1, 3),
)
async def test_inventory_is_exact_after_any_order_with_any_fault(
    shared_stage: Stage, make: Any, fault: tuple[str, str], kind: str, times: int
) -> None:
    stage = shared_stage
    await stage.heal()
    system, operation = fault
    await stage.fault(getattr(stage, system), match={"operation": operation}, kind=kind, times=times)
    document = make()
    customer = customer_of(document)

    order = await stage.done(document)
    await stage.heal()

    assert "residue" not in order, order["residue"]
    if order["state"] in ("failed", "rejected"):
        await nothing_is_left(stage, order["id"], customer)
    await check_exact(stage, order["id"], customer)


async def check_exact(stage: Stage, order_id: str, customer: str) -> None:
    """Check that what is held and set up for a customer belongs to an active service, and that nothing leaks."""
    active = [service for service in await stage.services(customer) if service["state"] != "terminated"]
    assert {service["state"] for service in active} <= {"active"}
    held = {reference["id"] for service in active for reference in service.get("supportingResource", [])}
    assert held == {resource["id"] for resource in await stage.taken_resources(order_id)}
    networked = {each["id"] for each in (await stage.activation.get("/audit")).json()["active"]}
    services = {service["id"] for service in await stage.services(customer)}
    assert networked & services <= {service["id"] for service in active}
    audit = await stage.audit()
    # Orders of other tests may still be on their way.
    assert [each for each in audit["leaked"] if order_id in (each["requestedBy"] or "")] == []
    assert audit["dangling"] == []
