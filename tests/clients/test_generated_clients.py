"""A client that a generator made places, finds, amends, cancels and deletes orders, and understands every answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
import pytest

from tests.api.documents.test_published_specifications import SPECS
from tests.clients.conftest import Generate
from tests.stage import ADMIN_TOKEN, Stage, customer_of, eventually, example

T = TypeVar("T")

BASE = "/tmf-api/productOrderingManagement/v4"
PUBLISHED = SPECS / "TMF622-v4.0.0.swagger.json"

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.fixture(scope="session")
def published(generate: Generate) -> Any:
    """A client of the published file."""
    if not PUBLISHED.is_file():
        pytest.skip(f"the published TM Forum file is not at {PUBLISHED}")
    return generate(PUBLISHED, "tmf622_published")


@pytest.fixture(scope="session")
async def own(generate: Generate, shared_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A client of the gateway's own document."""
    document = (await shared_stage.gateway.get(f"{BASE}/openapi.json")).text
    return await call(lambda: generate(_written(tmp_path_factory.mktemp("document"), document), "tmf622_own"))


def _written(folder: Path, document: str) -> Path:
    file = folder / "openapi.json"
    file.write_text(document)
    return file


async def call(function: Callable[[], T]) -> T:
    """Call what blocks without holding up the gateway, which runs in the same process."""
    return await anyio.to_thread.run_sync(function)


def body(start: datetime | None = None) -> tuple[dict[str, Any], str]:
    """Return an order of a customer of its own, to be begun at a time, and that customer's id."""
    document = example("fibre-bundle")
    customer = customer_of(document)
    if start:
        document["requestedStartDate"] = start.isoformat()
    document["note"] = [{"text": "Ring twice", "author": "ada"}]
    document["quote"] = [{"id": "Q-1", "@referredType": "Quote"}]
    return document, customer


def connected(package: Any, address: str) -> Any:
    return package.ApiClient(package.Configuration(host=f"{address}{BASE}"))


async def test_a_client_of_the_published_file_orders_finds_amends_cancels_and_deletes(
    stage: Stage, address: str, published: Any
) -> None:
    client = connected(published, address)
    orders, cancellations = published.ProductOrderApi(client), published.CancelProductOrderApi(client)
    document, customer = body(datetime.now(UTC) + timedelta(days=30))

    order = await call(lambda: orders.create_product_order(published.ProductOrderCreate.from_dict(document)))
    assert (order.state, order.note[0].text, order.quote[0].id) == ("acknowledged", "Ring twice", "Q-1")
    await stage.until(lambda stored: stored["state"] == "pending", order.id)

    # The published schema requires the items of every answer, also of one that `fields` cuts down.
    fields = "state,relatedParty,productOrderItem"
    found = await call(lambda: orders.list_product_order(fields=fields, offset=0, limit=50))
    assert {each.id: each.related_party[0].id for each in found}[order.id] == customer

    read = await call(lambda: orders.retrieve_product_order(order.id))
    change = published.ProductOrderUpdate(
        description="Fibre, but sooner", priority="1", product_order_item=read.product_order_item
    )
    amended = await call(lambda: orders.patch_product_order(order.id, change))
    assert (amended.description, amended.priority, amended.state) == ("Fibre, but sooner", "1", "pending")

    wish = published.CancelProductOrderCreate(
        product_order=published.ProductOrderRef(id=order.id), cancellation_reason="The customer moves"
    )
    asked = await call(lambda: cancellations.create_cancel_product_order(wish))

    async def done() -> bool:
        task = await call(lambda: cancellations.retrieve_cancel_product_order(asked.id))
        return bool(task.state == "done")

    await eventually(done)
    assert len(await call(lambda: cancellations.list_cancel_product_order())) >= 1
    await stage.ended(order.id)
    cancelled = await call(lambda: orders.retrieve_product_order(order.id))
    assert (cancelled.state, cancelled.cancellation_reason) == ("cancelled", "The customer moves")

    bearer = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    await call(lambda: orders.delete_product_order(order.id, _headers=bearer))
    with pytest.raises(published.ApiException) as missing:
        await call(lambda: orders.retrieve_product_order(order.id))
    assert missing.value.status == 404
    assert json.loads(missing.value.body)["code"] == "notFound"


async def test_a_client_of_the_published_file_understands_an_order_at_its_end(
    stage: Stage, address: str, published: Any
) -> None:
    orders = published.ProductOrderApi(connected(published, address))
    document, _ = body()
    order = await call(lambda: orders.create_product_order(published.ProductOrderCreate.from_dict(document)))
    await stage.ended(order.id)
    read = await call(lambda: orders.retrieve_product_order(order.id))
    assert read.state == "completed"
    assert read.completion_date >= read.order_date
    assert read.order_total_price[0].price.tax_included_amount.value > 0
    assert {item.state for item in read.product_order_item} == {"completed"}


async def test_a_client_of_our_own_document_does_the_same_and_sees_what_is_ours(
    stage: Stage, address: str, own: Any
) -> None:
    api = own.TMF622ProductOrderingApi(connected(own, address))
    document, _ = body(datetime.now(UTC) + timedelta(days=30))
    wanted = own.ProductOrderCreate.from_dict(document)

    preview = await call(lambda: api.preview_product_order(wanted))
    assert preview.violations == []
    order = await call(lambda: api.create_product_order(wanted))
    await stage.until(lambda stored: stored["state"] == "pending", order.id)
    assert order.id in {each.id for each in await call(lambda: api.list_product_order(state="pending"))}

    amended = await call(lambda: api.patch_product_order(order.id, own.ProductOrderUpdate(priority="0")))
    assert amended.priority == "0"
    plan = await call(lambda: api.retrieve_product_order_plan(order.id))
    assert plan.order_id == order.id
    revisions = await call(lambda: api.list_product_order_revision(order.id))
    assert [each.number for each in revisions] == [1, 2]

    wish = own.CancelProductOrderCreate(product_order=own.OrderReference(id=order.id))
    asked = await call(lambda: api.create_cancel_product_order(wish))
    ended = await stage.ended(order.id)
    assert ended["state"] == "cancelled"
    assert (await call(lambda: api.retrieve_cancel_product_order(asked.id))).state == "done"

    with pytest.raises(own.ApiException) as refused:
        await call(lambda: api.delete_product_order(order.id))
    assert refused.value.status == 401
    api.api_client.configuration.access_token = ADMIN_TOKEN
    await call(lambda: api.delete_product_order(order.id))
