"""Records scripts: `python -m bench.record` runs one order of each kind and keeps what it asked of the systems.

The tree and what waits for what come from the order's published plan; the calls from what the worker sent.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import uvloop

from bench.contenders.script import PLACEHOLDER, SCRIPTS, Call, Child, Known, Layer, Unit, at, dumps
from bench.stack.gateway import ORDERS, Gateway, example, new_customer
from bench.stack.proxy import Exchange, Proxies
from bench.stack.stacks import watched_stack


def script_of(order_id: str, customer: str, plan: Mapping[str, Any], exchanges: Sequence[Exchange]) -> Unit:
    """Return the script of an order that ran, from its plan and what was asked of the systems for it."""
    recorder = _Recorder(order_id, customer)
    calls: dict[str, list[Call]] = defaultdict(list)
    for exchange in exchanges:
        calls[_layer_of(exchange.key, order_id)].extend(recorder.calls(exchange))
    unit = _order(plan, calls)
    _trim(unit)
    return unit


class _Recorder:
    """Finds in later requests what earlier answers said, and puts placeholders there."""

    def __init__(self, order_id: str, customer: str) -> None:
        self._order_id, self._customer = order_id, customer
        self._seen: Known = {}
        """Value → name of its placeholder."""

    def calls(self, exchange: Exchange) -> Iterator[Call]:
        key = (exchange.key or f"{exchange.method} {exchange.path}").removeprefix(f"po:{self._order_id}")
        path, _, query = exchange.path.partition("?")
        path = "/".join(self._placed(segment) for segment in path.split("/")) + (f"?{query}" if query else "")
        key = self._given(key)
        keeps = dict(self._kept(key, exchange))
        yield _with_uses(
            Call(
                key=key,
                system=exchange.system,
                method=exchange.method,
                path=self._given(path),
                idempotency_key=exchange.key and self._given(exchange.key),
                body=None if exchange.body is None else json.dumps(self._body(exchange.body), ensure_ascii=False),
                keeps=keeps,
            )
        )
        if exchange.status == 202:
            monitor = f"{path.partition('?')[0].rpartition('/')[0]}/monitor/${{{key}#id}}"
            yield _with_uses(
                Call(key=f"{key}/end", system=exchange.system, method="GET", path=monitor, until="Completed")
            )

    def _kept(self, key: str, exchange: Exchange) -> Iterator[tuple[str, str]]:
        asked = f"{exchange.path} {json.dumps(exchange.body)}"
        answer = exchange.answer if isinstance(exchange.answer, dict) else {}
        paths = [path for path in ("id", "value") if path in answer]
        paths += [f"resourceCharacteristic.{n}.value" for n, _ in enumerate(answer.get("resourceCharacteristic", ()))]
        for path in paths:
            value = at(answer, path)
            if isinstance(value, str) and value not in asked and value not in self._seen:
                self._seen[value] = f"{key}#{path}"
                yield f"{key}#{path}", path

    def _body(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {name: self._body(value) for name, value in body.items()}
        if isinstance(body, list):
            return [self._body(value) for value in body]
        return self._given(self._placed(body)) if isinstance(body, str) else body

    def _placed(self, text: str) -> str:
        name = self._seen.get(text)
        return f"${{{name}}}" if name else text

    def _given(self, text: str) -> str:
        return text.replace(self._order_id, "${order}").replace(self._customer, "${customer}")


def _with_uses(call: Call) -> Call:
    texts = (call.path, call.idempotency_key or "", call.body or "")
    call.uses = sorted({found for text in texts for found in PLACEHOLDER.findall(text)} - {"order", "customer"})
    return call


def _layer_of(key: str | None, order_id: str) -> str:
    """Return which layer a request belongs to, from its idempotency key."""
    if key is None:
        return "prepare"
    unit, item, step = key.removeprefix(f"po:{order_id}").split("/")[:3]
    if ":ro:" in unit:
        return f"{unit}/{item}"
    if unit:
        return f"{unit}/{item}/{'begin' if step == 'record' else 'end'}"
    return f"/{item}"


def _order(plan: Mapping[str, Any], calls: Mapping[str, list[Call]]) -> Unit:
    parts: list[Layer | Child] = [Layer(key="prepare", calls=_chained(calls["prepare"]))]
    nodes = {node["key"]: node for name in ("serviceOrders", "deliveries", "products") for node in plan.get(name, ())}
    services = {node["key"]: node for node in plan.get("serviceOrders", ())}
    for key in _sorted(nodes):
        after = ["prepare", *nodes[key].get("dependsOn", ())]
        if key in services:
            parts.append(Child(key=key, after=after, unit=_service(services[key], calls)))
        else:
            parts.append(Layer(key=key, after=after, calls=_chained(calls.get(f"/{key}", []))))
    return Unit(kind="order", key="", parts=parts)


def _service(plan: Mapping[str, Any], calls: Mapping[str, list[Call]]) -> Unit:
    unit, items = f":so:{plan['key']}", {item["key"]: item for item in plan["items"]}
    parts: list[Layer | Child] = []
    for key in _sorted(items):
        after = [f"{other}/end" for other in items[key].get("dependsOn", ())]
        parts.append(Layer(key=f"{key}/begin", after=after, calls=_chained(calls[f"{unit}/{key}/begin"])))
        last = f"{key}/begin"
        if resources := items[key].get("resources"):
            last = f"ro:{key}"
            below = _resources(f"{unit}:ro:{key}", resources, calls)
            parts.append(Child(key=last, after=[f"{key}/begin"], unit=below))
        parts.append(Layer(key=f"{key}/end", after=[last], calls=_chained(calls[f"{unit}/{key}/end"])))
    return Unit(kind="service", key=unit, parts=parts)


def _resources(unit: str, resources: Sequence[Mapping[str, Any]], calls: Mapping[str, list[Call]]) -> Unit:
    by_key = {resource["key"]: resource for resource in resources}
    chains: dict[str, list[Call]] = {}
    for key in _sorted(by_key):
        chain = _chained(calls[f"{unit}/{key}"])
        chain[0].after = [chains[other][-1].key for other in by_key[key].get("dependsOn", ())]
        chains[key] = chain
    return Unit(
        kind="resource", key=unit, parts=[Layer(key="all", calls=[c for each in chains.values() for c in each])]
    )


def _chained(calls: Sequence[Call]) -> list[Call]:
    """Return calls each of which comes after the one before."""
    return [call.model_copy(update={"after": [calls[n - 1].key] if n else []}) for n, call in enumerate(calls)]


def _sorted(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the keys of nodes, each behind those that it depends on."""
    order: list[str] = []

    def visit(key: str) -> None:
        if key not in order:
            for other in nodes[key].get("dependsOn", ()):
                visit(other)
            order.append(key)

    for key in nodes:
        visit(key)
    return order


