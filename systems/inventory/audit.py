"""The audit: does what is held agree with what is in service?"""

from fastapi import APIRouter
from sqlalchemy import Connection, or_

from systems.common.docs import errors
from systems.common.system import DatabaseDep
from systems.inventory.installed_base import PRODUCTS, SERVICES
from systems.inventory.resources import Member, members
from systems.inventory.tables import resource
from tmf.bodies import Document
from tmf.query.values import texts_at

ENDED_PRODUCTS = frozenset({"terminated", "aborted", "cancelled"})

router = APIRouter(tags=["audit"])


@router.get("/audit", summary="What is held and in service, and where the two disagree", responses=errors())
async def audit(database: DatabaseDep) -> Document:
    """`leaked` are held resources that no active service names as its `supportingResource`.

    `dangling` are free ones that an active service names.
    """
    return await database.scanning(_audit)


def _audit(connection: Connection) -> Document:
    held_or_used = or_(resource.c.resource_status == "reserved", resource.c.usage_state != "idle")
    held = (connection.execute(members().where(held_or_used).order_by(resource.c.sequence))).all()
    services = [document for document in SERVICES.documents.all(connection) if document["state"] != "terminated"]
    products = [document for document in PRODUCTS.documents.all(connection) if document["status"] not in ENDED_PRODUCTS]
    in_service = {
        resource_id
        for service in services
        if service["state"] == "active"
        for resource_id in texts_at(service, "supportingResource.id")
    }
    free = connection.scalars(
        members().with_only_columns(resource.c.id).where(~held_or_used).order_by(resource.c.sequence)
    )
    leaked = [_line(row) for row in held if row.id not in in_service]
    dangling = [resource_id for resource_id in free if resource_id in in_service]
    return {
        "resources": [_line(row) for row in held],
        "services": [{"id": service["id"], "state": service["state"]} for service in services],
        "products": [{"id": product["id"], "status": product["status"]} for product in products],
        "leaked": leaked,
        "dangling": dangling,
        "consistent": not leaked and not dangling,
    }


def _line(row: Member) -> Document:
    return {
        "id": row.id,
        "value": row.value,
        "specification": row.specification,
        "resourceStatus": row.resource_status,
        "usageState": row.usage_state,
        "requestedBy": row.requested_by,
    }
