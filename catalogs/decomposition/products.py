"""The service orders of products: what each is to do, and which it relies on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from catalogs.decomposition.modification import is_renewed
from catalogs.decomposition.services import Expansion
from catalogs.decomposition.teardown import base_key, requirement_of
from catalogs.model.entities import ProductSpecification
from catalogs.model.expressions import ExpressionError
from catalogs.model.fulfilment import Requirement
from catalogs.nodes.products import ProductNode
from catalogs.nodes.reliance import Reliance
from catalogs.nodes.targets import ServiceTarget
from orders.model.installed import InstalledService
from orders.model.product_orders import Action
from orders.plan.keys import REPLACED, service_order_key
from orders.plan.parts import Characteristics


@dataclass(eq=False)
class ServiceDraft:
    """A service order before it is known what of it differs."""

    key: str
    name: str
    """Its key in the product's fulfilment."""
    node: ProductNode
    target: ServiceTarget | None
    installed: InstalledService | None
    before: ServiceTarget | None = None
    requirement: Requirement | None = None
    relies_on: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """Name in `services` → key of the draft it stands for."""
    given: dict[str, Characteristics] = field(default_factory=dict)


def draft_services(node: ProductNode, expansion: Expansion) -> list[ServiceDraft]:
    """Return the service orders that a product may need; one that it leaves as it is needs none.

    Args:
        expansion: that of the order.

    Raises:
        ExpressionError: when an expression of the catalog fails on this order's values.
        PlanTooLargeError: when the order comes down to too much.
    """
    there = {service.key: service for service in node.installed.services} if node.installed else {}
    if node.action is Action.NO_CHANGE:
        return []
    if node.action is Action.DELETE:
        return [_removed(node, service) for service in there.values()]
    if node.specification is None:
        return []
    targets = expansion.product(node.specification, node.scope)
    before = _before(node, node.specification, Expansion(expansion.catalogs, expansion.most))
    drafts: list[ServiceDraft] = []
    for target in targets:
        installed = there.get(target.key)
        key = service_order_key(node.key, target.key)
        draft = ServiceDraft(key, target.key, node, target, installed, before.get(target.key))
        if installed and is_renewed(target, installed, draft.before):
            drafts.append(_removed(node, installed, REPLACED))
            draft.installed = None
            draft.relies_on.append(drafts[-1].key)
        drafts.append(draft)
    kept = {target.key for target in targets}
    drafts += [_removed(node, service) for key, service in there.items() if key not in kept]
    return drafts


def link(drafts: dict[ProductNode, list[ServiceDraft]], reliance: Reliance) -> None:
    """Set what each draft relies on, and by which names it reads the services of others."""
    for node, own in drafts.items():
        whole = [
            draft.key
            for other in dict.fromkeys([*reliance.named(node), *reliance.by_catalog(node)])
            for draft in drafts.get(other, [])
        ]
        for draft in own:
            draft.relies_on += whole
            _link_siblings(draft, own)
            for name in _beyond(draft):
                _link_beyond(draft, name, reliance, drafts)
            draft.relies_on = [key for key in dict.fromkeys(draft.relies_on) if key != draft.key]


def relied_products(node: ProductNode, reliance: Reliance) -> list[ProductNode]:
    """Return the products of the order that a product relies on, by the order or by any part of its catalog entry."""
    needs = [*reliance.named(node), *reliance.by_catalog(node)]
    for requirement in node.specification.fulfilment.services if node.specification else []:
        for name in requirement.depends_on:
            if "/" in name:
                needs += reliance.of_specification(node, name.split("/")[0])
    return [each for each in dict.fromkeys(needs) if each is not node]


def _before(node: ProductNode, specification: ProductSpecification, expansion: Expansion) -> dict[str, ServiceTarget]:
    """Return what the catalog makes of the product as it is installed, as far as it still can."""
    if node.installed is None:
        return {}
    try:
        return {each.key: each for each in expansion.product(specification, node.before())}
    except ExpressionError:
        return {}


def _removed(node: ProductNode, service: InstalledService, suffix: str = "") -> ServiceDraft:
    requirements = node.specification.fulfilment.services if node.specification else []
    return ServiceDraft(
        key=service_order_key(node.key, f"{service.key}{suffix}"),
        name=service.key,
        node=node,
        target=None,
        installed=service,
        requirement=requirement_of(service.key, requirements),
    )


def _link_siblings(draft: ServiceDraft, own: Sequence[ServiceDraft]) -> None:
    if draft.target:
        for sibling in own:
            if sibling.name in draft.target.relies_on:
                # What gives way to a new one goes last of all: it is needed until this one does without it.
                draft.relies_on.append(sibling.key)
                if sibling.target:
                    draft.names[sibling.name] = sibling.key
    elif draft.requirement:
        draft.relies_on += [each.key for each in own if base_key(each.name) in draft.requirement.depends_on]


def _beyond(draft: ServiceDraft) -> Iterator[str]:
    if draft.target:
        yield from draft.target.beyond
    elif draft.requirement:
        yield from (name for name in draft.requirement.depends_on if "/" in name)


def _link_beyond(
    draft: ServiceDraft, name: str, reliance: Reliance, drafts: dict[ProductNode, list[ServiceDraft]]
) -> None:
    """Find what `product-specification/key` stands for: service orders, or services that stay as they are."""
    specification_id, service_key = name.split("/", 1)
    count = 0
    for other in reliance.of_specification(draft.node, specification_id):
        candidates = [each for each in drafts.get(other, []) if base_key(each.name) == service_key]
        draft.relies_on += [each.key for each in candidates]
        for candidate in candidates:
            if candidate.target:
                count += 1
                draft.names[_nth(name, count)] = candidate.key
        if not candidates and other.installed:
            count += _give(draft, name, service_key, other.installed.services, count)
    if count == 0:
        for product in reliance.installed(draft.node, specification_id):
            count += _give(draft, name, service_key, product.services, count)


def _give(draft: ServiceDraft, name: str, service_key: str, services: Sequence[InstalledService], count: int) -> int:
    found = [each for each in services if base_key(each.key) == service_key]
    for offset, service in enumerate(found, start=1):
        draft.given[_nth(name, count + offset)] = service.characteristics
    return len(found)


def _nth(name: str, count: int) -> str:
    return name if count == 1 else f"{name}*{count}"
