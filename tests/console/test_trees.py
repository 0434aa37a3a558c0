"""Trees and tables as text: what an operator reads of an order, and of a plan."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console, RenderableType

from console.order_tree import OrderTree, changes
from console.views.board import Row, board, duration, progress
from console.views.order_view import fitting_views, order_view
from console.views.plan_tree import plan_tree
from console.views.tables import orders_table, prices_table
from orders.lifecycle.states import OrderState
from orders.model.product_orders import Action
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import ProductPlan, ResourceItem, ServiceItem, ServiceOrderPlan, Specification
from tests.console.documents import product_order, resource_order, service_order


def text(renderable: RenderableType, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


RUNNING = OrderTree(
    product_order(),
    {"abc:1.tv:tv": service_order("abc:1.tv:tv", "inProgress", "inProgress")},
    {"abc:1.tv:tv:stream": resource_order("abc:1.tv:tv:stream", "completed", "SN-STB-7")},
)

UNDONE = OrderTree(
    product_order(
        "failed",
        productOrderErrorMessage=[{"message": "the TV platform refused"}],
        residue=[{"target": "resource r-9", "system": "inventory", "message": "is reserved"}],
    ),
    {
        "abc:1.tv:tv": service_order("abc:1.tv:tv", "failed", "failed", errorMessage=[{"message": "refused"}]),
        "abc:1.tv:tv:undo": service_order("abc:1.tv:tv:undo", "completed", "completed"),
    },
    {
        "abc:1.tv:tv:stream": resource_order("abc:1.tv:tv:stream", "failed", "SN-STB-7"),
        "abc:1.tv:tv:stream:undo": resource_order("abc:1.tv:tv:stream:undo", "completed", "SN-STB-7"),
    },
)


def test_an_order_shows_its_items_services_and_resources_with_their_states() -> None:
    assert text(order_view(RUNNING)) == "\n".join(
        [
            "product order abc  ● inProgress  Fibre Home at BER-1 · c-1",
            "└── 1 add fibre-home-bundle  ● inProgress",
            "    └── 1.tv add home-tv  ● inProgress",
            "        └── 1.tv:tv  ● inProgress",
            "            └── add stream  TV stream  ● inProgress",
            "                └── add box  ✔ completed  SN-STB-7",
        ]
    )


def test_a_tree_has_as_much_detail_as_the_terminal_is_high() -> None:
    def lines(height: int) -> int:
        console = Console(file=io.StringIO(), width=160, height=height)
        return len(text(fitting_views([RUNNING], console)).splitlines())

    assert [lines(height) for height in (7, 6, 5, 4, 2)] == [6, 5, 4, 3, 3]


def test_a_failed_order_shows_why_what_was_undone_and_what_is_left() -> None:
    shown = text(order_view(UNDONE))
    assert "the TV platform refused" in shown
    assert "1.tv:tv  ✘ failed  refused" in shown
    assert "undo 1.tv:tv  ✔ completed" in shown
    assert "undo of its resources  ✔ completed" in shown
    assert "left behind: resource r-9 in inventory" in shown


def test_markup_in_an_orders_texts_is_shown_as_it_is() -> None:
    tree = OrderTree(product_order(description="[bold]5 [/] sites"))
    assert "[bold]5 [/] sites" in text(order_view(tree))


def test_item_ids_with_separators_find_their_service_orders() -> None:
    order = product_order(productOrderItem=[{"id": "a:1", "action": "add", "state": "completed"}])
    id_ = "abc:a%3A1*2:tv"
    shown = text(order_view(OrderTree(order, {id_: service_order(id_, "completed", "completed")})))
    assert "a%3A1*2:tv  ✔ completed" in shown


def test_changes_name_what_became_different_and_from_what() -> None:
    done = OrderTree(
        product_order("completed"),
        {"abc:1.tv:tv": service_order("abc:1.tv:tv", "completed", "completed")},
        RUNNING.resource_orders,
    )
    assert changes(RUNNING, done) == [
        "order abc: inProgress → completed",
        "item 1: inProgress → completed",
        "item 1.tv: inProgress → completed",
        "service order 1.tv:tv: inProgress → completed",
    ]
    assert changes(done, done) == []
    assert changes(None, RUNNING)[0] == "order abc: inProgress"


def test_progress_counts_items_done_and_undoing_orders_apart() -> None:
    counted = progress(UNDONE)
    assert (counted.services_done, counted.services) == (0, 1)
    assert (counted.resources_done, counted.resources) == (0, 1)
    assert counted.undone == 2


def test_a_board_says_whether_orders_ended_as_expected() -> None:
    rows = [
        Row("bundle that fails", OrderState.FAILED, UNDONE),
        Row("bundle", OrderState.COMPLETED, UNDONE),
        Row("modify", OrderState.COMPLETED),
    ]
    shown = text(board(rows, ended=True))
    assert "✘ failed" in shown
    assert "failed ✔" in shown
    assert "completed ✘" in shown
    assert "waits" in shown


def test_an_orders_time_runs_until_it_has_ended() -> None:
    now = datetime(2026, 3, 1, 10, 0, 7, tzinfo=UTC)
    assert duration(product_order(), now) == 7
    assert duration(product_order("completed", completionDate="2026-03-01T10:00:02.500Z"), now) == 2.5
    assert duration(product_order("rejected"), now) is None


def test_a_list_of_orders_shows_customer_and_how_many_there_are() -> None:
    shown = text(orders_table([product_order("held")], 12))
    assert "abc" in shown
    assert "‖ held" in shown
    assert "2026-03-01 10:00:00" in shown
    assert "c-1" in shown
    assert "1 of 12" in shown


def test_prices_show_their_period_and_amount() -> None:
    price = {
        "name": "Monthly",
        "priceType": "recurring",
        "recurringChargePeriod": "month",
        "price": {"dutyFreeAmount": {"unit": "EUR", "value": 39.9}},
    }
    assert "39.90 EUR" in text(prices_table(product_order(orderTotalPrice=[price])))


def test_a_plan_shows_components_below_bundles_and_what_starts_after_what() -> None:
    box = ResourceItem(
        key="box", action=Action.ADD, specification=Specification(id="stb", name="Set-top box"), depends_on=["line"]
    )
    stream = ServiceItem(
        key="stream",
        action=Action.MODIFY,
        specification=Specification(id="rfs-stream", name="TV stream"),
        characteristics={"package": "premium", "boxes": 1, "recorder": True},
        previous={"package": "basic", "boxes": 1, "recorder": True},
        late={"vlan": "assigned.vlan.value"},
        resources=[box],
    )
    service = ServiceOrderPlan(
        key="1.tv:tv",
        item_id="1.tv",
        unit="1",
        action=Action.ADD,
        specification=Specification(id="cfs-iptv", name="TV"),
        depends_on=["1.net:internet"],
        items=[stream],
    )
    plan = OrchestrationPlan(
        order_id="abc",
        catalog=CatalogVersion(digest="d", label="fibre 1.0"),
        service_orders=[service],
        products=[
            ProductPlan(
                key="1",
                item_id="1",
                unit="1",
                action=Action.ADD,
                name="Fibre Home",
                components=["1.tv"],
                place="BER-1",
            ),
            ProductPlan(key="1.tv", item_id="1.tv", unit="1", action=Action.ADD, name="Home TV", services=["1.tv:tv"]),
        ],
    )
    assert text(plan_tree(plan)) == "\n".join(
        [
            "plan  2 products, 1 service order, 1 resource  catalog fibre 1.0",
            "└── 1 add Fibre Home at BER-1",
            "    └── 1.tv add Home TV",
            "        └── service order add 1.tv:tv  TV  after 1.net:internet",
            "            └── modify stream  TV stream  package basic → premium, boxes 1, recorder true,"
            " vlan = assigned.vlan.value",
            "                └── add box  Set-top box  after line",
        ]
    )


def test_a_plan_shows_whence_and_whither_its_products_and_services_move() -> None:
    where = {"action": Action.MODIFY, "place": "HAM-1", "previous_place": "BER-1"}
    line = Specification(id="rfs-line", name="Line")
    plan = OrchestrationPlan(
        order_id="abc",
        catalog=CatalogVersion(digest="d", label="l"),
        service_orders=[
            ServiceOrderPlan(
                key="1:internet",
                item_id="1",
                unit="1",
                action=Action.MODIFY,
                specification=line,
                items=[ServiceItem(key="line", specification=line, **where)],
            )
        ],
        products=[ProductPlan(key="1", item_id="1", unit="1", name="Fibre", services=["1:internet"], **where)],
    )
    assert text(plan_tree(plan)).splitlines()[1:] == [
        "└── 1 modify Fibre moves BER-1 → HAM-1",
        "    └── service order modify 1:internet  Line",
        "        └── modify line  Line moves BER-1 → HAM-1",
    ]
