"""What a command says when it cannot do what was asked."""


class CommandError(Exception):
    """The command cannot do what was asked; the message is a sentence for a person."""


class UnreachableError(CommandError):
    """Nothing answers where an answer is needed, or not in time."""
