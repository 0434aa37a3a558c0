"""YAML files read with the place of every value, so that a fault can name its line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean
from ruamel.yaml.scalarfloat import ScalarFloat
from ruamel.yaml.scalarint import ScalarInt

from catalogs.model.faults import Fault, Loc, dotted


@dataclass(frozen=True)
class Source:
    """Where a part of a catalog was written: its file, its node there, and the path to it."""

    file: str
    node: Any
    path: tuple[str | int, ...] = ()
    line: int = 1

    def at(self, *loc: str | int) -> Source:
        """Return the source of a part, or of the nearest part around it that was written."""
        here = self
        for part in loc:
            here = Source(here.file, _child(here.node, part), (*here.path, part), _line(here.node, part, here.line))
        return here

    def fault(self, loc: Loc, message: str) -> Fault:
        place = self.at(*loc)
        return Fault(place.file, place.line, dotted(place.path), message)


def read_yaml(path: Path, name: str) -> tuple[Source | None, list[Fault]]:
    """Return the content of a file as a source, or the faults that keep it from being read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [Fault(name, 1, "", f"cannot be read: {error}")]
    try:
        node = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [Fault(name, mark.line + 1 if mark else 1, "", f"not YAML: {error.problem or error.context}")]
    except (YAMLError, ValueError) as error:
        return None, [Fault(name, 1, "", f"not YAML: {str(error).splitlines()[0]}")]
    if not isinstance(node, CommentedMap):
        return None, [Fault(name, 1, "", "a catalog file is a mapping of sections such as productOffering")]
    return Source(name, node), []


def plain(node: Any) -> Any:
    """Return a YAML node as plain Python values, aliases and merged mappings resolved."""
    if isinstance(node, CommentedMap):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [plain(value) for value in node]
    return _scalar(node)


def _scalar(node: Any) -> Any:
    if isinstance(node, ScalarBoolean):
        return bool(node)
    if isinstance(node, ScalarInt):
        return int(node)
    if isinstance(node, ScalarFloat):
        return float(node)
    if isinstance(node, date):
        return node.isoformat()
    return str(node) if isinstance(node, str) else node


def _child(node: Any, part: str | int) -> Any:
    if isinstance(node, CommentedMap):
        return node.get(part)
    if isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _line(node: Any, part: str | int, around: int) -> int:
    """Return the line of a part; lines of merged keys and of parts that were not written are those around them."""
    data = getattr(getattr(node, "lc", None), "data", None)
    if isinstance(data, dict) and part in data:
        return int(data[part][0]) + 1
    return around
