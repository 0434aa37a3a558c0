"""What the catalog says of steps, in the items of a plan: each has what is meant for what happens to it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalogs.decomposition.product_orders import decompose
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase
from orders.model.product_orders import Action
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ManualWork, Milestone, ProductPlan, ResourceItem, ServiceItem, Step
from orders.plan.policy import OnFailure
from tests.catalogs.installation import install
from tests.catalogs.sample_orders import add, delete, fibre_bundle, item, keep, mobile, modify, order, tv, voice, vpn
from tmf.bodies import Document

LINE = add("1", "line", place="BER-1", note="left")
IN_PLACE = Milestone(name="Line in place", after=Step.RESOURCES, description="All that it needs is there.")
BILLED = Milestone(name="Line billed", after=Step.BILL)


def planned(catalogs: CatalogSet, base: InstalledBase, *items: Document) -> OrchestrationPlan:
    return decompose(order(*items), catalogs, base)


def installed(catalogs: CatalogSet, *items: Document) -> InstalledBase:
    return install(planned(catalogs, InstalledBase(), *items))


def rules(
    part: ServiceItem | ResourceItem,
) -> tuple[ManualWork | None, Step | None, list[Milestone]]:
    return instructions(part), part.point_of_no_return, part.milestones


def instructions(part: ServiceItem | ResourceItem) -> ManualWork | None:
    """Return people's work without the values that it gives."""
    return part.manual and part.manual.model_copy(update={"values": None})


def line_of(plan: OrchestrationPlan) -> ServiceItem:
    return plan.service_orders[0].customer_facing_item()


def number_of(plan: OrchestrationPlan, key: str = "number") -> ResourceItem:
    return next(each for each in line_of(plan).resources if each.key == key)


def every_part(plan: OrchestrationPlan) -> list[ProductPlan | ServiceItem | ResourceItem]:
    services = [part for each in plan.service_orders for part in each.items]
    return [*plan.products, *services, *(resource for each in services for resource in each.resources)]


def test_what_is_added_has_what_is_said_of_adding(lab: CatalogSet) -> None:
    plan = planned(lab, InstalledBase(), LINE)
    assert rules(line_of(plan)) == (None, Step.TEST, [IN_PLACE])
    assert rules(number_of(plan)) == (
        ManualWork(instructions="Patch the number", undo="Unpatch the number"),
        Step.INSTALL,
        [Milestone(name="Number patched", after=Step.MANUAL)],
    )
    assert rules(number_of(plan, "port")) == (None, None, [])
    [product] = plan.products
    assert (product.point_of_no_return, product.milestones) == (None, [BILLED])


def test_what_is_modified_has_what_is_said_of_modifying(lab: CatalogSet) -> None:
    plan = planned(lab, installed(lab, LINE), modify("2", "product-1", note="right"))
    assert rules(line_of(plan)) == (ManualWork(instructions="Measure the line"), None, [IN_PLACE])
    assert number_of(plan).action is Action.MODIFY
    assert rules(number_of(plan)) == (None, None, [])
    [product] = plan.products
    assert (product.point_of_no_return, product.milestones) == (Step.BILL, [BILLED])


def test_what_is_deleted_has_what_is_said_of_deleting(lab: CatalogSet) -> None:
    plan = planned(lab, installed(lab, LINE), delete("2", "product-1"))
    dark = Milestone(name="Line dark", after=Step.ACTIVATE)
    assert rules(line_of(plan)) == (None, Step.ACTIVATE, [dark])
    assert rules(number_of(plan)) == (ManualWork(instructions="Unpatch it"), Step.RELEASE, [])
    [product] = plan.products
    assert (product.point_of_no_return, product.milestones) == (None, [])


def test_what_is_replaced_goes_as_deleted_and_comes_as_added(lab: CatalogSet) -> None:
    plan = planned(lab, installed(lab, LINE), modify("2", "product-1", tier="gold"))
    assert number_of(plan).point_of_no_return is Step.INSTALL
    assert number_of(plan, "number~replaced").point_of_no_return is Step.RELEASE
    assert instructions(number_of(plan, "number~replaced")) == ManualWork(instructions="Unpatch it")


