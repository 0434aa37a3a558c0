"""The rules of the lint on steps and on the policies of fallout, each on a small catalog that breaks it alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.catalogs.shop import faults_of, shop_with, warnings_of

PRODUCT = "productSpecification[0].fulfilment"
CFS = "serviceSpecification[0].fulfilment"
RFS = "serviceSpecification[1].fulfilment"
PORT = "resourceSpecification[0].fulfilment"


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (
            f"{PRODUCT}.pointOfNoReturn",
            {"add": "activate"},
            f"{PRODUCT}.pointOfNoReturn.add: 'activate' is no step of adding a product; its steps are record, bill",
        ),
        (
            f"{CFS}.pointOfNoReturn",
            {"delete": "test"},
            f"{CFS}.pointOfNoReturn.delete: 'test' is no step of deleting a service; "
            "its steps are manual, activate, resources, complete",
        ),
        (
            f"{PORT}.pointOfNoReturn",
            {"modify": "reserve"},
            f"{PORT}.pointOfNoReturn.modify: 'reserve' is no step of modifying a resource; "
            "its steps are manual, configure, install",
        ),
        (
            f"{RFS}.assurance",
            "repair",
            f"{RFS}.assurance: 'rfs' has no activation: what is not set up in the network cannot be said to fail there",
        ),
        (
            f"{RFS}.assurance",
            {"action": "none", "replaces": ["prot"]},
            f"{RFS}.assurance.replaces[0]: 'rfs' has no resource 'prot'; did you mean 'port'?",
        ),
        (
            f"{CFS}.assurance",
            "replace",
            f"{CFS}.assurance: says nothing of what is replaced: name the keys of resources in replaces",
        ),
        (
            f"{CFS}.assurance",
            {"action": "repiar"},
            f'{CFS}.assurance.action: must be "none", "repair" or "replace", not "repiar"',
        ),
        (
            f"{RFS}.pointOfNoReturn",
            {"add": "activate"},
            f"{RFS}.pointOfNoReturn.add: 'rfs' has no activation, so that 'activate' never happens",
        ),
        (
            f"{CFS}.pointOfNoReturn",
            {"add": "resources"},
            f"{CFS}.pointOfNoReturn.add: 'cfs' has no resources, so that 'resources' never happens",
        ),
        (
            f"{CFS}.pointOfNoReturn",
            {"delet": "activate"},
            f"{CFS}.pointOfNoReturn.delet: unknown key 'delet'; did you mean 'delete'?",
        ),
        (
            f"{CFS}.milestones",
            [{"name": "Tested", "after": "test"}],
            f"{CFS}.milestones[0].after: 'cfs' has no test, so that 'test' never happens",
        ),
        (
            f"{PORT}.milestones",
            [{"name": "Set up", "after": "configure"}],
            f"{PORT}.milestones[0].after: 'port' has no configuration, so that 'configure' never happens",
        ),
        (
            f"{RFS}.milestones",
            [{"name": "Visited", "after": "manual"}],
            f"{RFS}.milestones[0].after: 'rfs' has no manual work for add, so that 'manual' never happens",
        ),
        (
            f"{RFS}.milestones",
            [{"name": "Gone", "after": "record", "actions": ["add", "delete"]}],
            f"{RFS}.milestones[0].after: 'record' is no step of deleting a service; "
            "its steps are manual, activate, resources, complete",
        ),
        (
            f"{RFS}.milestones",
            [{"name": "There", "after": "record"}, {"name": "There", "after": "complete"}],
            f"{RFS}.milestones[1].name: the milestone 'There' is declared twice for add",
        ),
        (
            f"{RFS}.milestones",
            [{"name": "There", "after": "complete", "actions": []}],
            f"{RFS}.milestones[0].actions: must not be empty",
        ),
        (
            f"{RFS}.milestones",
            [{"name": "There", "after": "sometime"}],
            f'{RFS}.milestones[0].after: must be "reserve", "record", "resources", "configure", "manual", '
            '"activate", "test", "install", "release", "complete" or "bill", not "sometime"',
        ),
        (
            f"{RFS}.manual",
            {"add": {"instructions": " "}},
            f"{RFS}.manual.add.instructions: says nothing; tell people what to do",
        ),
        (
            f"{PORT}.manual",
            {"add": {"instructions": "Go", "undo": ""}},
            f"{PORT}.manual.add.undo: says nothing; tell people what to do",
        ),
        (f"{PORT}.manual", {"add": {"undo": "Go back"}}, f"{PORT}.manual.add.instructions: is missing; there is undo"),
        (
            f"{PORT}.manual",
            {"add": {"instructions": "Go", "undoo": "Go back"}},
            f"{PORT}.manual.add.undoo: unknown key 'undoo'; did you mean 'undo'?",
        ),
        (
            f"{CFS}.policy",
            {"onFailure": "hold", "afterHold": "hold"},
            f'{CFS}.policy.afterHold: must be "fail" or "rollback", not "hold"',
        ),
        (
            f"{CFS}.policy",
            {"onFailure": "hold", "holdTimeout": 5},
            f"{CFS}.policy.holdTimeout: 5 is not a duration: write it with its unit, such as 30s, 5m, 2h or 3d",
        ),
    ],
)
def test_each_fault_is_told_where_it_is(tmp_path: Path, path: str, value: Any, fault: str) -> None:
    assert faults_of(tmp_path, shop_with(path, value)) == [fault]


def test_products_have_no_manual_work(tmp_path: Path) -> None:
    [fault] = faults_of(tmp_path, shop_with(f"{PRODUCT}.manual", {"add": {"instructions": "Go"}}))
    assert fault.startswith(f"{PRODUCT}.manual: unknown key 'manual'; known are pointOfNoReturn, milestones, services")


def test_a_step_whose_part_cannot_be_read_is_not_told_to_be_missing(tmp_path: Path) -> None:
    shop = shop_with(f"{CFS}.activation", {"completion": "sometime"})
    shop["serviceSpecification"][0]["fulfilment"]["pointOfNoReturn"] = {"add": "activate"}
    [fault] = faults_of(tmp_path, shop)
    assert fault.startswith(f"{CFS}.activation.completion: must be ")


NOT_HELD = "onFailure is 'fail' here, and only 'hold' waits for people"
ROLLBACK_BELOW = (
    "'rollback' has an effect on products and customer-facing services only; "
    "here a failure takes its service order, as with 'fail'"
)
NEED = f"{PRODUCT}.services[0]"


@pytest.mark.parametrize(
    ("path", "value", "warning"),
    [
        (f"{CFS}.policy", {"holdTimeout": "2d"}, f"{CFS}.policy.holdTimeout: holdTimeout has no effect: {NOT_HELD}"),
        (f"{PORT}.policy", {"afterHold": "fail"}, f"{PORT}.policy.afterHold: afterHold has no effect: {NOT_HELD}"),
        (f"{NEED}.policy", {"holdTimeout": "2d"}, f"{NEED}.policy.holdTimeout: holdTimeout has no effect: {NOT_HELD}"),
        ("catalog.policy", {"afterHold": "fail"}, f"catalog.policy.afterHold: afterHold has no effect: {NOT_HELD}"),
        (
            f"{PRODUCT}.policy",
            {"onFailure": "rollback", "afterHold": "fail"},
            f"{PRODUCT}.policy.afterHold: afterHold has no effect: {NOT_HELD.replace('fail', 'rollback')}",
        ),
        (f"{RFS}.policy", {"onFailure": "rollback"}, f"{RFS}.policy.onFailure: {ROLLBACK_BELOW}"),
        (f"{PORT}.policy", {"onFailure": "rollback"}, f"{PORT}.policy.onFailure: {ROLLBACK_BELOW}"),
        (
            f"{CFS}.services[0].policy",
            {"onFailure": "rollback"},
            f"{CFS}.services[0].policy.onFailure: {ROLLBACK_BELOW}",
        ),
        (
            f"{RFS}.resources[0].policy",
            {"onFailure": "rollback"},
            f"{RFS}.resources[0].policy.onFailure: {ROLLBACK_BELOW}",
        ),
    ],
)
def test_what_a_policy_says_in_vain_is_warned_of(tmp_path: Path, path: str, value: Any, warning: str) -> None:
    unchanged, changed = tmp_path / "unchanged", tmp_path / "changed"
    unchanged.mkdir()
    changed.mkdir()
    before = warnings_of(unchanged, shop_with("catalog.name", "Shop"))
    assert [each for each in warnings_of(changed, shop_with(path, value)) if each not in before] == [warning]


@pytest.mark.parametrize(
    ("path", "value", "holding"),
    [
        (f"{RFS}.policy", {"onFailure": "hold", "holdTimeout": "2d", "afterHold": "rollback"}, None),
        (f"{PORT}.policy", {"holdTimeout": "2d"}, f"{RFS}.resources[0].policy"),
        ("catalog.policy", {"holdTimeout": "2d"}, f"{NEED}.policy"),
        (f"{NEED}.policy", {"holdTimeout": "2d"}, f"{CFS}.policy"),
        (f"{RFS}.policy", {"afterHold": "fail"}, "catalog.policy"),
        (f"{PRODUCT}.policy", {"onFailure": "rollback"}, None),
        (f"{NEED}.policy", {"onFailure": "rollback"}, None),
        ("catalog.policy", {"onFailure": "rollback"}, None),
    ],
)
def test_what_is_read_somewhere_is_not_warned_of(tmp_path: Path, path: str, value: Any, holding: str | None) -> None:
    shop = shop_with(path, value)
    if holding:
        shop = shop_with(holding, {"onFailure": "hold"}, shop)
    assert [each for each in warnings_of(tmp_path, shop) if "olicy" in each] == []
