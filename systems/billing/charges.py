"""Charges: started, changed, stopped, restarted, voided. A product has one active charge at most."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.billing.tables import active_charge
from systems.common.clock import timestamp
from systems.common.documents import Collection, patched
from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.queries import Document, ListQueryDep
from systems.common.system import ReadingDep

CHARGES = Collection("charge", "/billing/v1/charge", ["state", "product.id", "customer.id", "billingAccount.id"])

router = APIRouter(prefix=CHARGES.path, tags=["charge"])


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="allow")


class Reference(_Body):
    """A reference by id."""

    id: str


class NewCharge(_Body):
    """What is to be charged for which product, from when on (now by default); ``price`` holds TMF622 order prices."""

    product: Reference
    billing_account: Reference | None = None
    customer: Reference | None = None
    price: list[dict[str, Any]]
    name: str | None = None
    start_date: AwareDatetime | None = None


class ChargeChange(_Body):
    """What is charged from now on."""

    price: list[dict[str, Any]]


class Stop(_Body):
    """When charging ends (now by default)."""

    end_date: AwareDatetime | None = None


@router.get("")
async def list_charges(query: ListQueryDep, connection: ReadingDep) -> Response:
    """The charges that pass the filters."""
    return query.answer(await CHARGES.search(connection, query))


@router.get("/{charge_id}")
async def read(charge_id: str, query: ListQueryDep, connection: ReadingDep) -> Response:
    """One charge."""
    return JSONResponse(query.only_fields(await CHARGES.get(connection, charge_id)))


@router.post("")
async def start(charge: NewCharge, call: CallDep) -> Response:
    """Start charging a product: ``startCharge``. 409 while it has an active charge."""

    async def work(effect: Effect) -> Answer:
        return await _start(effect.connection, charge)

    return await call.effect("startCharge", work, target=charge.product.id)


@router.patch("/{charge_id}")
async def change(charge_id: str, patch: ChargeChange, call: CallDep) -> Response:
    """Charge other prices from now on: ``changeCharge``. 409 when the charge has ended."""

    async def work(effect: Effect) -> Answer:
        return await _change(effect.connection, charge_id, _written(patch))

    return await call.effect("changeCharge", work, target=charge_id)


@router.post("/{charge_id}/stop")
async def stop(charge_id: str, call: CallDep, body: Stop | None = None) -> Response:
    """End the charge: ``stopCharge``. One that has ended stays as it is."""

    async def work(effect: Effect) -> Answer:
        return await _stop(effect.connection, charge_id, _written(body or Stop()))

    return await call.effect("stopCharge", work, target=charge_id)


@router.post("/{charge_id}/restart")
async def restart(charge_id: str, call: CallDep) -> Response:
    """Make an ended charge active again: ``restartCharge``. 409 when the product has another active charge."""

    async def work(effect: Effect) -> Answer:
        return await _restart(effect.connection, charge_id)

    return await call.effect("restartCharge", work, target=charge_id)


@router.delete("/{charge_id}")
async def void(charge_id: str, call: CallDep) -> Response:
    """Remove the charge as if it had never been: ``voidCharge``."""

    async def work(effect: Effect) -> Answer:
        await _free_product(effect.connection, charge_id)
        await CHARGES.remove(effect.connection, charge_id)
        return Answer(204, target=charge_id)

    return await call.effect("voidCharge", work, target=charge_id)


async def _start(connection: AsyncConnection, charge: NewCharge) -> Answer:
    charge_id = str(uuid4())
    document = {"startDate": timestamp(), **_written(charge), "id": charge_id, "@type": "Charge", "state": "active"}
    await _claim_product(connection, charge.product.id, charge_id)
    kept = await CHARGES.add(connection, document)
    return Answer(201, kept, charge_id, {"Location": kept["href"]})


async def _change(connection: AsyncConnection, charge_id: str, patch: Document) -> Answer:
    charge = await CHARGES.get(connection, charge_id, lock=True)
    if charge["state"] != "active":
        raise Refusal(409, "chargeEnded", f"charge {charge_id} has ended")
    if "state" in patch or "product" in patch:
        raise Refusal(400, "notPatchable", "state and product of a charge cannot be patched")
    return Answer(200, await CHARGES.replace(connection, patched(charge, patch)), charge_id)


async def _stop(connection: AsyncConnection, charge_id: str, end: Document) -> Answer:
    charge = await CHARGES.get(connection, charge_id, lock=True)
    if charge["state"] == "active":
        await _free_product(connection, charge_id)
        ended = {**charge, "endDate": end.get("endDate", timestamp()), "state": "ended"}
        charge = await CHARGES.replace(connection, ended)
    return Answer(200, charge, charge_id)


async def _restart(connection: AsyncConnection, charge_id: str) -> Answer:
    charge = await CHARGES.get(connection, charge_id, lock=True)
    if charge["state"] == "ended":
        await _claim_product(connection, charge["product"]["id"], charge_id)
        restarted = {name: value for name, value in charge.items() if name != "endDate"}
        charge = await CHARGES.replace(connection, {**restarted, "state": "active"})
    return Answer(200, charge, charge_id)


async def _claim_product(connection: AsyncConnection, product_id: str, charge_id: str) -> None:
    try:
        async with connection.begin_nested():
            await connection.execute(insert(active_charge).values(product=product_id, charge=charge_id))
    except IntegrityError:
        raise Refusal(409, "alreadyCharged", f"product {product_id} has an active charge") from None


async def _free_product(connection: AsyncConnection, charge_id: str) -> None:
    await connection.execute(delete(active_charge).where(active_charge.c.charge == charge_id))


def _written(body: _Body) -> Document:
    return body.model_dump(mode="json", by_alias=True, exclude_none=True)