def test_a_service_whose_resources_stay_as_they_are_reaches_no_milestone_of_theirs(lab: CatalogSet) -> None:
    plan = planned(lab, installed(lab, LINE), modify("2", "product-1", parts=50))
    assert {each.action for each in line_of(plan).resources} == {Action.NO_CHANGE}
    assert instructions(line_of(plan)) == ManualWork(instructions="Measure the line")
    assert line_of(plan).milestones == []


@pytest.mark.parametrize(
    "items",
    [
        [modify("2", "product-1")],
        [keep("2", "product-1")],
        [item("2", "modify", product="product-1", characteristics={"label": "other"})],
    ],
)
def test_what_is_left_alone_has_none_of_it(lab: CatalogSet, items: list[Document]) -> None:
    for part in every_part(planned(lab, installed(lab, LINE), *items)):
        if part.action is Action.NO_CHANGE:
            assert (part.point_of_no_return, part.milestones) == (None, [])
            assert isinstance(part, ProductPlan) or part.manual is None


def test_how_long_fallout_waits_is_in_the_policy_of_its_item(lab: CatalogSet) -> None:
    policy = number_of(planned(lab, InstalledBase(), LINE)).policy
    assert (policy.on_failure, policy.hold_timeout, policy.after_hold) == (
        OnFailure.HOLD,
        timedelta(days=2),
        OnFailure.ROLLBACK,
    )


@pytest.mark.parametrize("items", [[fibre_bundle(voice(2), tv())], [mobile()], [vpn(3)]])
def test_nothing_that_is_ordered_by_default_waits_for_people_unless_a_vpn_fails(
    shipped: CatalogSet, items: list[Document]
) -> None:
    base = InstalledBase()
    adding = planned(shipped, base, *items)
    deleting = planned(shipped, install(adding), delete("gone", f"product-{items[0]['id']}"))
    for part in (*every_part(adding), *every_part(deleting)):
        assert isinstance(part, ProductPlan) or part.manual is None
        assert part.policy.on_failure is (OnFailure.HOLD if items[0]["id"] == "vpn" else OnFailure.FAIL)


@pytest.mark.parametrize("items", [[fibre_bundle(voice(2), tv())], [vpn(3)]])
def test_bundles_as_ordered_by_default_can_always_be_cancelled(shipped: CatalogSet, items: list[Document]) -> None:
    adding = planned(shipped, InstalledBase(), *items)
    assert {part.point_of_no_return for part in every_part(adding)} == {None}
    assert any(part.milestones for part in every_part(adding))


def test_a_mobile_plan_is_final_once_it_is_billed(shipped: CatalogSet) -> None:
    plan = planned(shipped, InstalledBase(), mobile())
    assert [part.point_of_no_return for part in every_part(plan) if part.point_of_no_return] == [Step.BILL]
    assert plan.products[0].point_of_no_return is Step.BILL


def test_a_router_may_be_connected_by_a_technician(shipped: CatalogSet) -> None:
    router = add("router", "home-router", installation="technician")
    bundle = add("home", "fibre-home-bundle", add("internet", "fibre-internet"), router, place="BER-1")
    plan = planned(shipped, InstalledBase(), bundle)
    visit = next(each for each in plan.service_orders if each.key == "router:home-network").item("visit")
    assert visit.manual is not None
    assert visit.point_of_no_return is Step.MANUAL
    assert [each.name for each in visit.milestones] == ["Visit done"]
    assert visit.policy.expected_duration == timedelta(days=3)
    assert (visit.policy.on_failure, visit.policy.hold_timeout) == (OnFailure.HOLD, timedelta(days=5))
    gone = planned(shipped, install(plan), delete("gone", "product-home"))
    assert [part.key for part in every_part(gone) if not isinstance(part, ProductPlan) and part.manual] == []


def test_a_site_may_be_surveyed_before_its_line_is_built(shipped: CatalogSet) -> None:
    hub = add("hub", "vpn-hub-site", place="SITE-HUB", siteName="Head office", siteSurvey=True)
    plan = planned(shipped, InstalledBase(), add("vpn", "business-vpn", add("core", "vpn-core"), hub))
    access = next(each for each in plan.service_orders if each.key == "hub:access")
    assert access.item("survey").manual is not None
    assert access.item("survey").point_of_no_return is Step.MANUAL
    assert access.item("line").depends_on == ["survey"]
