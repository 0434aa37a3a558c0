"""The installed base: product inventory (TMF637) and service inventory (TMF638)."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from systems.common import tmf
from systems.common.bodies import fitting, read_object
from systems.common.dates import Dates
from systems.common.docs import creates, listed, patches, read_one, removes
from systems.common.documents import Collection
from systems.common.effects import Answer, CallDep, Effect
from systems.common.events import Change, EventSource
from systems.common.faults import Lookup
from systems.common.patches import Patch, check_removed, check_unchanged, read_patch
from systems.common.queries import ListQueryDep, answer, listing
from systems.common.system import DatabaseDep, IdPath
from systems.inventory import lifecycle
from tmf.bodies import Document
from tmf.paths import TMF637, TMF638
from tmf.query.query import ListQuery
from tmf.query.values import texts_at


@dataclass(frozen=True)
class Inventory:
    """One inventory: its documents, its life cycle, and its models.

    ``dates`` are those that it writes; ``read_only`` attributes are set once and for all; ``example`` is a body to
    create one with.
    """

    api: str
    base: str
    documents: Collection
    noun: str
    dates: Dates
    life_cycle: lifecycle.LifeCycle
    model: type[tmf.Product] | type[tmf.Service]
    create_model: type[tmf.ProductCreate] | type[tmf.ServiceCreate]
    required: tuple[str, ...]
    read_only: tuple[str, ...]
    example: dict[str, Any]

    @property
    def state(self) -> str:
        """The attribute that holds the state."""
        return self.dates.state

    @property
    def events(self) -> EventSource:
        """Where its events come from."""
        return EventSource(self.base, self.documents.kind, f"{self.documents.kind}Inventory")

    def specification(self, document: Document) -> str | None:
        """The id of the specification ``document`` refers to."""
        return next(texts_at(document, f"{self.documents.kind}Specification.id"), None)

    def specification_of(self, document_id: str) -> Lookup:
        """Looks up the specification of a document; None when there is no such document."""

        def look(connection: Connection) -> str | None:
            return self.specification(self.documents.find(connection, document_id) or {})

        return look


PRODUCTS = Inventory(
    api="TMF637 Product Inventory",
    base=TMF637,
    documents=Collection(
        "product",
        f"{TMF637}/product",
        [
            "status",
            "productSpecification.id",
            "productOffering.id",
            "productOrderItem.productOrderId",
            "relatedParty.id",
        ],
        tmf.Product,
    ),
    noun="Product",
    dates=Dates("startDate", "terminationDate", state="status"),
    life_cycle=lifecycle.PRODUCT,
    model=tmf.Product,
    create_model=tmf.ProductCreate,
    required=("status",),
    read_only=("id", "href"),
    example={
        "name": "Fibre 250",
        "status": "active",
        "productOffering": {"id": "fibre-250"},
        "relatedParty": [{"id": "customer-1", "role": "customer", "@referredType": "Customer"}],
        "productCharacteristic": [{"name": "downloadSpeed", "value": 250}],
    },
)
SERVICES = Inventory(
    api="TMF638 Service Inventory",
    base=TMF638,
    documents=Collection(
        "service",
        f"{TMF638}/service",
        [
            "state",
            "serviceSpecification.id",
            "serviceOrderItem.serviceOrderId",
            "relatedParty.id",
            "supportingResource.id",
        ],
        tmf.Service,
    ),
    noun="Service",
    dates=Dates("startDate", "endDate", "serviceDate"),
    life_cycle=lifecycle.SERVICE,
    model=tmf.Service,
    create_model=tmf.ServiceCreate,
    required=("state", "serviceSpecification"),
    read_only=("id", "href", "serviceDate"),
    example={
        "name": "Internet access",
        "state": "active",
        "serviceSpecification": {"id": "cfs-internet"},
        "serviceCharacteristic": [{"name": "downloadSpeed", "value": 250}],
    },
)


def installed_base_router(inventory: Inventory) -> APIRouter:
    """One of the two inventories; their operations are ``createProduct``, ``updateService`` and so on."""
    documents, model, kind = inventory.documents, inventory.model, inventory.documents.kind
    router = APIRouter(prefix=documents.path, tags=[inventory.api])

    @router.get("", summary=f"List {kind}s", **listed(model, inventory.state, "active"))
    async def list_documents(query: Annotated[ListQuery, listing(model)], database: DatabaseDep) -> Response:
        return answer(query, await database.scanning(documents.page, query))

    @router.get("/{id}", summary=f"Read a {kind}", **read_one(model))
    async def read(document_id: IdPath, query: ListQueryDep, database: DatabaseDep) -> Response:
        return JSONResponse(query.project(await database.reading(documents.get, document_id)))

    @router.post("", summary=f"Record a {kind}", **creates(model, inventory.create_model, inventory.example))
    async def create(request: Request, call: CallDep) -> Response:
        body = await read_object(request)
        fitting(inventory.create_model, body)
        return await call.effect(
            f"create{inventory.noun}",
            lambda effect: _create(inventory, effect, body),
            target=str(body.get("id", "")),
            specification=inventory.specification(body),
        )

    @router.patch("/{id}", summary=f"Change a {kind}", **patches(model, model, {inventory.state: "active"}))
    async def patch(document_id: IdPath, request: Request, call: CallDep) -> Response:
        patch = await read_patch(request)
        return await call.effect(
            f"update{inventory.noun}",
            lambda effect: _update(inventory, effect, document_id, patch),
            target=document_id,
            specification=inventory.specification_of(document_id),
        )

    @router.delete("/{id}", summary=f"Remove a {kind}", **removes())
    async def remove(document_id: IdPath, call: CallDep) -> Response:
        return await call.effect(
            f"delete{inventory.noun}",
            lambda effect: _delete(inventory, effect, document_id),
            target=document_id,
            specification=inventory.specification_of(document_id),
        )

    return router


def _create(inventory: Inventory, effect: Effect, body: Document) -> Answer:
    said = {"@type": inventory.noun, **body, "id": body.get("id") or str(uuid4())}
    document = inventory.dates.written(None, said)
    kept = inventory.documents.add(effect.connection, document)
    inventory.events.tell(effect.connection, Change("Create", effect.key), kept)
    return Answer(201, kept, kept["id"], {"Location": kept["href"]})


def _update(inventory: Inventory, effect: Effect, document_id: str, patch: Patch) -> Answer:
    connection = effect.connection
    before = inventory.documents.get(connection, document_id, lock=True)
    after = patch.applied_to(before)
    check_unchanged(before, after, inventory.read_only)
    check_removed(before, after, inventory.required)
    fitting(inventory.model, after)
    if inventory.state in before:
        lifecycle.check_step(inventory.life_cycle, inventory.state, before[inventory.state], after[inventory.state])
    kept = inventory.documents.replace(connection, inventory.dates.written(before, after))
    states = [inventory.state, *inventory.dates.names]
    inventory.events.tell_of_change(connection, effect.key, before, kept, states)
    return Answer(200, kept, document_id)


def _delete(inventory: Inventory, effect: Effect, document_id: str) -> Answer:
    document = inventory.documents.get(effect.connection, document_id, lock=True)
    inventory.documents.remove(effect.connection, document_id)
    inventory.events.tell(effect.connection, Change("Delete", effect.key), document)
    return Answer(204, target=document_id)
