from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from catalogs.loader import default_catalogs, inspect_catalogs, load_catalogs
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.entities import TimePeriod
from catalogs.model.faults import CatalogFaultsError
from catalogs.model.sources import plain
from catalogs.nodes.targets import policy_of
from orders.plan.policy import OnFailure, Policy

HERE = Path(__file__).parents[1]


def faults_of(root: Path) -> list[str]:
    with pytest.raises(CatalogFaultsError) as refused:
        load_catalogs(root)
    return [str(fault) for fault in refused.value.faults]


def test_every_fault_of_every_file_is_told_at_once_with_file_line_and_path() -> None:
    expected = (HERE / "broken" / "faults.txt").read_text(encoding="utf-8").splitlines()
    assert faults_of(HERE / "broken") == expected


def test_the_error_has_all_faults_in_its_text() -> None:
    with pytest.raises(CatalogFaultsError) as refused:
        load_catalogs(HERE / "broken")
    lines = str(refused.value).splitlines()
    assert lines[0] == f"{len(refused.value.faults)} catalog faults:"
    assert lines[1:] == [str(fault) for fault in refused.value.faults]


def test_the_shipped_catalogs_have_neither_faults_nor_warnings() -> None:
    assert inspect_catalogs(default_catalogs(), datetime(2026, 1, 1, tzinfo=UTC)) == ([], [])


def test_a_folder_without_catalogs_is_a_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path) == [f"{tmp_path}:1: no catalog here: each is a folder with YAML files"]


def test_a_folder_that_names_no_catalog_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "resources.yaml").write_text("resourceSpecification: [{id: port, name: Port}]")
    assert faults_of(tmp_path) == ["shop:1: catalog: no file of this folder has the section catalog: {id, name}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a list", "shop/a.yaml:1: a catalog file is a mapping of sections such as productOffering"),
        ("a: 1\nb: 2\na: 3\n", 'shop/a.yaml:3: not YAML: found duplicate key "a" with value "3" (original value: "1")'),
        ("a: 'open", "shop/a.yaml:1: not YAML: found unexpected end of stream"),
        ("productOffering: {}", "shop/a.yaml:1: productOffering: must be a list of entries"),
        ("productOffering: [text]", 'shop/a.yaml:1: productOffering[0]: must be an object, not "text"'),
        ("a: !!python/object:os.system {}", "shop/a.yaml:1: a: unknown section 'a'"),
    ],
)
def test_what_is_not_even_a_catalog_file_is_told_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.yaml").write_text(text)
    told = faults_of(tmp_path)
    assert any(each.startswith(fault) for each in told), told


def test_a_file_that_is_not_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.yaml").write_bytes(b"\xff\xfe\x00")
    assert faults_of(tmp_path)[0].startswith("shop/a.yaml:1: cannot be read")


def test_versions_stand_side_by_side_and_the_latest_is_the_default(lab: CatalogSet) -> None:
    assert [each.version for each in lab.offerings if each.id == "modem-lease"] == ["1.9", "1.10"]
    latest = lab.offerings.get("modem-lease")
    assert latest is not None
    assert latest.version == "1.10"
    assert lab.offerings.get("modem-lease", "1.9") is not None
    assert lab.offerings.get("modem-lease", "3.0") is None


@pytest.mark.parametrize(
    ("on", "version"), [(datetime(2026, 1, 1, tzinfo=UTC), "1.9"), (datetime(2027, 1, 1, tzinfo=UTC), "1.10")]
)
def test_an_order_without_a_version_takes_the_latest_that_is_on_sale_then(
    lab: CatalogSet, on: datetime, version: str
) -> None:
    offering = lab.offerings.on_sale("modem-lease", None, on)
    assert offering is not None
    assert offering.version == version


