"""Service orders about a service that has failed: it is set up once more, has resources exchanged, or people do it."""

from __future__ import annotations

from typing import Any

import pytest

from catalogs.checks.service_orders import check_service_order
from catalogs.decomposition.service_orders import decompose_service_order
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase, InstalledResource, InstalledService
from orders.model.product_orders import Action
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation
from orders.plan.parts import ServiceItem
from tests.catalogs.decomposition.test_service_orders import ON

PORT = InstalledResource(
    id="r-port", key="port", specification_id="gpon-port", value="olt-ber1/1/1/7", pool="gpon-BER-1", place="BER-1"
)
ONT = InstalledResource(
    id="r-ont",
    key="ont",
    specification_id="ont",
    value="SN-1",
    pool="onts",
    characteristics={"oltPort": "olt-ber1/1/1/7"},
)
VLAN = InstalledResource(id="r-vlan", key="vlan", specification_id="internet-vlan", value="100", place="BER-1")
IPV4 = InstalledResource(id="r-4", key="ipv4", specification_id="ipv4-address", value="192.0.2.1")
IPV6 = InstalledResource(id="r-6", key="ipv6", specification_id="ipv6-prefix", value="2001:db8::/56")
SPEEDS = {"downloadSpeed": 250, "uploadSpeed": 50}
LINE = {"oltPort": "olt-ber1/1/1/7"}
SESSION = {"vlan": "100", "ipv4Address": "192.0.2.1", "ipv6Prefix": "2001:db8::/56"}


def service(key: str, specification: str, **more: Any) -> InstalledService:
    values: dict[str, Any] = {"id": f"s-{key}", "key": key, "specification_id": specification, "state": "active"}
    return InstalledService(**{**values, "place": "BER-1", "customer_id": "C-1", **more})


def internet() -> InstalledService:
    access = service(
        "access",
        "rfs-gpon-access",
        characteristics={"lineProfile": "gpon-500", "ontSerial": "SN-1", **LINE},
        resources=[PORT, ONT],
    )
    session = service(
        "session",
        "rfs-internet-session",
        characteristics={**SPEEDS, **LINE, **SESSION},
        resources=[VLAN, IPV4, IPV6],
    )
    values = {**SPEEDS, **LINE, **SESSION}
    return service("internet", "cfs-internet", characteristics=values, services=[access, session])


def assured(action: str, failed: str | None = "s-access", *, does: str = "modify", whole: str = "s-internet") -> Any:
    assurance: dict[str, Any] = {"action": action, "reason": "no light"}
    if failed:
        assurance["service"] = {"id": failed}
    return {"id": "1", "action": does, "service": {"id": whole}, "assurance": assurance}


def base(there: InstalledService | None = None) -> InstalledBase:
    there = there or internet()
    return InstalledBase(single_services={there.id: there}, owners={there.id: []})


def ordered(item: Any) -> ServiceOrder:
    return ServiceOrder.model_validate({"id": "s-1", "serviceOrderItem": [item]})


def plan(catalogs: CatalogSet, item: Any, installed: InstalledBase | None = None) -> dict[str, ServiceItem]:
    order, installed = ordered(item), installed or base()
    assert check_service_order(order, catalogs, installed, ON) == []
    (only,) = decompose_service_order(order, catalogs, installed, on=ON).service_orders
    return {each.key: each for each in only.items}


def violations(catalogs: CatalogSet, item: Any, there: InstalledService | None = None) -> list[Violation]:
    return check_service_order(ordered(item), catalogs, base(there), ON)


def test_a_repair_sets_the_failed_service_up_once_more_and_touches_nothing_else(shipped: CatalogSet) -> None:
    items = plan(shipped, assured("repair"))
    assert {key: item.action for key, item in items.items()} == {
        "access": Action.MODIFY,
        "session": Action.NO_CHANGE,
        "service": Action.NO_CHANGE,
    }
    access = items["access"]
    assert access.set_up_again
    assert access.characteristics == access.previous
    assert {each.action for each in access.resources} == {Action.NO_CHANGE}


def test_without_a_service_of_its_own_assurance_is_about_the_items_service(shipped: CatalogSet) -> None:
    items = plan(shipped, assured("repair", failed=None))
    assert [key for key, item in items.items() if item.action is not Action.NO_CHANGE] == ["service"]


