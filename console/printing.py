"""What commands print: a sentence, or a document as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table


def print_json(console: Console, document: object) -> None:
    """Print a document as JSON: coloured in a terminal, plain elsewhere."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if console.is_terminal:
        console.print_json(text)
    else:
        console.print(text, soft_wrap=True)


def say(document: object, sentence: str, console: Console, as_json: bool) -> None:
    """Print what came of a command: in one sentence, or the document as JSON."""
    if as_json:
        print_json(console, document)
    else:
        console.print(sentence, soft_wrap=True)


def print_list(
    documents: Sequence[object], table: Callable[[], Table], what: str, console: Console, as_json: bool
) -> None:
    """Print what was found: as a table, in a sentence where it is nothing, or as JSON."""
    if as_json:
        print_json(console, documents)
    else:
        console.print(table() if documents else f"no {what}")
