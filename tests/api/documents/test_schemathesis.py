"""Requests of all kinds, made from our own OpenAPI documents, are answered as those documents say.

Each operation of each API is called with what fits its description and with what does not, at ids that there are and at
others, with and without the secrets. The gateway is the real one over a real store. Each run makes the same requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from typing import Any, cast

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.schemas import PRODUCT_ORDER_EXAMPLE
from api.tasks.shared import BASES
from orders.events.hubs import HUBS
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.task import Task, TaskAction, TaskKind
from tests.api.conftest import ADMIN_TOKEN, BASE_URL, CALLBACK_SECRET, MINIMAL, Bench
from tests.api.ordering.test_cancellations import CANCEL_PRODUCT
from tests.thorough import examples
from tmf.bodies import Document
from tmf.paths import TMF620, TMF633, TMF634, TMF640, TMF702

pytestmark = pytest.mark.anyio

CASES = examples(3, 50)
"""How many requests each operation gets."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


_OWN = {*BASES.values(), "/recovery/v1", "/systems/v1"}
APIS = sorted({TMF620, TMF633, TMF634, TMF640, TMF702, *_OWN, *(hub.base_path for hub in HUBS.values())})


def test_every_api_is_tried(documents: dict[str, Document]) -> None:
    assert sorted(documents) == APIS


def operations(document: Document) -> Iterator[Any]:
    """Yield every operation of an API as schemathesis reads it from the API's own document, those that delete last."""
    found = [cast(Any, each).ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]
    yield from sorted(found, key=lambda operation: operation.method == "delete")


@pytest.fixture
async def furnished(bench: Bench) -> Bench:
    """A gateway with something of each kind to be found."""
    await bench.ordered(PRODUCT_ORDER_EXAMPLE, OrderState.IN_PROGRESS)
    ended = await bench.ordered(MINIMAL, OrderState.COMPLETED)
    bench.engine.end(ended)
    running = await bench.ordered(MINIMAL)
    assert (await bench.client.post(CANCEL_PRODUCT, json={"productOrder": {"id": running}})).status_code == 201
    await bench.child(OrderKind.SERVICE, "abcdefghij:1:internet")
    workflow_id = await bench.child(OrderKind.RESOURCE, "abcdefghij:1:internet:port")
    for kind, number in ((TaskKind.FALLOUT, 1), (TaskKind.MANUAL, 2)):
        task = Task(
            id=f"abcdefghij:1:internet:port!{number}",
            kind=kind,
            workflow_id=workflow_id,
            order_kind=OrderKind.RESOURCE,
            order_id="abcdefghij:1:internet:port",
            root_id="abcdefghij",
            item="port",
            step="reserve",
            what="reserve a port",
            actions=[TaskAction.RETRY, TaskAction.COMPLETE],
            created_at=datetime(2026, 11, 23, tzinfo=UTC),
        )
        assert await bench.tasks.save(task)
    # Streams end with what there is.
    bench.gateway.closing.set()
    return bench


async def known_ids(bench: Bench, path: str) -> list[str]:
    """Return the ids that the collection lists in which an operation's resource is, if it is in one."""
    collection, found, _ = path.partition("/{id}")
    answer = await bench.client.get(collection)
    if not found or answer.status_code != 200:
        return []
    return [str(each["id"]) for each in answer.json()]


def cases_of(operation: Any) -> list[Any]:
    """Return requests to an operation that fit its description and such that do not, the same ones each time."""
    found: list[Any] = []

    @settings(
        derandomize=True,
        database=None,
        max_examples=CASES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode]))
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    return found


@pytest.mark.parametrize("base", APIS)
async def test_every_answer_is_as_its_document_says(
    furnished: Bench, documents: dict[str, Document], base: str
) -> None:
    wrong: list[str] = []
    for operation in operations(documents[base]):
        wrong += await differences(furnished, base, operation)
    assert not wrong, "\n\n".join(wrong)


async def differences(bench: Bench, base: str, operation: Any) -> list[str]:
    """Return in what ways answers of an operation are not as its document says."""
    ids = cycle([None, *await known_ids(bench, f"{base}{operation.path}")])
    secrets = cycle([None, ADMIN_TOKEN, CALLBACK_SECRET])
    wrong = []
    for case, at, secret in zip(cases_of(operation), ids, secrets, strict=False):
        if at is not None:
            case.path_parameters["id"] = at
        headers = {"Authorization": f"Bearer {secret}"} if secret else None
        answer = await sent(bench.client, case.as_transport_kwargs(base_url=f"{BASE_URL}{base}", headers=headers))
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseExceptionGroup as failures:
            # What schemathesis raises is no Exception, and would end the event loop of all tests.
            wrong.append(f"{failures.exceptions}\n{case.as_curl_command()}\n{answer.text}")
    return wrong


async def sent(client: httpx2.AsyncClient, arguments: dict[str, Any]) -> httpx2.Response:
    """Send what schemathesis would send by another client."""
    prepared = requests.Request(**{name: value for name, value in arguments.items() if name in REQUEST}).prepare()
    headers = {name: str(value) for name, value in prepared.headers.items() if name.lower() != "content-length"}
    body = cast(bytes | str | None, prepared.body) or b""
    content = body.encode() if isinstance(body, str) else body
    return await client.request(str(prepared.method), str(prepared.url), content=content, headers=headers)


REQUEST = {"method", "url", "headers", "files", "data", "params", "cookies", "json"}