def test_a_replacement_exchanges_what_the_catalog_names_and_what_reads_it_follows(shipped: CatalogSet) -> None:
    items = plan(shipped, assured("replace"))
    access = items["access"]
    assert [(each.key, each.action) for each in access.resources] == [
        ("port", Action.ADD),
        ("ont", Action.MODIFY),
        ("port~replaced", Action.DELETE),
    ]
    assert not access.set_up_again, "what was there is set up again when the exchange is undone"
    assert access.late.keys() == {"oltPort"}
    assert {key: item.action for key, item in items.items()} == dict.fromkeys(items, Action.MODIFY)
    assert {each.action for each in items["session"].resources} == {Action.NO_CHANGE}


def test_only_what_the_catalog_names_is_exchanged(shipped: CatalogSet) -> None:
    session = plan(shipped, assured("replace", "s-session"))["session"]
    assert {each.key: each.action for each in session.resources} == {
        "vlan": Action.ADD,
        "vlan~replaced": Action.DELETE,
        "ipv4": Action.NO_CHANGE,
        "ipv6": Action.NO_CHANGE,
    }


def test_people_are_told_what_has_failed_and_why(shipped: CatalogSet) -> None:
    access = plan(shipped, assured("manual"))["access"]
    assert access.manual is not None
    assert "GPON access (service s-access) has failed: no light" in access.manual.instructions
    assert access.set_up_again


def values(**wanted: Any) -> dict[str, Any]:
    return {"serviceCharacteristic": [{"name": name, "value": value} for name, value in wanted.items()]}


@pytest.mark.parametrize("action", ["repair", "manual"])
@pytest.mark.parametrize(
    ("failed", "more", "key"),
    [
        ("s-internet", values(downloadSpeed=1000, uploadSpeed=200), "service"),
        ("s-access", values(downloadSpeed=1000, uploadSpeed=200), "access"),
        ("s-access", {"place": [{"id": "HAM-1"}]}, "access"),
        ("s-internet", {"place": [{"id": "HAM-1"}]}, "service"),
    ],
)
def test_what_also_changes_is_an_ordinary_modification_so_that_it_can_be_changed_back(
    shipped: CatalogSet, action: str, failed: str, more: dict[str, Any], key: str
) -> None:
    item = assured(action, failed)
    item["service"] |= more
    mended = plan(shipped, item)[key]
    assert mended.action is Action.MODIFY
    assert not mended.set_up_again


def test_what_the_catalog_has_otherwise_since_is_an_ordinary_modification(shipped: CatalogSet) -> None:
    there = internet()
    there.services[0].characteristics["lineProfile"] = "gpon-of-before"
    access = plan(shipped, assured("repair"), base(there))["access"]
    assert access.characteristics["lineProfile"] == "gpon-500"
    assert not access.set_up_again


def test_what_other_services_support_than_before_is_an_ordinary_modification(shipped: CatalogSet) -> None:
    there = internet()
    there.services[1] = service("session", "rfs-cpe")
    items = plan(shipped, assured("repair", failed=None), base(there))
    assert items["session"].action is Action.ADD
    assert not items["service"].set_up_again


@pytest.mark.parametrize(
    ("item", "code", "said"),
    [
        (assured("repair", does="delete"), "assuranceNotOfChange", "delete"),
        (assured("repair", "s-other"), "assuranceOfAnother", "s-other"),
        (assured("replace", failed=None), "assuranceNotPossible", "nothing to replace"),
    ],
)
def test_what_cannot_be_done_about_a_failure_is_a_reason_for_rejection(
    shipped: CatalogSet, item: Any, code: str, said: str
) -> None:
    (found,) = violations(shipped, item)
    assert found.code == code
    assert found.path.startswith("serviceOrderItem[0].assurance")
    assert said in found.message


def test_what_the_network_does_not_know_cannot_be_repaired(shipped: CatalogSet) -> None:
    cpe = service("cpe", "rfs-cpe", characteristics={"mode": "router"})
    (found,) = violations(shipped, assured("repair", "s-cpe", whole="s-cpe"), cpe)
    assert found.code == "assuranceNotPossible"
    assert "not set up in the network" in found.message
