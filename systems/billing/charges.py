"""Charges: started, changed, stopped, restarted, voided. A product has one active charge at most."""

from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection, bindparam, delete, text

from systems.billing.tables import active_charge
from systems.common import tmf
from systems.common.bodies import fitting, read_object
from systems.common.clock import timestamp
from systems.common.docs import body_of, creates, errors, listed, patches, read_one, removes
from systems.common.documents import Collection
from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.patches import Patch, check_removed, check_unchanged, read_patch
from systems.common.queries import ListQueryDep, answer, listing
from systems.common.system import DatabaseDep, IdPath
from tmf.bodies import Document
from tmf.paths import BILLING
from tmf.query.query import ListQuery

PATH = f"{BILLING}/charge"
API = "Billing"


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="allow")


class Reference(_Body):
    """A reference by id."""

    id: str = Field(max_length=tmf.LONGEST_ID)


class ChargeCreate(_Body):
    """What is to be charged for which product, from when on (now by default); ``price`` holds TMF622 order prices."""

    product: Reference
    billing_account: Reference | None = None
    customer: Reference | None = None
    price: list[dict[str, Any]]
    name: str | None = None
    start_date: tmf.Moment | None = None


class ChargeUpdate(_Body):
    """What is charged from now on, and to whom."""

    price: list[dict[str, Any]] | None = None
    billing_account: Reference | None = None


class Stop(_Body):
    """When charging ends (now by default)."""

    end_date: tmf.Moment | None = None


class Charge(_Body):
    """What a product is charged, from when to when."""

    id: str
    href: str
    state: Literal["active", "ended"] | None = None
    product: Reference | None = None
    billing_account: Reference | None = None
    customer: Reference | None = None
    price: list[dict[str, Any]] | None = None
    name: str | None = None
    start_date: tmf.Moment | None = None
    end_date: tmf.Moment | None = None


BODIES = (ChargeCreate, ChargeUpdate, Stop)
READ_ONLY = ("id", "href", "state", "product")
EXAMPLE = {
    "name": "Fibre 250",
    "product": {"id": "product-1"},
    "customer": {"id": "customer-1"},
    "price": [{"priceType": "recurring", "price": {"taxIncludedAmount": {"unit": "EUR", "value": 39.9}}}],
}
# The same words on SQLite and PostgreSQL; on the latter it waits for a transaction that claims the same product.
CLAIM_PRODUCT = text("INSERT INTO active_charge (product, charge) VALUES (:product, :charge) ON CONFLICT DO NOTHING")
FREE_PRODUCT = delete(active_charge).where(active_charge.c.charge == bindparam("of_charge"))
CHARGES = Collection("charge", PATH, ["state", "product.id", "customer.id", "billingAccount.id"], Charge)

router = APIRouter(prefix=PATH, tags=[API])


@router.get("", summary="List charges", **listed(Charge, "product.id", "product-1"))
async def list_charges(query: Annotated[ListQuery, listing(Charge)], database: DatabaseDep) -> Response:
    return answer(query, await database.scanning(CHARGES.page, query))


@router.get("/{id}", summary="Read a charge", **read_one(Charge))
async def read(charge_id: IdPath, query: ListQueryDep, database: DatabaseDep) -> Response:
    return JSONResponse(query.project(await database.reading(CHARGES.get, charge_id)))


@router.post("", summary="Start charging a product", **creates(Charge, ChargeCreate, EXAMPLE))
async def start(request: Request, call: CallDep) -> Response:
    """`startCharge`. 409 while the product has an active charge."""
    body = await read_object(request)
    charge = fitting(ChargeCreate, body)

    def work(effect: Effect) -> Answer:
        return _start(effect.connection, charge.product.id, body)

    return await call.effect("startCharge", work, target=charge.product.id)


