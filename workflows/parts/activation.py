"""Activation of services and resources in the network: asked for, and waited for by callback or by its monitor."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import FailureError

from activities.activation import (
    ActivationActivities,
    ActivationAnswer,
    ActivationRequest,
    AwaitedCompletion,
    Operation,
)
from orders.plan.outcome import Failure
from orders.plan.parts import Activation, Step
from orders.plan.policy import Policy
from workflows.contracts import policies
from workflows.contracts.payloads import SystemEvent
from workflows.failures import order_failed
from workflows.parts.callbacks import Callbacks
from workflows.parts.steps import Stepped, Steps
from workflows.runtime.calls import Call
from workflows.runtime.context import OrderContext
from workflows.runtime.unclear import is_unclear
from workflows.runtime.waiting import wait_until
from workflows.saga.saga import carried_out

_CALLBACK_PATIENCE = timedelta(minutes=1)
"""How long a callback alone is waited for; then the monitor is asked, so that a lost callback holds up nothing."""


_BY_THE_STATE = "callbacks-end-by-their-state"


class Activations:
    """Sets up, changes and tears down in the network for one order."""

    def __init__(self, context: OrderContext, steps: Steps) -> None:
        self._context = context
        self._steps = steps
        self._callbacks = Callbacks()
        self._failed_undos: Counter[str] = Counter()
        """Key of an undo → how many of its requests were accepted, and are known to have failed then."""

    def called_back(self, event: SystemEvent) -> None:
        """Take note of what a system says of a request that it had accepted."""
        self._callbacks.take(event)

    async def activate(
        self, item: Stepped, step: Step, request: ActivationRequest, activation: Activation, what: str
    ) -> None:
        """Set up, change or tear down in the network, and wait until that is complete."""
        callback = activation.completion == "callback"
        call = self._call(request.model_copy(update={"callback": callback}), item.policy, what)
        accepted = 0

        async def once() -> None:
            nonlocal accepted
            # A system keeps what it answered to a key: what it accepted and then failed at is asked for under another.
            again = {"key": f"{request.key}/{accepted + 1}"} if accepted else {}
            asked = call.asking(call.request.model_copy(update=again))
            answer = await self._context.calls.effect(asked)
            if answer.monitor:
                accepted += 1
                completed = self._completed(asked, answer.monitor, callback=callback)
                with self._context.calls.unclear.noting(asked.request.key, asked.policy):
                    await carried_out(asyncio.create_task(completed), cancellable=False)

        await self._steps.take(item, step, once, call.summary, system=policies.ACTIVATION)

    async def undo(self, request: ActivationRequest, policy: Policy, what: str, *, undoes: tuple[str, ...]) -> None:
        """Undo an activation, a change or a tear-down (those of these keys), and wait until that is complete."""
        failed = self._failed_undos[request.key]
        # As a step that is tried again: what was accepted and then failed is asked for under another key.
        again = {"key": f"{request.key}/{failed + 1}"} if failed else {}
        call = self._call(request.model_copy(update={"undo": True, **again}), policy, what)
        call = replace(call, summary=f"undo: {call.summary}", undoes=undoes)

        async def completed(answer: ActivationAnswer) -> None:
            if not answer.monitor:
                return
            try:
                await self._completed(call, answer.monitor, callback=False)
            except FailureError as error:
                # Where its end is not known, it may still be under way: that is asked by the same key.
                self._failed_undos[request.key] += not is_unclear(error)
                raise

        await self._context.calls.undo(call, completed)

    def _call(self, request: ActivationRequest, policy: Policy, what: str) -> Call[ActivationRequest, ActivationAnswer]:
        summary = f"{_VERBS[request.operation]} {what}"
        return Call(policies.ACTIVATION, ActivationActivities.activate, request, policy, summary)

    async def _completed(
        self, asked: Call[ActivationRequest, ActivationAnswer], monitor: str, *, callback: bool
    ) -> None:
        patience = min(_CALLBACK_PATIENCE, asked.policy.completion_timeout)
        if callback and await self._called_back(asked.request, patience, asked.summary):
            return
        awaited = AwaitedCompletion(target=asked.request.target, monitor=monitor)
        look = Call(
            policies.ACTIVATION,
            ActivationActivities.await_completion,
            awaited,
            asked.policy,
            f"await: {asked.summary}",
        )
        allowance = policies.completion_allowance(asked.policy)
        await self._context.calls.on_queue(look, policies.completion(asked.policy), allowance)

    async def _called_back(self, request: ActivationRequest, patience: timedelta, summary: str) -> bool:
        """Return whether the system called back in time that it is done; on the way there it may say more.

        Raises:
            ApplicationError: when it called back to say that it failed.
        """
        what = f"callback: {summary}"
        self._context.tracker.waits(what)
        any_word_counts = not workflow.patched(_BY_THE_STATE)

        def end() -> SystemEvent | None:
            if any_word_counts:
                return self._callbacks.last(request.key)
            return self._callbacks.end(request.key, request.operation)

        called = await wait_until(lambda: end() is not None, patience, what)
        self._context.tracker.waits()
        event = end()
        if not called or event is None:
            return False
        if not event.succeeded:
            raise order_failed(Failure(code="activationFailed", message=f"{summary}: {event.message}"))
        return True


_VERBS: dict[Operation, Literal["activate", "change", "deactivate"]] = {
    Operation.ACTIVATE: "activate",
    Operation.MODIFY: "change",
    Operation.DEACTIVATE: "deactivate",
}
