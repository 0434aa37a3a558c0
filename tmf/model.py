"""The base of every typed value: camelCase in JSON, snake_case in Python."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A value of our own making, which other releases read too: what they do not know of it they ignore."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        extra="ignore",
    )


class StrictModel(Model):
    """A value of our own making that people or clients write: an unknown field is a mistake of theirs."""

    model_config = ConfigDict(extra="forbid")


class Resource(BaseModel):
    """A value that came from outside in a TM Forum shape; unknown attributes are kept and given back."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        extra="allow",
    )
