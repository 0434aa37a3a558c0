"""The `assurance` block: what is done by itself when a service of a specification has failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from catalogs.model.durations import Duration
from tmf.model import StrictModel

LONGEST_PERIOD = timedelta(days=30)


class AssurancePolicy(StrictModel):
    """First repair or replacement; how often in a period before people are asked; which resources are exchanged."""

    action: Literal["none", "repair", "replace"]
    replaces: list[str] = Field(default_factory=list)
    """Keys of the resources that give way to new ones when it is replaced: after a repair that failed, or at once."""
    attempts: int = Field(default=3, ge=1, le=100)
    period: Duration = Field(default=timedelta(days=1), gt=timedelta(), le=LONGEST_PERIOD)

    @model_validator(mode="after")
    def _says_what_it_replaces(self) -> AssurancePolicy:
        if self.action == "replace" and not self.replaces:
            raise ValueError("says nothing of what is replaced: name the keys of resources in replaces")
        return self


def _from_a_word(value: Any) -> Any:
    return {"action": value} if isinstance(value, str) else value


AssuranceBlock = Annotated[AssurancePolicy, BeforeValidator(_from_a_word)]
"""A policy, or its action alone: `assurance: repair`."""
