"""The check of a product order: all that breaks a rule of the catalogs or of the installed base, at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from catalogs.checks.bundles import check_bundles
from catalogs.checks.characteristics import check_characteristics
from catalogs.checks.context import OrderContext
from catalogs.checks.items import check_offerings, check_products
from catalogs.checks.related import check_accounts, check_parties, check_places
from catalogs.checks.relations import check_exclusions, check_relations, check_requirements
from catalogs.checks.unchanged import check_unchanged
from catalogs.decomposition.product_orders import DecompositionError, draft_order
from catalogs.decomposition.services import Expansion
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.expressions import ExpressionError
from catalogs.model.money import AmountError
from catalogs.nodes.products import product_nodes
from catalogs.nodes.reliance import Reliance
from catalogs.pricing.product_prices import product_prices
from orders.bounds import OrderLimits
from orders.model.installed import InstalledBase
from orders.model.product_orders import ProductOrder, ProductOrderItem
from orders.model.violation import Violation, blamed

_CHECKS: tuple[Callable[[OrderContext], Iterator[Violation]], ...] = (
    check_products,
    check_offerings,
    check_characteristics,
    check_bundles,
    check_relations,
    check_unchanged,
)
_CHECKS_OF_CUSTOMER = (check_requirements, check_exclusions)


def check_order(
    order: ProductOrder,
    catalogs: CatalogSet,
    installed: InstalledBase,
    on: datetime,
    limits: OrderLimits | None = None,
) -> list[Violation]:
    """Return every rule that an order breaks at the moment `on`; none means that it can be priced and decomposed.

    Args:
        installed: the products of the order's customer, and those that its items name.

    Raises:
        PlanTooLargeError: when it comes down to more than it may.
    """
    limits = limits or OrderLimits()
    unbounded = list(_quantities(order, limits.quantity))
    order = within_bounds(order, limits.quantity)
    context = OrderContext.of(order, catalogs, installed, on)
    of_customer = list(check_parties(order))
    # Of nobody, or of one of two, it cannot be said what they have.
    checks = _CHECKS if of_customer else (*_CHECKS, *_CHECKS_OF_CUSTOMER)
    violations = [*unbounded, *of_customer, *check_accounts(order), *check_places(order)]
    violations += [violation for check in checks for violation in check(context)]
    return [*violations, *_obstacles(context, blamed(violations), limits.parts)]


def within_bounds(order: ProductOrder, most: int) -> ProductOrder:
    """Return an order in which items that order too many order one, so that of the rest everything can be told."""

    def bounded(item: ProductOrderItem) -> ProductOrderItem:
        parts = item.product_order_item and [bounded(part) for part in item.product_order_item]
        quantity = 1 if (item.quantity or 1) > most else item.quantity
        return item.model_copy(update={"quantity": quantity, "product_order_item": parts})

    return order.model_copy(update={"product_order_item": [bounded(item) for item in order.product_order_item]})


def _quantities(order: ProductOrder, most: int) -> Iterator[Violation]:
    for item, _, path in order.items():
        if (item.quantity or 1) > most:
            yield Violation(
                code="quantityTooLarge",
                path=f"{path}.quantity",
                message=f"{item.quantity} of one product; at most {most} in one item",
                item_id=item.id,
            )


def _obstacles(context: OrderContext, broken: Collection[str], most: int) -> list[Violation]:
    """Return what only shows when an order is worked out: circles of services, values that do not fit.

    Args:
        broken: items that break a rule; these are not worked out, and what others would need of them may be there.
    """
    order, catalogs, installed, on = context.order, context.catalogs, context.installed, context.on
    nodes = [node for node in product_nodes(order, catalogs, installed, on) if node.item_id not in broken]
    try:
        draft_order(order, nodes, Reliance(nodes, installed), Expansion(catalogs, most), whole=not broken)
    except DecompositionError as error:
        return error.violations
    return list(_unpriceable(context, broken))


def _unpriceable(context: OrderContext, broken: Collection[str]) -> Iterator[Violation]:
    for node in (each for item_id, each in context.nodes.items() if item_id not in broken):
        try:
            product_prices(node, context.catalogs, context.on)
        except ExpressionError as error:
            yield context.violation(node, "catalogExpression", "product", f"the catalog cannot price it: {error}")
        except AmountError as error:
            yield context.violation(node, "amountTooLarge", "product.productCharacteristic", str(error))
