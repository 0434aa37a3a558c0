"""The audit: what is charged, and what was."""

from fastapi import APIRouter

from systems.billing.charges import CHARGES
from systems.common.docs import errors
from systems.common.system import DatabaseDep
from tmf.bodies import Document

router = APIRouter(tags=["audit"])


@router.get("/audit", summary="What is charged, and what was", responses=errors())
async def audit(database: DatabaseDep) -> Document:
    """Every charge that was not voided."""
    charges = [
        {"id": charge["id"], "product": charge["product"]["id"], "state": charge["state"]}
        for charge in await database.scanning(CHARGES.all)
    ]
    return {"charges": charges}
