"""The audit: what is active in the network."""

from fastapi import APIRouter
from sqlalchemy import Connection

from systems.activation.kinds import KINDS
from systems.common.docs import errors
from systems.common.system import DatabaseDep
from tmf.bodies import Document

router = APIRouter(tags=["audit"])


@router.get("/audit", summary="What is active in the network", responses=errors())
async def audit(database: DatabaseDep) -> Document:
    """Every service and resource that is active."""
    return {"active": await database.scanning(_active)}


def _active(connection: Connection) -> list[Document]:
    return [
        {"id": document["id"], "kind": kind.name, "specification": kind.specification(document)}
        for kind in KINDS.values()
        for document in kind.documents.all(connection)
        if document["state"] == "active"
    ]
