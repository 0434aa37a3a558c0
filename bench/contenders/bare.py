"""A route that only starts a workflow: what the taking in of an order is compared with..

No checks, no store, no idempotency: the body becomes the workflow's input.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import Any
from uuid import uuid4

import uvicorn
import uvloop
from fastapi import FastAPI
from temporalio.client import Client

from bench.stack.processes import READY
from bench.stack.server import Server
from embedded.ports import LOOPBACK

PATH = "/order"


def create_app(client: Client, queue: str) -> FastAPI:
    """Return the application: `POST /order`."""
    app = FastAPI()

    @app.post(PATH, status_code=201)
    async def start(order: dict[str, Any]) -> dict[str, Any]:
        order_id = uuid4().hex
        await client.start_workflow("Order", order, id=f"bare:{order_id}", task_queue=queue)
        return {"id": order_id, **order}

    return app


async def serve(address: str, queue: str, port: int) -> None:
    """Serve until the process is ended."""
    app = create_app(await Client.connect(address), queue)
    server = Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve())
    await server.up.wait()
    print(READY, flush=True)
    await serving


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.contenders.bare")
    parser.add_argument("--address", required=True)
    parser.add_argument("--queue", required=True)
    parser.add_argument("--port", required=True, type=int)
    chosen = parser.parse_args()
    uvloop.run(serve(chosen.address, chosen.queue, chosen.port))


if __name__ == "__main__":
    main()
    os._exit(0)
