"""The one base of what keeps the embedded stack from running."""


class StackError(Exception):
    """The stack cannot be started or kept; the message says why, and what helps."""
