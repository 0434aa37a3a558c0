"""The values that a step gives when people have done it: their names, types and rules."""

from __future__ import annotations

from tmf.model import Resource


class WantedValue(Resource):
    """A value that is asked of people; beside these, it has the rules of the catalog's characteristic."""

    name: str
    value_type: str = "string"
    mandatory: bool = False
    description: str | None = None

    def in_words(self) -> str:
        """Return its name, its type, and whether it must be there: `technician (string, mandatory)`."""
        return f"{self.name} ({self.value_type}{', mandatory' if self.mandatory else ''})"


RECORDED = [WantedValue(name="id", mandatory=True, description="The id in inventory of what was recorded.")]
"""What a person gives who has recorded a service or product."""

RESERVED = [
    WantedValue(name="id", mandatory=True, description="The resource's id in inventory."),
    WantedValue(name="value", description="What it is known by, such as a number."),
    WantedValue(name="name"),
    WantedValue(name="characteristics", value_type="object", description="Its characteristics, by their names."),
    WantedValue(name="reservedBy", description="The key of the reservation that holds it."),
]
"""What a person gives who has reserved a resource."""
