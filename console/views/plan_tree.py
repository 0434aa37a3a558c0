"""An orchestration plan as a tree: products, their service orders, the services of each and their resources."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from orders.model.product_orders import Action
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ProductPlan, ResourceItem, ServiceItem, ServiceOrderPlan
from tmf.words import bare

_ACTION_STYLES = {Action.ADD: "green", Action.MODIFY: "yellow", Action.DELETE: "red", Action.NO_CHANGE: "dim"}


def plan_tree(plan: OrchestrationPlan) -> Tree:
    """Return the whole plan, bundles with their components, each part with what it starts after."""
    resources = sum(len(item.resources) for order in plan.service_orders for item in order.items)
    counts = {
        "product": len(plan.products),
        "service order": len(plan.service_orders),
        "resource": resources + len(plan.resource_orders),
    }
    shown = ", ".join(_count(number, noun) for noun, number in counts.items())
    tree = Tree(Text.assemble(("plan", "bold"), f"  {shown}", (f"  catalog {plan.catalog.label}", "dim")))
    products = {product.key: product for product in plan.products}
    inner = {key for product in plan.products for key in product.components}
    for product in plan.products:
        if product.key not in inner:
            _add_product(tree, product, products, plan)
    realising = {key for product in plan.products for key in product.services}
    for order in plan.service_orders:
        if order.key not in realising:
            _add_service_order(tree, order)
    for single in plan.resource_orders:
        title = Text.assemble(
            "resource order ", _action(single.action), f" {single.key}  {single.resource.specification.name}"
        )
        tree.add(_with_values(_after(title, single.depends_on), single.resource))
    return tree


def _add_product(parent: Tree, product: ProductPlan, products: dict[str, ProductPlan], plan: OrchestrationPlan) -> None:
    title = Text.assemble((f"{product.key} ", "bold"), _action(product.action), f" {product.name}{_where(product)}")
    branch = parent.add(title)
    own = set(product.services)
    for order in plan.service_orders:
        if order.key in own:
            _add_service_order(branch, order)
    for key in product.components:
        if key in products:
            _add_product(branch, products[key], products, plan)


def _add_service_order(parent: Tree, order: ServiceOrderPlan) -> None:
    title = Text.assemble("service order ", _action(order.action), f" {order.key}  {order.specification.name}")
    branch = parent.add(_after(title, order.depends_on))
    for item in order.items:
        _add_service(branch, item)


def _add_service(parent: Tree, item: ServiceItem) -> None:
    where = _where(item) if item.moves else ""
    title = Text.assemble(_action(item.action), f" {item.key}  {item.specification.name}{where}")
    branch = parent.add(_with_values(_after(title, item.depends_on), item))
    for resource in item.resources:
        line = Text.assemble(_action(resource.action), f" {resource.key}  {resource.specification.name}")
        branch.add(_with_values(_after(line, resource.depends_on), resource))


def _where(each: ProductPlan | ServiceItem) -> str:
    """Return where a product or service is, or whence and whither it moves."""
    if each.moves and each.previous_place:
        return f" moves {each.previous_place} → {each.place}"
    return f" at {each.place}" if each.place else ""


def _with_values(line: Text, item: ServiceItem | ResourceItem) -> Text:
    values = [
        f"{name} {bare(item.previous[name])} → {bare(value)}"
        if item.previous.get(name, value) != value
        else f"{name} {bare(value)}"
        for name, value in item.characteristics.items()
    ]
    values += [f"{name} = {expression}" for name, expression in item.late.items()]
    return line.append(f"  {', '.join(values)}", style="dim") if values else line


def _after(line: Text, depends_on: list[str]) -> Text:
    return line.append(f"  after {', '.join(depends_on)}", style="dim") if depends_on else line


def _action(action: Action) -> tuple[str, str]:
    return action.value, _ACTION_STYLES[action]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