def _trim(root: Unit) -> None:
    """Keep only the values that a later call uses, under short names; note at each unit what it is given and gives."""
    used = {name for call in root.calls() for name in call.uses}
    kept = [name for call in root.calls() for name in call.keeps if name in used]
    short = {name: f"v{number}" for number, name in enumerate(kept)}
    for call in root.calls():
        call.keeps = {short[name]: path for name, path in call.keeps.items() if name in short}
        call.uses = sorted(short[name] for name in call.uses)
        call.path = _renamed(call.path, short)
        call.body = call.body and _renamed(call.body, short)
    for unit in root.units():
        within = list(unit.calls())
        own = {name for call in within for name in call.keeps}
        outside = {name for call in root.calls() if not any(call is each for each in within) for name in call.uses}
        unit.uses = sorted({name for call in within for name in call.uses} - own)
        unit.keeps = sorted(own & outside)


def _renamed(text: str, short: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: f"${{{short.get(found[1], found[1])}}}", text)


async def record() -> None:
    """Record the script of each order, of the second of two that must have called the systems alike.

    Raises:
        RuntimeError: when an order does not complete, or the two differ.
    """
    SCRIPTS.mkdir(exist_ok=True)
    async with watched_stack() as (stack, proxies):
        for name in ORDERS:
            scripts = [await _recorded(Gateway(stack), proxies, name) for _ in range(2)]
            first, second = ([(call.key, call.path, call.uses) for call in each.calls()] for each in scripts)
            if first != second:
                raise RuntimeError(f"{name}: two orders did not call the systems alike")
            (SCRIPTS / f"{name}.json").write_text(dumps(scripts[1]))
            print(f"{name}: {len(list(scripts[1].units()))} workflows, {len(list(scripts[1].calls()))} calls")


async def _recorded(gateway: Gateway, proxies: Proxies, name: str) -> Unit:
    proxies.forget()
    customer = new_customer()
    order_id = await gateway.place(example(name, customer))
    await gateway.succeeded(order_id)
    return script_of(order_id, customer, await gateway.plan(order_id), proxies.seen())


if __name__ == "__main__":
    uvloop.run(record())
    sys.stdout.flush()
