"""Assurance: what active services have failed is mended by service orders, made here; a few at most, then by people.

A failure is kept before its event is answered. What is ordered follows the catalog's policy: repair, or replace; what
a repair did not mend is replaced where the policy says how; after that, or after too many in a period, people are
asked. Each is an ordinary service order, so it waits for others that hold the service.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from api.engine import Engine
from api.schemas.kinds import CREATES
from api.sweeps.recovery import NO_RECOVERY, RecoveryMode
from api.sweeps.starter import Starter
from api.sweeps.sweep import Backlog, NotYetError, Pace, run_sweep
from application.assurance import AUTHOR, FailedService, assurance_order, failed_service, works
from application.http import DownstreamError, DownstreamSystem
from catalogs.model.assurance import LONGEST_PERIOD, AssurancePolicy
from catalogs.model.catalog_set import CatalogSet
from orders.intake import accept, check_order, derived_id, fingerprint
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from orders.model.assurance import AssuranceAction
from orders.model.order_ids import root_id, root_kind
from store.errors import DeletedOrderError, IdempotencyConflictError
from store.failures import Allowance, Failure, FailureStore, OpenFailure, Outcome
from store.orders import AcceptedOrder, OrderStore
from store.setbacks import Setbacks, Tried, Work
from tmf.instants import timestamp

NAME = "assurance"
_RETENTION = 2 * LONGEST_PERIOD
_MENDED = {
    AssuranceAction.REPAIR: Outcome.REPAIRED,
    AssuranceAction.REPLACE: Outcome.REPLACED,
    AssuranceAction.MANUAL: Outcome.SETTLED,
}
_DROPPED = {OrderState.REJECTED: Outcome.REJECTED, OrderState.CANCELLED: Outcome.CANCELLED}

_log = structlog.get_logger(__name__)


class AssuranceSweep:
    """Sees to failures of services, by orders."""

    def __init__(
        self,
        failures: FailureStore,
        orders: OrderStore,
        setbacks: Setbacks,
        engine: Engine,
        starter: Starter,
        catalogs: CatalogSet,
        inventory: DownstreamSystem,
        activation: DownstreamSystem,
        recovery: RecoveryMode = NO_RECOVERY,
    ) -> None:
        self._failures = failures
        self._orders = orders
        self._starter = starter
        self._catalogs = catalogs
        self._inventory = inventory
        self._activation = activation
        self._backlog = Backlog(Work.ASSURANCE, failures.to_see_to, self._see_to, _tried, engine, setbacks, recovery)
        self._news = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._forgetting = Pace(timedelta(hours=1))

    async def report(self, failure: Failure) -> None:
        """Keep what a system said of a service that has failed, and see to it soon; a repeat changes nothing.

        Raises:
            StoreUnavailableError: when the order store does not serve; nothing is kept then.
        """
        new = await self._failures.report(failure)
        _log.warning(
            "service has failed" if new else "failure told again",
            event_id=failure.id,
            service=failure.service_id,
            reason=failure.reason,
        )
        self._news.set()

    async def sweep(self) -> int:
        """See to each failure that something is to be done about now; return how many could be.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        if self._forgetting.is_due():
            await self._failures.forget(datetime.now(UTC) - _RETENTION)
        async with self._one_at_a_time:
            return await self._backlog.sweep()

    async def run(self) -> None:
        """Sweep whenever a failure is reported, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            await run_sweep(NAME, self.sweep)

    async def _see_to(self, seen: OpenFailure) -> None:
        try:
            await self._next(seen)
        except DownstreamError as error:
            raise NotYetError(error.message) from error

    async def _next(self, seen: OpenFailure) -> None:
        if seen.order_state is None:
            await self._first(seen)
        elif seen.action and seen.order_state is OrderState.COMPLETED:
            await self._end(seen, _MENDED[seen.action], "service mended")
        elif seen.order_state in _DROPPED:
            await self._end(seen, _DROPPED[seen.order_state], "order about a failed service did not run")
        elif seen.action is AssuranceAction.MANUAL:
            await self._end(seen, Outcome.FAILED, "service not mended, by people neither")
        else:
            await self._escalate(seen)

    async def _first(self, seen: OpenFailure) -> None:
        """Order what the policy says first; or make the order that was noted, and for a crash was not made."""
        failed = await failed_service(self._inventory, seen.failure.service_id)
        if failed is None:
            await self._end(seen, Outcome.NOTED, "inventory has no such active service: nothing is done")
            return
        policy = self._policy(failed)
        if policy is None or policy.action == "none":
            await self._end(seen, Outcome.NOTED, "the catalog has no assurance for it: nothing is done")
        elif await self._is_covered(seen):
            await self._end(seen, Outcome.COVERED, "an order about another failure of it has seen to it")
        elif seen.action and seen.order_id:
            await self._make(seen.failure, failed, seen.action, seen.order_id)
        elif maker := await self._running_maker(failed):
            raise NotYetError(f"order {maker}, which has made the service and may undo it, still runs")
        else:
            await self._order(seen, failed, policy, AssuranceAction(policy.action))

    async def _escalate(self, seen: OpenFailure) -> None:
        failed = await failed_service(self._inventory, seen.failure.service_id)
        policy = self._policy(failed) if failed else None
        if failed is None or policy is None:
            await self._end(seen, Outcome.FAILED, "service not mended, and not active any more")
            return
        repaired_in_vain = seen.action is AssuranceAction.REPAIR and policy.replaces
        action = AssuranceAction.REPLACE if repaired_in_vain else AssuranceAction.MANUAL
        await self._order(seen, failed, policy, action)

    async def _running_maker(self, failed: FailedService) -> str | None:
        """Return the order that has made a service, while it runs: it holds no lock of what it makes."""
        for order_id in {root_id(each.service_order_id or "") for each in failed.service.service_order_item}:
            order = await self._orders.get(root_kind(order_id), order_id, ("state",))
            if order and order["state"] not in TERMINAL:
                return order_id
        return None

    async def _is_covered(self, seen: OpenFailure) -> bool:
        """Return whether what was done about another failure since has seen to this one: the network has the word."""
        if seen.since in (Outcome.REPAIRED, Outcome.REPLACED, Outcome.SETTLED):
            return await works(self._activation, seen.failure.service_id)
        return seen.since is not None

    async def _order(
        self, seen: OpenFailure, failed: FailedService, policy: AssurancePolicy, action: AssuranceAction
    ) -> None:
        allowance = Allowance(policy.attempts, policy.period)
        noted = await self._failures.order(seen, action, allowance, lambda chosen: _order_id(seen.failure, chosen))
        if noted is None or noted.action is None or noted.order_id is None:
            return
        if noted.action is not action:
            _log.error(
                "service fails again and again: people are asked",
                service=failed.service.id,
                orders=policy.attempts,
                period=str(policy.period),
            )
        await self._make(seen.failure, failed, noted.action, noted.order_id)

    async def _make(self, failure: Failure, failed: FailedService, action: AssuranceAction, order_id: str) -> None:
        kind = OrderKind.SERVICE
        body = assurance_order(failed, action, failure.id, failure.reason, timestamp(failure.at))
        checked = check_order(kind, body, CREATES[kind])
        document = accept(checked, order_id, datetime.now(UTC), kind)
        try:
            document, new = await self._orders.accept(
                AcceptedOrder(kind, order_id, document, AUTHOR, fingerprint(checked))
            )
        except DeletedOrderError:
            await self._failures.end(failure.id, Outcome.CANCELLED)
        except IdempotencyConflictError:
            _log.info("the order is there, made of other values", order=order_id)
        else:
            _log.info("order accepted", order=order_id, service=failed.service.id, does=action.value)
            if new:
                await self._starter.start(order_id, document)

    async def _end(self, seen: OpenFailure, outcome: Outcome, said: str) -> None:
        await self._failures.end(seen.failure.id, outcome)
        log = _log.error if outcome is Outcome.FAILED else _log.info
        log(said, event_id=seen.failure.id, service=seen.failure.service_id, order=seen.order_id, outcome=outcome.value)

    def _policy(self, failed: FailedService) -> AssurancePolicy | None:
        specification = self._catalogs.services.get(failed.specification_id)
        return specification.fulfilment.assurance if specification else None


def _order_id(failure: Failure, action: AssuranceAction) -> str:
    return derived_id(AUTHOR, NAME, f"{failure.id}/{action.value}", OrderKind.SERVICE)


def _tried(seen: OpenFailure) -> Tried:
    return Tried(Work.ASSURANCE, seen.failure.id, f"see to failed service {seen.failure.service_id}", seen.order_id)
