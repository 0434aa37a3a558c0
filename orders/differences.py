"""Where orders, their workflows, the inventories, the network and billing may not agree, and what helps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DifferenceKind(StrEnum):
    """What does not agree with what."""

    LOST_ORDER = "lostOrder"
    TERMINATED_ORDER = "terminatedOrder"
    UNRECORDED_END = "unrecordedEnd"
    OUTDATED_DOCUMENT = "outdatedDocument"
    UNKNOWN_ORDER = "unknownOrder"
    LOCKS_OF_ENDED = "locksOfEnded"
    LEAKED_RESERVATION = "leakedReservation"
    LEFT_SERVICE = "leftService"
    UNKNOWN_SERVICE = "unknownService"
    NOT_IN_NETWORK = "notInNetwork"
    NOT_IN_INVENTORY = "notInInventory"
    CHARGE_WITHOUT_PRODUCT = "chargeWithoutProduct"
    PRODUCT_WITHOUT_CHARGE = "productWithoutCharge"


_D = DifferenceKind
_MEND = "`ordersaga reconcile --mend`"

MEANINGS: dict[DifferenceKind, str] = {
    _D.LOST_ORDER: "run an order whose workflow Temporal does not know",
    _D.TERMINATED_ORDER: "run an order whose workflow was terminated",
    _D.UNRECORDED_END: "show the end that an order's workflow has come to",
    _D.OUTDATED_DOCUMENT: "show how far an order's workflow is",
    _D.UNKNOWN_ORDER: "find the order that a workflow runs",
    _D.LOCKS_OF_ENDED: "release the resource locks of an order that is over",
    _D.LEAKED_RESERVATION: "give back a resource that was reserved by an order that is over",
    _D.LEFT_SERVICE: "take away a service of an order that was undone",
    _D.UNKNOWN_SERVICE: "find the order that has made a service",
    _D.NOT_IN_NETWORK: "find in the network what is active by inventory",
    _D.NOT_IN_INVENTORY: "find in inventory what is active in the network",
    _D.CHARGE_WITHOUT_PRODUCT: "find the active product that is charged for",
    _D.PRODUCT_WITHOUT_CHARGE: "find the charge of an active product",
}
"""What does not succeed, in words."""

ADVICE: dict[DifferenceKind, str] = {
    _D.LOST_ORDER: f"{_MEND} has it started again where it has had no effect yet; else undo by hand what "
    "`ordersaga order show` tells that it has done, end it by `ordersaga reconcile --close ORDER`, and place it anew",
    _D.TERMINATED_ORDER: "undo by hand what `ordersaga order show` tells that it has done, end it by `ordersaga "
    "reconcile --close ORDER`, and place it anew",
    _D.UNRECORDED_END: f"{_MEND} brings its document up to its workflow's end",
    _D.OUTDATED_DOCUMENT: f"{_MEND} brings its document to where its workflow is; an amendment or a cancellation that "
    "the workflow does not know has to be asked for anew",
    _D.UNKNOWN_ORDER: "restore a newer backup of the order store; or have the order undone: `temporal workflow cancel`",
    _D.LOCKS_OF_ENDED: f"{_MEND} releases them",
    _D.LEAKED_RESERVATION: f"{_MEND} gives it back where its order is known; else see who has it, and release it there",
    _D.LEFT_SERVICE: "see the order's `residue`; take the service down, or away from inventory, by hand",
    _D.UNKNOWN_SERVICE: "see in inventory whose it is; terminate it by an order, or take it away by hand",
    _D.NOT_IN_NETWORK: "have the network set it up again, or terminate it by an order",
    _D.NOT_IN_INVENTORY: "see what it is; record it in inventory, or take it down in the network",
    _D.CHARGE_WITHOUT_PRODUCT: "see what the customer has; stop the charge in billing, or record the product",
    _D.PRODUCT_WITHOUT_CHARGE: "see what the customer owes; start the charge in billing, or terminate the product",
}
"""What to do, with the command that helps."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not agree: `id` is that of the order, lock, resource, service, product or charge."""

    kind: DifferenceKind
    id: str
    error: str
    """What was found, in words."""
    order_id: str | None = None
    """The order at the top of the tree that it belongs to."""
    workflow_id: str | None = None
