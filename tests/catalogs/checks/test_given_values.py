"""The values that people give when they have done a step, checked by the rules of the catalog's characteristics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalogs.checks.given_values import faults_of_values, wanted_values
from catalogs.loader import load_catalogs
from catalogs.model.entities import ServiceCharacteristic
from orders.model.product_orders import Action
from orders.model.wanted import WantedValue
from orders.plan.parts import ManualWork
from tests.catalogs.shop import faults_of, shop_with, written

RULES = [
    ServiceCharacteristic.model_validate(each)
    for each in (
        {"name": "technician", "regex": "T-[0-9]+", "description": "Who has been there.", "minCardinality": 1},
        {"name": "attenuation", "valueType": "number", "configurable": False},
        {
            "name": "outcome",
            "characteristicValueSpecification": [{"value": "connected"}, {"value": "measured", "isDefault": True}],
        },
        {"name": "photos", "maxCardinality": 3},
    )
]
WANTED = [each.model_copy(update={"mandatory": each.name == "technician"}) for each in wanted_values(RULES)]
WORK = "serviceSpecification[1].fulfilment.manual"


def test_a_wanted_value_has_the_rules_of_its_characteristic_and_nothing_that_only_orders_keep_to() -> None:
    assert WANTED[0].model_dump(mode="json", exclude_none=True) == {
        "name": "technician",
        "valueType": "string",
        "mandatory": True,
        "description": "Who has been there.",
        "regex": "T-[0-9]+",
    }
    assert WANTED[1].in_words() == "attenuation (number)"
    assert WANTED[0].in_words() == "technician (string, mandatory)"


@pytest.mark.parametrize(
    "values",
    [
        {"technician": "T-1"},
        {"technician": "T-1", "attenuation": 17},
        {"technician": "T-1", "attenuation": 17.5, "outcome": "connected", "photos": ["a", "b"]},
        {"technician": "T-1", "outcome": None},
    ],
)
def test_values_that_keep_to_the_rules_are_taken(values: dict[str, Any]) -> None:
    assert faults_of_values(WANTED, values) == []


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, ["values.technician: is missing; it is mandatory, of type string"]),
        ({"technician": None}, ["values.technician: is missing"]),
        ({"technician": "Kim"}, ["values.technician: "]),
        ({"technician": "T-1", "attenuation": "much"}, ["values.attenuation: "]),
        ({"technician": "T-1", "outcome": "left"}, ["values.outcome: "]),
        ({"technician": "T-1", "photos": ["a", "b", "c", "d"]}, ["values.photos: "]),
        ({"tecnician": "T-1"}, ["values.tecnician: is no value of this step", "values.technician: is missing"]),
        ({"weather": 1, "attenuation": True}, ["values.weather: ", "values.technician: ", "values.attenuation: "]),
    ],
)
def test_each_value_that_is_unknown_missing_or_wrong_is_named(values: dict[str, Any], named: list[str]) -> None:
    faults = faults_of_values(WANTED, values)
    assert len(faults) == len(named)
    for fault, beginning in zip(faults, named, strict=True):
        assert fault.startswith(beginning)


def test_a_step_that_gives_nothing_takes_nothing() -> None:
    assert faults_of_values([], {}) == []
    assert faults_of_values([], {"a": 1}) == ["values.a: is no value of this step; it gives none"]


def work_of(tmp_path: Path, work: dict[str, Any]) -> ManualWork | None:
    """Return what a plan says of people's work on the shop's service `rfs`, whose characteristic is `port`."""
    specification = load_catalogs(written(tmp_path, shop_with(WORK, {"add": work}))).services.get("rfs")
    assert specification is not None
    return specification.fulfilment.work_of(Action.ADD)


@pytest.mark.parametrize(
    ("gives", "wanted"),
    [
        ({"gives": {"port": "required"}}, [WantedValue(name="port", mandatory=True)]),
        ({"gives": {"port": "optional"}}, [WantedValue(name="port")]),
        ({"gives": {}}, []),
        ({}, [WantedValue(name="port")]),
    ],
)
def test_a_catalog_says_which_characteristics_people_give(
    tmp_path: Path, gives: dict[str, Any], wanted: list[WantedValue]
) -> None:
    work = work_of(tmp_path, {"instructions": "Look at it", **gives})
    assert work is not None
    assert work.values == wanted


@pytest.mark.parametrize(
    ("gives", "fault"),
    [
        (
            {"prot": "required"},
            f"{WORK}.add.gives.prot: 'rfs' has no characteristic 'prot'; did you mean 'port'?",
        ),
        ({"port": "sometimes"}, f'{WORK}.add.gives.port: must be "required" or "optional", not "sometimes"'),
    ],
)
def test_what_is_no_characteristic_is_a_fault(tmp_path: Path, gives: dict[str, Any], fault: str) -> None:
    work = {"instructions": "Look at it", "gives": gives}
    assert any(each.endswith(fault) for each in faults_of(tmp_path, shop_with(WORK, {"add": work})))
