"""Whether an order makes sense: all that breaks a rule of the catalogs or of the installed base, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from catalogs.bundle_checks import check_bundles
from catalogs.catalog_set import CatalogSet
from catalogs.characteristic_checks import check_characteristics
from catalogs.decomposition import DecompositionError, draft_order
from catalogs.expressions import ExpressionError
from catalogs.item_checks import check_offerings, check_products
from catalogs.order_context import OrderContext
from catalogs.product_nodes import product_nodes
from catalogs.product_prices import product_prices
from catalogs.related_checks import check_parties, check_places
from catalogs.relation_checks import check_exclusions, check_relations, check_requirements
from catalogs.reliance import Reliance
from catalogs.unchanged_checks import check_unchanged
from orders.installed import InstalledBase
from orders.tmf import ProductOrder
from orders.violation import Violation

MAX_QUANTITY = 1000
"""Products that one item may order."""

_CHECKS: tuple[Callable[[OrderContext], Iterator[Violation]], ...] = (
    check_products,
    check_offerings,
    check_characteristics,
    check_bundles,
    check_relations,
    check_unchanged,
)
_CHECKS_OF_CUSTOMER = (check_requirements, check_exclusions)


def check_order(order: ProductOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime) -> list[Violation]:
    """Return every rule that an order breaks at the moment `on`; none means that it can be priced and decomposed.

    Args:
        installed: the products of the order's customer, and those that its items name.
    """
    if unbounded := list(_quantities(order)):
        return unbounded
    context = OrderContext.of(order, catalogs, installed, on)
    of_customer = list(check_parties(order))
    # Of nobody, or of one of two, it cannot be said what they have.
    checks = _CHECKS if of_customer else (*_CHECKS, *_CHECKS_OF_CUSTOMER)
    violations = [*of_customer, *check_places(order), *(violation for check in checks for violation in check(context))]
    return violations or _obstacles(context)


def _quantities(order: ProductOrder) -> Iterator[Violation]:
    for item, _, path in order.items():
        if (item.quantity or 1) > MAX_QUANTITY:
            yield Violation(
                code="quantityTooLarge",
                path=f"{path}.quantity",
                message=f"{item.quantity} of one product; at most {MAX_QUANTITY} in one item",
                item_id=item.id,
            )


def _obstacles(context: OrderContext) -> list[Violation]:
    """Return what only shows when an order is worked out: circles of services, values that do not fit."""
    order, catalogs, installed, on = context.order, context.catalogs, context.installed, context.on
    nodes = product_nodes(order, catalogs, installed, on)
    try:
        draft_order(order, nodes, Reliance(nodes, installed), catalogs)
    except DecompositionError as error:
        return error.violations
    return list(_unpriceable(context))


def _unpriceable(context: OrderContext) -> Iterator[Violation]:
    for node in context.nodes.values():
        try:
            product_prices(node, context.catalogs, context.on)
        except ExpressionError as error:
            yield context.violation(node, "catalogExpression", "product", f"the catalog cannot price it: {error}")
