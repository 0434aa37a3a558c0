"""Which message is allowed in which state, cell by cell; what a refusal says; that the documentation says the same."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from api.documents.message_tables import as_markdown, with_tables
from orders.lifecycle.admission import ADMITTED, Message, refusal
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState

PAGE = Path(__file__).parents[3] / "docs" / "messages.md"

ALLOWED = {
    "cancel": "acknowledged pending inProgress held assessingCancellation pendingCancellation",
    "hold": "acknowledged pending inProgress held",
    "resume": "acknowledged pending inProgress held",
    "amend": "acknowledged pending inProgress held",
    "resolve": "acknowledged inProgress held pendingCancellation",
    "complete": "inProgress held pendingCancellation",
    "reschedule": "inProgress held pendingCancellation",
}
CELLS = list(itertools.product(OrderKind, OrderState, Message))


def allowed(state: OrderState, message: Message) -> bool:
    return state.value in ALLOWED[message].split()


def test_every_cell_has_an_answer() -> None:
    assert set(ADMITTED) == set(OrderKind)
    assert all(set(ADMITTED[kind]) == set(Message) for kind in OrderKind)
    assert set(ALLOWED) == {message.value for message in Message}


@pytest.mark.parametrize(("kind", "state", "message"), CELLS)
def test_a_message_is_taken_where_the_table_says_so_and_refused_in_a_sentence_elsewhere(
    kind: OrderKind, state: OrderState, message: Message
) -> None:
    reason = refusal(kind, state, message)
    if allowed(state, message):
        assert reason is None
    else:
        assert reason is not None
        assert reason.startswith(f"a {kind} ")
        assert "; " in reason
        assert "\n" not in reason


def test_nothing_is_taken_once_an_order_has_ended() -> None:
    for kind, state, message in itertools.product(OrderKind, TERMINAL, Message):
        assert refusal(kind, state, message) is not None


def test_a_refusal_says_what_happened_and_what_can_be_done() -> None:
    assert refusal(OrderKind.PRODUCT, OrderState.COMPLETED, Message.HOLD) == (
        "a productOrder that is completed cannot be held; "
        "it has ended, so place a new order for what is to be different"
    )
    assert refusal(OrderKind.PRODUCT, OrderState.PENDING_CANCELLATION, Message.AMEND) == (
        "a productOrder that is pendingCancellation cannot be amended; "
        "it is being undone, and then it ends as cancelled"
    )
    assert refusal(OrderKind.RESOURCE, OrderState.ACKNOWLEDGED, Message.COMPLETE) == (
        "a resourceOrder that is acknowledged has no manual task to complete; "
        "wait until it has been planned, or cancel it"
    )


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("kind", [OrderKind.SERVICE, OrderKind.RESOURCE])
def test_an_order_that_another_one_has_made_is_amended_by_way_of_that(kind: OrderKind, state: OrderState) -> None:
    assert refusal(kind, state, Message.AMEND, "7f3k2a9dqe") == (
        f"a {kind} that another order has made cannot be amended; amend order 7f3k2a9dqe that it belongs to"
    )


def test_the_table_has_a_row_for_each_state_and_a_column_for_each_message() -> None:
    lines = as_markdown(OrderKind.PRODUCT).splitlines()
    assert lines[0] == "| state | `cancel` | `hold` | `resume` | `amend` | `resolve` | `complete` | `reschedule` |"
    assert [line.split("`")[1] for line in lines[2:]] == [state.value for state in OrderState]
    assert "| `pending` | yes | yes | yes | yes | – | – | – |" in lines


def test_a_page_keeps_what_is_not_generated() -> None:
    page = "before\n<!-- generated: serviceOrder -->\nold\n<!-- end -->\nafter\n"
    table = as_markdown(OrderKind.SERVICE)
    assert with_tables(page) == f"before\n<!-- generated: serviceOrder -->\n{table}<!-- end -->\nafter\n"


@pytest.mark.parametrize("kind", OrderKind)
def test_the_documentation_has_the_tables_as_they_are(kind: OrderKind) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"<!-- generated: {kind} -->\n{as_markdown(kind)}<!-- end -->" in page
    assert with_tables(page) == page


@pytest.mark.parametrize("message", Message)
def test_the_documentation_says_what_each_message_does(message: Message) -> None:
    assert f"| `{message}` | " in PAGE.read_text(encoding="utf-8")
