"""The dates that a system writes on what it keeps: since when there is it, and from when to when it is in service."""

from dataclasses import dataclass

from systems.common.clock import timestamp
from tmf.bodies import Document


@dataclass(frozen=True)
class Dates:
    """The attributes that hold them, as the standard calls them, and the one that holds the ``state``."""

    begun: str
    ended: str | None = None
    made: str | None = None
    state: str = "state"

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that there are."""
        return tuple(name for name in (self.made, self.begun, self.ended) if name)

    def written(self, before: Document | None, after: Document) -> Document:
        """``after`` with the dates of the step from ``before``, where it does not say them itself.

        An end that is taken back is forgotten.
        """
        was, now, moment = (before or {}).get(self.state), after.get(self.state), timestamp()
        step = {
            self.made: before is None,
            self.begun: now == "active" != was,
            self.ended: now == "terminated" != was,
        }
        dates = {name: moment for name, taken in step.items() if name and taken}
        document = dates | {name: value for name, value in after.items() if value is not None or name not in dates}
        taken_back = (was, now) == ("terminated", "active")
        if self.ended and taken_back and (before or {}).get(self.ended) == after.get(self.ended):
            document.pop(self.ended, None)
        return document
