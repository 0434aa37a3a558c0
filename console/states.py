"""How states look in a terminal: one mark and one colour each, the same in every tree and table."""

from __future__ import annotations

from rich.text import Text

from orders.lifecycle.states import TERMINAL, OrderState

_LOOKS: dict[str, tuple[str, str]] = {
    OrderState.ACKNOWLEDGED: ("○", "dim"),
    OrderState.PENDING: ("◔", "yellow"),
    OrderState.IN_PROGRESS: ("●", "cyan"),
    OrderState.HELD: ("‖", "yellow"),
    OrderState.ASSESSING_CANCELLATION: ("?", "yellow"),
    OrderState.PENDING_CANCELLATION: ("↶", "yellow"),
    OrderState.COMPLETED: ("✔", "green"),
    OrderState.PARTIAL: ("◐", "magenta"),
    OrderState.FAILED: ("✘", "red"),
    OrderState.REJECTED: ("✘", "red"),
    OrderState.CANCELLED: ("⊘", "magenta"),
}
_UNKNOWN = ("·", "dim")


def state_text(state: str | None) -> Text:
    """Return a state with its mark, coloured; a state that is not known yet is a dot."""
    mark, style = _LOOKS.get(state or "", _UNKNOWN)
    return Text(f"{mark} {state or ''}".rstrip(), style=style)


def is_terminal(state: str | None) -> bool:
    """Tell whether an order in this state has ended."""
    return state in {each.value for each in TERMINAL}
