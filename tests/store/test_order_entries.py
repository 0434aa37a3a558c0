"""Large orders, whose items have rows of their own: they are read, changed and found as all others are."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, table

from orders.events.snapshots import MAX_SNAPSHOT
from orders.lifecycle.change import OrderChange, OrderEntries, OrderUpdate
from orders.lifecycle.states import ITEM_LISTS, OrderKind, OrderState
from store.documents import apply_change, apply_entries, references
from store.order_entries import SPLIT_ABOVE
from store.orders import AcceptedOrder, OrderStore
from store.outbox import Outbox
from store.recording import Recorded, Told, record
from store.sql.database import Database, open_database
from store.sql.migration import migrate
from store.sql.tables import order_entries, order_references, orders
from tests.store.sql.test_database import downgrade
from tmf.bodies import Document
from tmf.query.query import parse_list_query

KINDS = list(OrderKind)
NUMBER = 300


def about(kind: OrderKind) -> str:
    return kind.value.removesuffix("Order")


def large(kind: OrderKind, order_id: str = "large", number: int = NUMBER, size: int = 1000, **more: Any) -> Document:
    name = ITEM_LISTS[kind]
    items: list[Document] = [
        {
            "id": str(each),
            "action": "add",
            "state": "acknowledged",
            "quantity": each,
            about(kind): {"id": f"it-{each}", "name": "x" * size},
            name: [{"id": f"{each}.1", "action": "add", "state": "acknowledged", "tag": f"t-{each}"}],
        }
        for each in range(number)
    ]
    date = "2026-03-01T10:00:00.000Z"
    return {"id": order_id, "state": "acknowledged", "orderDate": date, "category": "b2b", name: items, **more}


async def kept(store: OrderStore, kind: OrderKind, document: Document) -> Document:
    await store.accept(AcceptedOrder(kind, document["id"], document, None, "digest"))
    return document


def told(kind: OrderKind, version: int, **more: Any) -> OrderChange:
    return OrderChange(kind=kind, order_id="large", version=version, state=OrderState.IN_PROGRESS, **more)


async def number_of(database: Database, table: Any) -> int:
    return await database.read(lambda connection: connection.scalar(select(func.count()).select_from(table))) or 0


async def ids(store: OrderStore, kind: OrderKind, *params: tuple[str, str]) -> list[str]:
    return [each["id"] for each in (await store.find(kind, parse_list_query(params))).documents]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_large_order_is_read_as_it_was_kept(store: OrderStore, database: Database, kind: OrderKind) -> None:
    document = await kept(store, kind, large(kind))
    await kept(store, kind, large(kind, "small", 3))

    assert await store.get(kind, "large") == document
    assert await store.get(kind, "large", ("state",)) == {"id": "large", "state": "acknowledged"}
    assert await store.accept(AcceptedOrder(kind, "large", document, None, "digest")) == (document, False)
    (page,) = [(await store.find(kind, parse_list_query([("sort", "id")]))).documents]
    assert page == [document, large(kind, "small", 3)]
    assert {each.id: each.document for each in await store.unstarted()}["large"] == document
    assert await number_of(database, order_entries) == 2 * NUMBER


@pytest.mark.parametrize("kind", KINDS)
async def test_changes_leave_a_large_order_as_they_leave_a_document(store: OrderStore, kind: OrderKind) -> None:
    expected = await kept(store, kind, large(kind))
    name = ITEM_LISTS[kind]
    changes = [
        told(kind, 1, items={"7": {"state": "inProgress", about(kind): {"id": "other"}}}, attributes={"x": 1}),
        told(kind, 2, items={"8.1": {"state": "completed"}, "new": {"action": "add", "state": "inProgress"}}),
        told(kind, 3, items={"new": {"state": "held"}, "newer": {"state": "held"}}, appended={"note": [{"id": "1"}]}),
        told(kind, 3, items={"9": {"state": "failed"}}),
        told(kind, 4, attributes={name: [*large(kind)[name][:290], {"id": "last", "action": "add"}]}),
        told(kind, 5, items={"289": {"quantity": None}, "last": {"state": "completed"}}),
    ]
    recorded = [await store.record([changes[0]]), await store.record(changes[1:4]), await store.record(changes[4:])]
    for each in (*changes[:3], *changes[4:]):
        expected = apply_change(expected, each)

    assert await store.get(kind, "large") == expected
    assert [each for some in recorded for each in some].count(Recorded.OUTDATED) == 1


async def test_a_change_writes_the_items_that_it_is_about_alone(store: OrderStore, database: Database) -> None:
    kind = OrderKind.SERVICE
    await kept(store, kind, large(kind, number=5000, size=100))
    written: list[str] = []

    def recorded(connection: Connection) -> list[list[Recorded]]:
        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if not statement.startswith("SELECT"):
                written.append(str(parameters))

        event.listen(connection, "before_cursor_execute", note)
        return record(connection, [Told([told(kind, 1, items={"4711": {"state": "inProgress"}})])])

    assert await database.write(recorded) == [[Recorded.APPLIED]]
    assert "4711" in "".join(written)
    assert len("".join(written)) < 5000


async def test_a_document_that_grows_gets_rows_for_its_items(store: OrderStore, database: Database) -> None:
    kind = OrderKind.PRODUCT
    expected = await kept(store, kind, large(kind, number=3))
    assert await number_of(database, order_entries) == 0

    for version, item in enumerate(("0", "1", "2.1"), 1):
        change = told(kind, version, items={item: {"name": "y" * (SPLIT_ABOVE // 2)}})
        expected = apply_change(expected, change)
        await store.record([change])
    assert await number_of(database, order_entries) == 6
    assert await store.get(kind, "large") == expected
    sizes = await database.read(
        lambda connection: connection.execute(select(orders.c.size, orders.c.entries_size)).one()
    )
    assert sizes.size < 1000 < SPLIT_ABOVE < sizes.entries_size


async def test_what_items_refer_to_is_kept_as_they_change(store: OrderStore, database: Database) -> None:
    kind = OrderKind.PRODUCT
    await kept(store, kind, large(kind))
    await store.record([told(kind, 1, items={"3": {"product": {"id": "p"}}, "4": {"product": {"id": "p"}}})])
    await store.record([told(kind, 2, items={"3": {"product": {"id": "q"}}})])

    names = select(order_references.c.name, order_references.c.key)
    found = await database.read(lambda connection: {tuple(row) for row in connection.execute(names)})
    assert found == references(await store.get(kind, "large") or {})
    assert {("product", "p"), ("product", "q"), ("product", "it-5")} <= found
    assert ("product", "it-3") not in found


async def test_events_of_a_large_order_have_the_items_that_changed(store: OrderStore, database: Database) -> None:
    kind = OrderKind.RESOURCE
    await kept(store, kind, large(kind))
    await store.record([told(kind, 1, items={"3": {"state": "inProgress"}})])
    await store.record([told(kind, 2, items={"4": {"state": "inProgress"}}), told(kind, 3, attributes={"x": 1})])

    _, *changed = [each.event for each in await Outbox(database).read(0, 10)]
    items = [[item["id"] for item in each.document["orderItem"]] for each in changed]
    assert items == [["3"], ["4"], []]
    assert {each.omitted_path for each in changed} == {"jeopardyAlert,milestone,note,orderItem"}
    assert all(len(str(each.document)) < MAX_SNAPSHOT for each in changed)


async def test_events_of_a_large_bundle_have_what_changed_in_what_it_is_nested_in(
    store: OrderStore, database: Database
) -> None:
    kind, name = OrderKind.PRODUCT, ITEM_LISTS[OrderKind.PRODUCT]
    sites: list[Document] = [{**each, name: large(kind, number=2)[name]} for each in large(kind)[name]]
    sites = [{**site, name: [{"id": f"s{place}", "name": "x" * 300}]} for place, site in enumerate(sites)]
    sites[7][name][0][name] = [{"id": "deep", "state": "acknowledged"}]
    vpn = {"id": "vpn", "state": "acknowledged", name: sites}
    expected = await kept(store, kind, {**large(kind, number=0), name: [vpn, {"id": "other"}]})
    changes = [
        told(kind, 1, items={"deep": {"state": "inProgress"}, "other": {"x": 1}}),
        told(kind, 2, items={"9": {"state": "inProgress"}}),
        told(kind, 3, items={"vpn": {"state": "inProgress"}}),
    ]
    for each in changes:
        expected = apply_change(expected, each)
        await store.record([each])

    assert await store.get(kind, "large") == expected
    _, *changed = [each.event.document[name] for each in await Outbox(database).read(0, 10)]
    seven, nine = expected[name][0][name][7], {**expected[name][0][name][9]}
    del nine[name]
    bare = {"id": "vpn", "state": "acknowledged"}
    assert changed[0] == [{**bare, name: [seven]}, {"id": "other", "x": 1}]
    assert changed[1:] == [[{**bare, name: [nine]}], [{**bare, "state": "inProgress"}]]


@pytest.mark.parametrize("kind", KINDS)
async def test_large_orders_are_found_by_their_items(store: OrderStore, kind: OrderKind) -> None:
    name, part = ITEM_LISTS[kind], about(kind)
    await kept(store, kind, large(kind))
    small = large(kind, "small", 3)
    small[name][2] |= {"quantity": 1000, "colour": "red"}
    await kept(store, kind, small)
    other = large(kind, "other", NUMBER)
    other[name][5] |= {"colour": "blue"}
    await kept(store, kind, other)
    everyone = ["large", "other", "small"]

    async def found(path: str, value: str) -> list[str]:
        return await ids(store, kind, (f"{name}.{path}", value), ("sort", "id"))

    assert await found(f"{part}.id", "it-2") == everyone
    assert await found(f"{part}.id", "it-200") == ["large", "other"]
    assert await found("quantity", "200") == ["large", "other"]
    assert await found("quantity.ne", "200") == ["small"]
    assert await found("quantity.gt", "500") == ["small"]
    assert await found("quantity.gte", "299") == everyone
    assert await found("colour", "blue,red") == ["other", "small"]
    assert await found("colour.ne", "blue") == ["large", "small"]
    assert await found("colour.regex", "^b") == ["other"]
    assert await found(f"{name}.tag", "t-250") == ["large", "other"]
    assert await found(f"{name}.tag.ne", "t-250") == ["small"]
    assert await found("tag", "t-250") == []
    assert await found(f"{name}.colour", "blue") == []
    assert await ids(store, kind, ("sort", f"-{name}.{name}.tag,id")) == everyone
    assert await ids(store, kind, (f"{name}.colour", f"blue;{name}.quantity>999"), ("sort", "id")) == ["other", "small"]
    assert await ids(store, kind, ("sort", f"{name}.colour")) == ["other", "small", "large"]
    assert await ids(store, kind, ("sort", f"-{name}.colour,id")) == ["small", "other", "large"]


async def test_a_list_without_items_reads_none_of_them(store: OrderStore) -> None:
    kind = OrderKind.SERVICE
    for each in range(3):
        await kept(store, kind, large(kind, f"o{each}", number=4000))
    (page,) = [await store.find(kind, parse_list_query([("fields", "state,category")]))]
    assert [len(each) for each in page.documents] == [3, 3, 3]
    assert len((await store.find(kind, parse_list_query([]))).documents) == 1, "of more than a page's bytes"


async def test_large_orders_are_kept_on_the_way_down_and_up_again(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    store, kind = OrderStore(database), OrderKind.PRODUCT
    document = await kept(store, kind, large(kind))
    await database.write(partial(downgrade, revision="0009"))
    before = await database.read(lambda connection: connection.scalar(select(orders.c.document)))
    await migrate(empty_url)
    assert before == await store.get(kind, "large") == document

    change = told(kind, 1, items={"7": {"state": "inProgress"}})
    await store.record([change])
    assert await store.get(kind, "large") == apply_change(document, change)
    assert await number_of(database, order_entries) == 2 * NUMBER
    await database.close()


async def test_milestones_and_notes_of_large_orders_have_rows_too(store: OrderStore, database: Database) -> None:
    kind = OrderKind.PRODUCT
    note = {"id": "n0", "text": "from the client"}
    expected = await kept(store, kind, large(kind, note=[note]))
    changes: list[OrderUpdate] = [
        reached(*(f"m{number}" for number in range(300))),
        reached("m7", "m300"),
        told(kind, 1, appended={"note": [{"id": "n1", "text": "on the way"}], "jeopardyAlert": [{"id": "late"}]}),
        told(kind, 2, attributes={"note": [{"id": "n2", "text": "instead of the others"}]}),
        told(kind, 3, appended={"note": [{"id": "n3"}]}, items={"7": {"state": "inProgress"}}),
        told(kind, 4, appended={"note": [{"text": "nameless"}]}),
        reached("m301"),
    ]
    for each in changes:
        expected = apply_entries(expected, each) if isinstance(each, OrderEntries) else apply_change(expected, each)
        await store.record([each])

    assert await store.get(kind, "large") == expected
    assert [each["id"] for each in expected["milestone"]] == [f"m{number}" for number in range(302)]
    cut = await store.get(kind, "large", ("milestone", "note"))
    assert cut == {"id": "large", "milestone": expected["milestone"], "note": expected["note"]}
    assert await ids(store, kind, ("milestone.name", "Reached m299")) == ["large"]
    assert await ids(store, kind, ("milestone.name", "Reached m302")) == []
    assert await ids(store, kind, ("note.text", "nameless")) == ["large"]
    events = [each.event for each in await Outbox(database).read(0, 100)]
    milestones = [each.document.get("milestone") for each in events if each.type == "ProductOrderMilestoneEvent"]
    assert [[each["id"] for each in some or []] for some in milestones[1:]] == [["m300"], ["m301"]]
    size = await database.read(lambda connection: connection.scalar(select(orders.c.size)))
    assert size is not None
    assert size < 1000


def reached(*names: str) -> OrderEntries:
    milestones = [{"id": name, "name": f"Reached {name}", "status": "completed"} for name in names]
    return OrderEntries(kind=OrderKind.PRODUCT, order_id="large", appended={"milestone": milestones})


async def test_entries_that_are_told_anew_take_the_place_of_the_first_in_both_forms(store: OrderStore) -> None:
    kind = OrderKind.PRODUCT
    documents = {
        "large": await kept(store, kind, large(kind)),
        "small": await kept(store, kind, large(kind, "small", 3)),
    }
    alerts = [[{"id": "late", "message": "a"}], [{"id": "other"}], [{"id": "late", "message": "b"}]]
    for order_id, expected in documents.items():
        for version, alert in enumerate(alerts, 1):
            change = told(kind, version, appended={"jeopardyAlert": alert}).model_copy(update={"order_id": order_id})
            expected = apply_change(expected, change)
            await store.record([change])
        assert await store.get(kind, order_id) == expected
        assert expected["jeopardyAlert"] == [{"id": "late", "message": "b"}, {"id": "other"}]


@pytest.mark.parametrize("note", [None, [], [{"text": "nameless"}], [{"id": "n", "note": [{"id": "n"}]}], "no list"])
async def test_lists_that_are_in_the_document_go_over_to_rows_once_their_entries_have_ids(
    store: OrderStore, database: Database, note: Any
) -> None:
    kind = OrderKind.PRODUCT
    expected = await kept(store, kind, large(kind, note=note))
    for version in (1, 2):
        change = told(kind, version, appended={"note": [{"id": f"n{version}"}]})
        expected = apply_change(expected, change)
        await store.record([change])
    assert await store.get(kind, "large") == expected
    header = await database.read(lambda connection: connection.scalar(select(orders.c.document)))
    assert header is not None
    assert ("note" in header) == (note == [{"text": "nameless"}])


async def test_each_event_of_a_batch_has_what_its_own_change_was_about(store: OrderStore, database: Database) -> None:
    kind, name = OrderKind.PRODUCT, ITEM_LISTS[OrderKind.PRODUCT]
    await kept(store, kind, {**large(kind, number=0), name: [{"id": "vpn", name: large(kind)[name]}]})
    await store.record([told(kind, version, items={str(version): {"state": "held"}}) for version in range(1, 100)])
    _, *changed = [each.event.document[name] for each in await Outbox(database).read(0, 200)]
    assert [[each["id"] for each in vpn[name]] for (vpn,) in changed] == [[str(version)] for version in range(1, 100)]


async def test_nested_items_get_rows_of_their_own_on_the_way_up(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    store, kind = OrderStore(database), OrderKind.SERVICE
    document = large(kind)
    document[ITEM_LISTS[kind]][7][ITEM_LISTS[kind]][0][ITEM_LISTS[kind]] = [{"id": "x" * 3000}, {"id": "y"}]
    document |= {"note": [{"id": "1", "note": [{"id": "2"}]}], "milestone": [{"id": "3"}]}
    await kept(store, kind, document)
    rows = select(order_entries).where(order_entries.c.name == ITEM_LISTS[kind]).order_by(order_entries.c.position)
    before = await database.read(lambda connection: connection.execute(rows).all())
    await database.write(partial(downgrade, revision="0011"))
    assert await number_of(database, table("order_items")) == NUMBER
    assert await number_of(database, table("order_item_parts")) == NUMBER + 2
    await migrate(empty_url)

    assert await database.read(lambda connection: connection.execute(rows).all()) == before
    assert await store.get(kind, "large") == document
    await database.close()


async def test_a_large_order_goes_with_its_items(store: OrderStore, database: Database) -> None:
    kind = OrderKind.PRODUCT
    document = await kept(store, kind, large(kind))
    await store.record([told(kind, 1).model_copy(update={"state": OrderState.COMPLETED})])
    (removed,) = await store.remove(kind, "large")

    assert removed.document == {**document, "state": "completed"}
    assert await number_of(database, order_entries) == 0
