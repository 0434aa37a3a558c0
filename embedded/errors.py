"""The one base of what keeps the embedded stack from running."""

from console.errors import CommandError


class StackError(CommandError):
    """The stack cannot be started or kept; the message says why, and what helps."""
