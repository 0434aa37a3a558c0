"""Qualifications as values: the order that one would become, whose violation is whose, results and errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orders.model.product_orders import Action, ProductOrder
from orders.model.violation import Violation
from orders.qualification.offerings import (
    ProductOfferingQualification,
    by_item,
    left_without,
    order_items,
    order_with,
    proposal,
)
from orders.qualification.results import QualificationKind, Result, failed, faults_of_items, reasons_of, whole_result
from orders.qualification.services import with_item_ids

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PLACE = [{"id": "BER-1", "role": "installation"}]


def asked(*items: dict[str, Any], **attributes: Any) -> ProductOfferingQualification:
    return ProductOfferingQualification.model_validate({"productOfferingQualificationItem": items, **attributes})


def order(question: ProductOfferingQualification) -> ProductOrder:
    items = order_items(question, question.product_offering_qualification_item)
    return order_with(question, items, NOW)


def violation(item_id: str | None, code: str = "c", message: str = "m") -> Violation:
    return Violation(code=code, path="p", message=message, item_id=item_id)


def test_an_item_becomes_one_of_an_order() -> None:
    question = asked(
        {"id": "a", "productOffering": {"id": "o", "version": "2.0"}, "product": {"custom": 1}},
        {"id": "b", "action": "modify", "product": {"id": "p1"}},
        place=PLACE,
        relatedParty=[{"id": "c1", "role": "Customer"}],
    )
    made = order(question)
    first, second = made.product_order_item
    assert made.customer_id() == "c1"
    assert made.order_date == NOW
    assert (first.id, first.action, second.action) == ("a", Action.ADD, Action.MODIFY)
    assert first.product_offering
    assert first.product_offering.model_extra == {"version": "2.0"}
    assert first.product
    assert first.product.place[0].id == "BER-1"
    assert first.product.model_extra == {"custom": 1}
    # What is installed has a place already.
    assert second.product
    assert second.product.place == []


def test_relations_to_items_that_are_left_out_are_left_out() -> None:
    related = [{"id": "b", "relationshipType": "reliesOn"}]
    question = asked({"id": "a", "qualificationItemRelationship": related}, {"id": "b"})
    items = question.product_offering_qualification_item
    assert [each.id for each in order_items(question, items)[0].product_order_item_relationship] == ["b"]
    assert order_items(question, items[:1])[0].product_order_item_relationship == []


def test_parts_of_products_become_items_with_ids_of_their_own() -> None:
    parts = [{"productOffering": {"id": "x"}}, {"productOffering": {"id": "y"}, "product": [{"id": "p"}]}]
    made = order(asked({"id": "1", "product": {"product": parts}}, {"id": "1.1"}, {"id": "z" * 100}))
    ids = [item.id for item, _, _ in made.items()]
    assert len(set(ids)) == len(ids) == 6
    deep = order(asked({"id": "y" * 100, "product": {"product": [{"product": [{}]}]}}))
    assert all(len(item.id) <= 100 for item, _, _ in deep.items())


def test_parts_of_what_is_changed_are_added_where_they_are_not_there_yet() -> None:
    product = {"id": "p", "product": [{"id": "q"}, {"productOffering": {"id": "o"}}]}
    changed = order(asked({"id": "1", "action": "modify", "product": product})).product_order_item[0]
    assert [part.action for part in changed.product_order_item or []] == [Action.MODIFY, Action.ADD]


def test_violations_are_those_of_the_outermost_item() -> None:
    made = order(asked({"id": "1", "product": {"product": [{"product": [{}]}]}}, {"id": "2"}))
    inner = [item.id for item, _, _ in made.items()][2]
    own, whole = violation(inner), violation(None)
    assert by_item([own], made) == {"1": [own]}
    assert by_item([whole], made) == {"1": [whole], "2": [whole]}


def test_what_relies_on_what_cannot_be_had_cannot_be_had_either() -> None:
    def relying(item_id: str, on: str, kind: str = "reliesOn") -> dict[str, Any]:
        return {"id": item_id, "qualificationItemRelationship": [{"id": on, "relationshipType": kind}]}

    question = asked({"id": "a"}, relying("c", "b"), relying("b", "a"), relying("d", "a", "bundles"))
    lost = left_without(question.product_offering_qualification_item, ["a"])
    assert {key: [each.code for each in found] for key, found in lost.items()} == {
        "b": ["relianceUnavailable"],
        "c": ["relianceUnavailable"],
    }


def test_the_worst_item_decides() -> None:
    good, other, bad = Result.QUALIFIED, Result.ALTERNATE, Result.UNQUALIFIED
    assert whole_result([good, good]) == good
    assert whole_result([good, other]) == other
    assert whole_result([other, bad, good]) == bad
    assert whole_result([]) == bad


def test_a_reason_is_given_once() -> None:
    told = reasons_of([violation("1", "a", "x"), violation("1.1", "a", "x"), violation("1", "a", "y")])
    assert told == [{"code": "a", "label": "x"}, {"code": "a", "label": "y"}]


def test_a_proposal_has_what_can_be_ordered() -> None:
    question = asked(
        {
            "id": "1",
            "productOffering": {"id": "bundle", "name": "Bundle"},
            "product": {"place": PLACE, "product": [{"productOffering": {"id": "part"}}]},
        }
    )
    assert proposal(2, order(question).product_order_item[0], NOW) == {
        "id": "2",
        "alternateActivationDate": "2026-06-01T00:00:00.000Z",
        "alternateProductOffering": {"id": "bundle", "name": "Bundle"},
        "alternateProduct": {"name": "Bundle", "place": PLACE, "product": [{"productOffering": {"id": "part"}}]},
    }


@pytest.mark.parametrize("kind", list(QualificationKind))
def test_an_error_is_on_every_item(kind: QualificationKind) -> None:
    name = "productOfferingQualificationItem" if kind == QualificationKind.OFFERING else "serviceQualificationItem"
    ended = failed(kind, {name: [{"id": "1"}, {"id": "2"}]}, "away")
    assert ended["state"] == "terminatedWithError"
    assert [(each["id"], each["terminationError"][0]["value"]) for each in ended[name]] == [
        ("1", "away"),
        ("2", "away"),
    ]
    assert failed(kind, {}, "away")["terminationError"][0]["value"] == "away"


def test_faults_of_items_name_their_paths() -> None:
    related = {"qualificationItemRelationship": [{"id": "9", "relationshipType": "reliesOn"}]}
    document = {"productOfferingQualificationItem": [{"id": "1"}, {"id": "1", **related}]}
    assert [str(each) for each in faults_of_items(QualificationKind.OFFERING, document)] == [
        'productOfferingQualificationItem[1].id: "1" is the id of productOfferingQualificationItem[0] already',
        'productOfferingQualificationItem[1].qualificationItemRelationship[0].id: the qualification has no item "9"',
    ]
    assert list(faults_of_items(QualificationKind.SERVICE_CHECK, {"serviceQualificationItem": [{}, {}]})) == []


def test_items_without_ids_are_numbered() -> None:
    numbered = with_item_ids({"serviceQualificationItem": [{}, {"id": "1"}, {}]})
    assert [each["id"] for each in numbered["serviceQualificationItem"]] == ["2", "1", "3"]