@router.patch("/{id}", summary="Charge other prices", **patches(Charge, ChargeUpdate, {"price": EXAMPLE["price"]}))
async def change(charge_id: IdPath, request: Request, call: CallDep) -> Response:
    """`changeCharge`. 409 when the charge has ended."""
    patch = await read_patch(request)

    def work(effect: Effect) -> Answer:
        return _change(effect.connection, charge_id, patch)

    return await call.effect("changeCharge", work, target=charge_id)


@router.post(
    "/{id}/stop",
    summary="End a charge",
    response_model=Charge,
    responses=errors(400, 404, 413, 415, 422),
    openapi_extra=body_of(Stop, {"endDate": "2026-04-01T00:00:00Z"}, required=False),
)
async def stop(charge_id: IdPath, request: Request, call: CallDep) -> Response:
    """`stopCharge`. One that has ended stays as it is."""
    end = await read_object(request) if await request.body() else {}
    fitting(Stop, end)

    def work(effect: Effect) -> Answer:
        return _stop(effect.connection, charge_id, end)

    return await call.effect("stopCharge", work, target=charge_id)


@router.post(
    "/{id}/restart", summary="Take up an ended charge", response_model=Charge, responses=errors(400, 404, 409, 422)
)
async def restart(charge_id: IdPath, call: CallDep) -> Response:
    """`restartCharge`. 409 when the product has another active charge."""

    def work(effect: Effect) -> Answer:
        return _restart(effect.connection, charge_id)

    return await call.effect("restartCharge", work, target=charge_id)


@router.delete("/{id}", summary="Void a charge", **removes())
async def void(charge_id: IdPath, call: CallDep) -> Response:
    """Remove the charge as if it had never been: `voidCharge`."""

    def work(effect: Effect) -> Answer:
        _free_product(effect.connection, charge_id)
        CHARGES.remove(effect.connection, charge_id)
        return Answer(204, target=charge_id)

    return await call.effect("voidCharge", work, target=charge_id)


def _start(connection: Connection, product_id: str, body: Document) -> Answer:
    charge_id = str(uuid4())
    said = {name: value for name, value in body.items() if value is not None}
    document = {"startDate": timestamp(), **said, "id": charge_id, "@type": "Charge", "state": "active"}
    _claim_product(connection, product_id, charge_id)
    kept = CHARGES.add(connection, document)
    return Answer(201, kept, charge_id, {"Location": kept["href"]})


def _change(connection: Connection, charge_id: str, patch: Patch) -> Answer:
    charge = CHARGES.get(connection, charge_id, lock=True)
    if charge["state"] != "active":
        raise Refusal(409, "chargeEnded", f"charge {charge_id} has ended")
    changed = patch.applied_to(charge)
    check_unchanged(charge, changed, READ_ONLY)
    check_removed(charge, changed, ["price"])
    fitting(Charge, changed)
    return Answer(200, CHARGES.replace(connection, changed), charge_id)


def _stop(connection: Connection, charge_id: str, end: Document) -> Answer:
    charge = CHARGES.get(connection, charge_id, lock=True)
    if charge["state"] == "active":
        _free_product(connection, charge_id)
        ended = {**charge, "endDate": end.get("endDate") or timestamp(), "state": "ended"}
        charge = CHARGES.replace(connection, ended)
    return Answer(200, charge, charge_id)


def _restart(connection: Connection, charge_id: str) -> Answer:
    charge = CHARGES.get(connection, charge_id, lock=True)
    if charge["state"] == "ended":
        _claim_product(connection, charge["product"]["id"], charge_id)
        restarted = {name: value for name, value in charge.items() if name != "endDate"}
        charge = CHARGES.replace(connection, {**restarted, "state": "active"})
    return Answer(200, charge, charge_id)


def _claim_product(connection: Connection, product_id: str, charge_id: str) -> None:
    if connection.execute(CLAIM_PRODUCT, {"product": product_id, "charge": charge_id}).rowcount == 0:
        raise Refusal(409, "alreadyCharged", f"product {product_id} has an active charge")


def _free_product(connection: Connection, charge_id: str) -> None:
    connection.execute(FREE_PRODUCT, {"of_charge": charge_id})
