"""Qualifications in the store: kept once, claimed by one at a time, finished once, listed, changed, forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.events.qualification_events import SERVICE_API
from orders.qualification.results import QualificationKind
from store.outbox import Outbox
from store.qualifications import QualificationStore
from store.sql.database import Database
from tmf.query.query import parse_list_query

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
LEASE = timedelta(minutes=2)
OFFERING, CHECK = QualificationKind.OFFERING, QualificationKind.SERVICE_CHECK


def document(name: str, state: str = "acknowledged", **attributes: Any) -> dict[str, Any]:
    return {"id": name, "state": state, **attributes}


async def kept(store: QualificationStore, *names: str, state: str = "acknowledged") -> None:
    for minutes, name in enumerate(names):
        await store.keep(OFFERING, document(name, state), NOW + timedelta(minutes=minutes))


async def claimed(store: QualificationStore, at: datetime = NOW, limit: int = 10) -> list[str]:
    return [each.id for each in await store.claim(at, LEASE, limit)]


async def test_it_is_kept_once_and_read_back(qualifications: QualificationStore) -> None:
    for description in ("first", "second"):
        await qualifications.keep(OFFERING, document("q1", description=description), NOW)
    assert await qualifications.get(OFFERING, "q1") == document("q1", description="first")
    assert await qualifications.get(CHECK, "q1") is None
    assert await qualifications.get(OFFERING, "q1\0") is None


async def test_what_waits_is_claimed_the_oldest_first_and_by_nobody_else(qualifications: QualificationStore) -> None:
    await kept(qualifications, "q1", "q2", "q3")
    await kept(qualifications, "done", state="done")
    assert await claimed(qualifications, limit=2) == ["q1", "q2"]
    assert await claimed(qualifications) == ["q3"]
    assert await claimed(qualifications) == []
    assert await qualifications.get(OFFERING, "q1") == document("q1", "inProgress")


async def test_of_two_that_claim_at_once_each_has_its_own(qualifications: QualificationStore) -> None:
    await kept(qualifications, *(f"q{number}" for number in range(6)))
    parts = await asyncio.gather(*(claimed(qualifications, limit=3) for _ in range(3)))
    names = [name for part in parts for name in part]
    assert len(set(names)) == len(names)
    assert sorted([*names, *await claimed(qualifications)]) == [f"q{number}" for number in range(6)]


async def test_a_claim_runs_out_or_is_given_up(qualifications: QualificationStore) -> None:
    await kept(qualifications, "q1")
    assert await claimed(qualifications) == ["q1"]
    assert await claimed(qualifications, NOW + LEASE - timedelta(seconds=1)) == []
    assert await claimed(qualifications, NOW + LEASE) == ["q1"]
    later = NOW + timedelta(hours=1)
    await qualifications.release(OFFERING, "q1", later)
    assert await claimed(qualifications, later - timedelta(seconds=1)) == []
    assert await claimed(qualifications, later) == ["q1"]


async def test_it_is_finished_once(qualifications: QualificationStore) -> None:
    await kept(qualifications, "q1")
    await qualifications.claim(NOW, LEASE, 1)
    answer = {"state": "done", "qualificationResult": "qualified"}
    assert await qualifications.finish(OFFERING, "q1", answer)
    assert not await qualifications.finish(OFFERING, "q1", {"state": "terminatedWithError"})
    assert not await qualifications.finish(OFFERING, "q2", answer)
    assert await qualifications.get(OFFERING, "q1") == document("q1", "done", qualificationResult="qualified")
    await qualifications.release(OFFERING, "q1", NOW)
    assert await claimed(qualifications, NOW + timedelta(days=1)) == []


async def test_a_change_leaves_the_state_as_it_is(qualifications: QualificationStore) -> None:
    await kept(qualifications, "q1")
    changed = await qualifications.change(OFFERING, "q1", lambda each: {**each, "state": "done", "description": "x"})
    assert changed == document("q1", description="x") == await qualifications.get(OFFERING, "q1")
    assert await qualifications.change(OFFERING, "q2", lambda each: each) is None
    assert await qualifications.change(OFFERING, "q\0", lambda each: each) is None


async def test_a_change_that_fails_changes_nothing(qualifications: QualificationStore) -> None:
    await kept(qualifications, "q1")

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await qualifications.change(OFFERING, "q1", refuse)
    assert await qualifications.get(OFFERING, "q1") == document("q1")


async def test_what_is_deleted_is_gone(qualifications: QualificationStore) -> None:
    await kept(qualifications, "q1")
    assert await qualifications.delete(OFFERING, "q1") == document("q1")
    assert await qualifications.delete(OFFERING, "q1") is None
    assert await qualifications.delete(OFFERING, "q\0") is None
    assert not await qualifications.finish(OFFERING, "q1", {"state": "done"})


async def test_only_old_and_finished_ones_are_forgotten(qualifications: QualificationStore) -> None:
    await kept(qualifications, "old", "older than it looks", state="done")
    await kept(qualifications, "waits")
    await qualifications.keep(OFFERING, document("new", "done"), NOW + timedelta(days=2))
    assert await qualifications.forget(NOW + timedelta(days=1), limit=1) == 1
    assert await qualifications.forget(NOW + timedelta(days=1)) == 1
    assert await qualifications.forget(NOW + timedelta(days=1)) == 0
    assert await qualifications.get(OFFERING, "waits")
    assert await qualifications.get(OFFERING, "new")


async def test_lists_are_filtered_paged_and_of_one_kind(qualifications: QualificationStore) -> None:
    await kept(qualifications, "q1", "q2", "q3")
    await qualifications.finish(OFFERING, "q2", {"state": "done", "qualificationResult": "alternate"})
    await qualifications.keep(CHECK, document("c1", "accepted"), NOW)

    async def found(**params: str) -> list[str]:
        query = parse_list_query(list(params.items()))
        return [each["id"] for each in (await qualifications.find(OFFERING, query)).documents]

    assert await found() == ["q3", "q2", "q1"]
    assert await found(state="done") == ["q2"]
    assert await found(qualificationResult="alternate") == ["q2"]
    assert await found(sort="id", limit="2") == ["q1", "q2"]
    page = await qualifications.find(OFFERING, parse_list_query([("limit", "1"), ("fields", "state")]))
    assert (page.total, page.documents) == (3, [document("q3")])


async def test_each_step_of_a_qualification_is_told_where_its_api_has_an_event_for_it(database: Database) -> None:
    store, outbox = QualificationStore(database), Outbox(database)
    await store.keep(CHECK, {"id": "e1", "state": "accepted"}, NOW)
    await store.claim(NOW, timedelta(minutes=1), 10)
    await store.finish(CHECK, "e1", {"state": "done"})
    await store.change(CHECK, "e1", lambda document: {**document, "description": "soon"})
    await store.delete(CHECK, "e1")

    told = [placed.event for placed in await outbox.read(0, 10, api=SERVICE_API)]

    assert [(each.type.removeprefix("CheckServiceQualification"), each.document["state"]) for each in told] == [
        ("CreateEvent", "accepted"),
        ("StateChangeEvent", "inProgress"),
        ("StateChangeEvent", "done"),
        ("AttributeValueChangeEvent", "done"),
        ("DeleteEvent", "done"),
    ]
    assert len({each.id for each in told}) == len(told)
