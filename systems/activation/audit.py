"""The audit: what is active in the network."""

from fastapi import APIRouter

from systems.activation.kinds import KINDS
from systems.common.docs import errors
from systems.common.queries import Document
from systems.common.system import ReadingDep

router = APIRouter(tags=["audit"])


@router.get("/audit", summary="What is active in the network", responses=errors())
async def audit(connection: ReadingDep) -> Document:
    """Every service and resource that is active."""
    active = [
        {"id": document["id"], "kind": kind.name, "specification": kind.specification(document)}
        for kind in KINDS.values()
        for document in await kind.documents.all(connection)
        if document["state"] == "active"
    ]
    return {"active": active}
