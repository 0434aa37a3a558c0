"""Resources that all TM Forum APIs share: what may be extended, references, parties and places."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from tmf.model import Resource


class Extensible(Resource):
    """An object that may be a kind of its own, with attributes beyond those named here."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str | None = Field(default=None, alias="@type")
    """The kind of this object, where it is a more special one."""
    base_type: str | None = Field(default=None, alias="@baseType")
    """The kind that it specialises."""
    schema_location: str | None = Field(default=None, alias="@schemaLocation")
    """Where the schema of its own attributes can be read."""


class Referring(Extensible):
    """An object that may stand for something kept elsewhere."""

    referred_type: str | None = Field(default=None, alias="@referredType")
    """The kind of what is referred to."""


class Reference(Referring):
    """A reference to something kept elsewhere."""

    id: str
    href: str | None = None
    """Its address."""
    name: str | None = None


class RelatedParty(Reference):
    """A party that has to do with something; of an order, the one with the role `customer` is whom it is for."""

    role: str | None = None
    """What the party has to do with it."""


class RelatedPlace(Referring):
    """A place, as a reference or with its own attributes."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    role: str | None = None
    """What the place is for, such as `installation`."""
