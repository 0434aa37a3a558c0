"""How many orders a second are taken in, and how long that takes: beside a route that only starts a workflow.

No worker runs, so that both do nothing but take orders in; the same client sends both the same bodies.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

from bench.contenders.bare import PATH as BARE_PATH
from bench.figures import BARE, OURS, Submission
from bench.stack.gateway import ORDERS, PATH, example, new_customer
from bench.stack.processes import cpu_seconds, module_running
from bench.stack.stacks import Stack
from embedded.layout import GATEWAY, TEMPORAL
from embedded.ports import LOOPBACK, Ports

CONNECTIONS = 10
_WARM_UP = 20
_SLOWEST = 0.99


async def submissions(stack: Stack, rounds: int, seconds: float, tell: Callable[[str], None]) -> list[Submission]:
    """Let both take orders in for so many seconds in each of the rounds, by turns."""
    port = Ports.free().port
    arguments = ["--address", stack.layout.temporal_address, "--queue", "bench-bare", "--port", str(port)]
    done = []
    async with module_running("bench.contenders.bare", arguments, stack.layout.logs / "bare.log") as bare:
        temporal = stack.pids[TEMPORAL]
        both = {
            OURS: (f"{stack.layout.gateway_url}{PATH}", {"gateway": stack.pids[GATEWAY], "temporal": temporal}),
            BARE: (f"http://{LOOPBACK}:{port}{BARE_PATH}", {"gateway": bare.pid, "temporal": temporal}),
        }
        for url, _ in both.values():
            await _submit(url, lambda sent: sent >= _WARM_UP)
        for _ in range(rounds):
            for who, (url, pids) in both.items():
                done.append(each := await _measured(who, url, pids, seconds))
                tell(
                    f"{who:5} takes in {each.rate:6.1f} orders/s; p50 {each.p50 * 1000:.1f} ms, p99 "
                    f"{each.p99 * 1000:.1f} ms; CPU {', '.join(f'{n} {c * 1000:.1f} ms' for n, c in each.cpu.items())}"
                )
    return done


async def _measured(who: str, url: str, pids: dict[str, int], seconds: float) -> Submission:
    before, began = cpu_seconds(pids), time.perf_counter()
    taken = sorted(await _submit(url, lambda _: time.perf_counter() - began > seconds))
    lasted, after = time.perf_counter() - began, cpu_seconds(pids)
    return Submission(
        who,
        len(taken),
        lasted,
        taken[len(taken) // 2],
        taken[min(len(taken) - 1, int(len(taken) * _SLOWEST))],
        {name: (after[name] - before[name]) / len(taken) for name in pids},
    )


async def _submit(url: str, enough: Callable[[int], bool]) -> list[float]:
    """Post orders over all connections until it is enough; return how long each took."""
    taken: list[float] = []

    async def send() -> None:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        with closing(writer):
            while not enough(len(taken)):
                body = json.dumps(example(ORDERS[-1], new_customer())).encode()
                began = time.perf_counter()
                await _post(reader, writer, address.netloc, address.path, body)
                taken.append(time.perf_counter() - began)

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    return taken


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str, body: bytes) -> None:
    """Post over a connection that stays: a client library would take more of the machine than what is measured.

    Raises:
        RuntimeError: when the answer is not 201.
    """
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answered = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(answered.partition("content-length:")[2].partition("\r\n")[0])
    content = await reader.readexactly(length)
    if " 201 " not in answered.partition("\r\n")[0]:
        raise RuntimeError(f"{path}: {answered.partition(chr(13))[0]}: {content[:300].decode()}")