def test_a_policy_is_inherited_from_catalog_to_specification_to_requirement(lab: CatalogSet) -> None:
    product, service = lab.products.get("line"), lab.services.get("cfs-line")
    assert product is not None
    assert service is not None
    requirement = product.fulfilment.services[0]
    policy = policy_of(service.fulfilment.policy, requirement.policy)
    assert policy == Policy(
        attempts=3,
        backoff=timedelta(seconds=2),
        attempt_timeout=timedelta(seconds=5),
        on_failure=OnFailure.FAIL,
        expected_duration=timedelta(minutes=90),
    )
    assert policy_of(product.fulfilment.policy).attempts == 9


def test_the_version_names_the_catalogs_and_changes_with_any_byte(tmp_path: Path) -> None:
    shutil.copytree(HERE / "lab" / "lab", tmp_path / "lab")
    version = load_catalogs(HERE / "lab").version
    assert version.label == "lab 2.1"
    assert load_catalogs(tmp_path).version == version
    with (tmp_path / "lab" / "catalog.yaml").open("a") as file:
        file.write("# more\n")
    assert load_catalogs(tmp_path).version.digest != version.digest


def test_warnings_name_what_nothing_uses_and_what_nothing_activates(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "catalog.yaml").write_text(
        """\
catalog: {id: shop, name: Shop}
productOffering:
  - {id: hidden, name: Hidden, isSellable: false, productSpecification: {id: hidden}}
productSpecification:
  - {id: hidden, name: Hidden}
  - {id: lonely, name: Lonely}
productOfferingPrice:
  - {id: free, name: Free, priceType: oneTime, price: {value: 0}}
serviceSpecification:
  - {id: cfs, name: Cfs, "@type": CustomerFacingServiceSpecification}
resourceSpecification:
  - {id: port, name: Port}
"""
    )
    faults, warnings = inspect_catalogs(tmp_path)
    assert faults == []
    assert [str(each) for each in warnings] == [
        "shop/catalog.yaml:3: productOffering[0].isSellable: 'hidden' is neither sold alone nor part of a bundle",
        "shop/catalog.yaml:3: productOffering[0].productOfferingPrice: 'hidden' is sold without a price",
        "shop/catalog.yaml:3: productOffering[0].productSpecification: 'hidden' has no fulfilment: "
        "an order of 'hidden' is billed, and sets nothing up",
        "shop/catalog.yaml:6: productSpecification[1].id: productSpecification 'lonely' is used by nothing",
        "shop/catalog.yaml:8: productOfferingPrice[0].id: productOfferingPrice 'free' is used by nothing",
        "shop/catalog.yaml:10: serviceSpecification[0].fulfilment: nothing activates 'cfs', nor any service it needs",
        "shop/catalog.yaml:10: serviceSpecification[0].id: serviceSpecification 'cfs' is used by nothing",
        "shop/catalog.yaml:12: resourceSpecification[0].id: resourceSpecification 'port' is used by nothing",
    ]


@pytest.mark.parametrize(
    ("written", "begins"),
    [
        ("2026-12-24", "2026-12-24T00:00:00.000Z"),
        ('"2026-12-24"', "2026-12-24T00:00:00.000Z"),
        ("2026-12-24 09:00:00", "2026-12-24T09:00:00.000Z"),
        ("2026-12-24t10:00:00+01:00", "2026-12-24T09:00:00.000Z"),
        ('"2026-12-24T10:00:00+0100"', "2026-12-24T09:00:00.000Z"),
    ],
)
def test_dates_of_a_file_may_be_days_with_quotes_or_without(written: str, begins: str) -> None:
    period = TimePeriod.model_validate(plain(YAML().load(f"startDateTime: {written}")))
    assert period.model_dump(mode="json", exclude_none=True) == {"startDateTime": begins}


@pytest.mark.parametrize("written", ["20261224", '"20261224"', "soon", "1.5", "true"])
def test_nothing_else_in_a_file_is_a_date(written: str) -> None:
    with pytest.raises(ValidationError, match="RFC 3339"):
        TimePeriod.model_validate(plain(YAML().load(f"startDateTime: {written}")))
