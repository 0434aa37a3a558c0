"""The base of what a command says when it cannot do what was asked."""


class CommandError(Exception):
    """The command cannot do what was asked; the message is a sentence for a person."""
