"""The installed base: product inventory (TMF637) and service inventory (TMF638)."""

from dataclasses import dataclass
from uuid import uuid4

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.common.documents import Collection, patched
from systems.common.effects import Answer, CallDep
from systems.common.errors import Refusal
from systems.common.faults import Lookup
from systems.common.queries import Document, ListQueryDep, texts_at
from systems.common.system import ReadingDep


@dataclass(frozen=True)
class Inventory:
    """One inventory: its documents, the attribute that holds the state, its legal values and the first one."""

    documents: Collection
    noun: str
    state: str
    states: frozenset[str]
    initial: str

    def specification(self, document: Document) -> str | None:
        """The id of the specification ``document`` refers to."""
        return next(texts_at(document, f"{self.documents.kind}Specification.id"), None)

    def specification_of(self, document_id: str) -> Lookup:
        """Looks up the specification of a document; None when there is no such document."""

        async def look(connection: AsyncConnection) -> str | None:
            return self.specification(await self.documents.find(connection, document_id) or {})

        return look


PRODUCTS = Inventory(
    documents=Collection(
        "product",
        "/tmf-api/productInventory/v4/product",
        [
            "status",
            "productSpecification.id",
            "productOffering.id",
            "productOrderItem.productOrderId",
            "relatedParty.id",
        ],
    ),
    noun="Product",
    state="status",
    states=frozenset(
        {
            "created",
            "pendingActive",
            "active",
            "suspended",
            "pendingTerminate",
            "terminated",
            "aborted",
            "cancelled",
        }
    ),
    initial="created",
)
SERVICES = Inventory(
    documents=Collection(
        "service",
        "/tmf-api/serviceInventory/v4/service",
        [
            "state",
            "serviceSpecification.id",
            "serviceOrderItem.serviceOrderId",
            "relatedParty.id",
            "supportingResource.id",
        ],
    ),
    noun="Service",
    state="state",
    states=frozenset({"feasibilityChecked", "designed", "reserved", "inactive", "active", "terminated"}),
    initial="feasibilityChecked",
)


def installed_base_router(inventory: Inventory) -> APIRouter:
    """One of the two inventories; their operations are ``createProduct``, ``updateService`` and so on."""
    documents = inventory.documents
    router = APIRouter(prefix=documents.path, tags=[documents.kind])

    @router.get("")
    async def list_documents(query: ListQueryDep, connection: ReadingDep) -> Response:
        return query.answer(await documents.search(connection, query))

    @router.get("/{document_id}")
    async def read(document_id: str, query: ListQueryDep, connection: ReadingDep) -> Response:
        return JSONResponse(query.only_fields(await documents.get(connection, document_id)))

    @router.post("")
    async def create(body: Document, call: CallDep) -> Response:
        return await call.effect(
            f"create{inventory.noun}",
            lambda effect: _create(inventory, effect.connection, body),
            target=str(body.get("id", "")),
            specification=inventory.specification(body),
        )

    @router.patch("/{document_id}")
    async def patch(document_id: str, body: Document, call: CallDep) -> Response:
        return await call.effect(
            f"update{inventory.noun}",
            lambda effect: _update(inventory, effect.connection, document_id, body),
            target=document_id,
            specification=inventory.specification_of(document_id),
        )

    @router.delete("/{document_id}")
    async def remove(document_id: str, call: CallDep) -> Response:
        return await call.effect(
            f"delete{inventory.noun}",
            lambda effect: _delete(inventory, effect.connection, document_id),
            target=document_id,
            specification=inventory.specification_of(document_id),
        )

    return router


async def _create(inventory: Inventory, connection: AsyncConnection, body: Document) -> Answer:
    _check_values(inventory, body)
    document = {"id": str(uuid4()), "@type": inventory.noun, inventory.state: inventory.initial, **body}
    kept = await inventory.documents.add(connection, document)
    return Answer(201, kept, kept["id"], {"Location": kept["href"]})


async def _update(inventory: Inventory, connection: AsyncConnection, document_id: str, body: Document) -> Answer:
    _check_values(inventory, body)
    document = await inventory.documents.get(connection, document_id, lock=True)
    return Answer(200, await inventory.documents.replace(connection, patched(document, body)), document_id)


async def _delete(inventory: Inventory, connection: AsyncConnection, document_id: str) -> Answer:
    await inventory.documents.remove(connection, document_id)
    return Answer(204, target=document_id)


def _check_values(inventory: Inventory, body: Document) -> None:
    if inventory.state in body and body[inventory.state] not in inventory.states:
        raise Refusal(400, "illegalValue", f"{inventory.state} cannot be {body[inventory.state]!r}")
    if "id" in body and not (isinstance(body["id"], str) and body["id"]):
        raise Refusal(400, "illegalValue", "id is a text")
