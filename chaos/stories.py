"""What people order and what they do to their orders: a pure function of the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from orders.model.task import TaskAction


class Story(StrEnum):
    """What becomes of an order."""

    ADD_MOBILE = "add a mobile plan"
    ADD_FIBRE = "add internet with a router"
    ADD_BUNDLE = "add internet with voice and TV"
    ADD_VPN = "add a small VPN"
    MODIFY = "add internet, then make it faster"
    DELETE = "add a mobile plan, then end it"
    AMEND = "amend it while it runs"
    CANCEL = "cancel it while it runs"
    HOLD = "hold it while it runs, then resume it"
    LATER = "let it start later"
    VISIT = "a technician does a step"
    SERVICE = "a posted service order"
    SERVICE_CANCELLED = "a posted service order, cancelled while it runs"
    RESOURCE = "a posted resource order"
    RESOURCE_CANCELLED = "a posted resource order, cancelled while it runs"
    REJECTED = "an order that breaks a rule"


@dataclass(frozen=True, slots=True)
class Plot:
    """One order as it is meant to go; times count from the first order."""

    number: int
    story: Story
    at: float
    delay: float
    """Seconds until the next thing is done to it."""
    place: str
    settled_by: TaskAction
    """What a person says first of a step that has failed for good."""


PLACES = ("BER-1", "BER-2", "MUC-1")
_SETTLED_BY = (TaskAction.RETRY, TaskAction.RETRY, TaskAction.RETRY, TaskAction.FAIL, TaskAction.ROLLBACK)


def plots(seed: int, number: int, window: float) -> list[Plot]:
    """Return so many orders that come in within `window` seconds, by time; each story before any comes again."""
    chance = random.Random(f"stories {seed}")
    stories: list[Story] = []
    while len(stories) < number:
        stories += chance.sample(list(Story), len(Story))
    times = sorted(chance.uniform(0, window) for _ in range(number))
    return [
        Plot(
            number=n,
            story=story,
            at=round(at, 2),
            delay=round(chance.uniform(0.05, 1.2) ** 2, 3),
            place=chance.choice(PLACES),
            settled_by=chance.choice(_SETTLED_BY),
        )
        for n, (story, at) in enumerate(zip(stories, times, strict=False))
    ]
