"""Conditions and mappings of the catalogs: CEL, compiled once, of bounded cost.

Variables that are known when an order is decomposed:

- `order` (id, externalId, category, description, priority), `customer` (id, name)
- `item` (id, action, quantity, offering, instance), `product` (its characteristics, those without a value null)
- `place` (id, name, role; null where the item has none)
- `service` (the characteristics of the service that has the requirement), `index` (1 to `count`)

Variables that are known only when the order runs; an expression that uses one of them is *late*:

- `assigned` (resource key → id, value and its characteristics), `services` (name → characteristics)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import cel
from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

MAX_LENGTH = 1000
MAX_COMPREHENSIONS = 2
"""Each comprehension walks a list inside the other's walk, so their number bounds the cost."""

EARLY_VARIABLES = frozenset({"order", "item", "product", "place", "customer", "service", "index"})
LATE_VARIABLES = frozenset({"assigned", "services"})

_FLOAT = re.compile(r"\bfloat\b")
"""What the library calls a decimal number, and CEL a double."""
_STRING = re.compile(r"""[rRbB]{0,2}('''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""", re.DOTALL)
_COMPREHENSION = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_STEP = r"(?:\.([A-Za-z_]\w*)|\[\s*(?:'([^'\\]*)'|\"([^\"\\]*)\")\s*\])"
_PATH = re.compile(rf"(?<![\w.])([A-Za-z_]\w*){_STEP}(?:{_STEP})?")
_INDEXED = re.compile(r"[\w\])]\[\s*$")
_FUNCTIONS = frozenset(
    {
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "type",
        "dyn",
        "duration",
        "timestamp",
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
    }
)
_JSON_TYPES = (str, int, float, bool, list, dict, type(None))


class ExpressionError(ValueError):
    """An expression cannot be compiled, or cannot be evaluated with the values it was given."""


class Expression:
    """A compiled CEL expression: `Expression("product.speed > 500 ? 'xgs' : 'gpon'").evaluate({"product": {...}})`.

    Raises:
        ExpressionError: for a syntax error, an unknown function, or one that could cost too much.
    """

    __slots__ = ("_program", "reads", "tests_presence", "text", "variables")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"the expression has {len(text)} characters; at most {MAX_LENGTH} are allowed")
        bare = _STRING.sub("''", text)
        bound = _COMPREHENSION.findall(bare)
        if len(bound) > MAX_COMPREHENSIONS:
            raise ExpressionError(f"more than {MAX_COMPREHENSIONS} of map, filter, all and exists in one expression")
        try:
            self._program = cel.compile(text)
        except ValueError as error:
            raise ExpressionError(_syntax(text, str(error))) from None
        self.text = text
        self.variables = frozenset(self._program.variables()) - set(bound)
        """Names of the variables it reads."""
        self.reads = frozenset(_paths(text, self.variables))
        """What it reads of each variable: (`services`, `session`, `vlan`); the last None where all may be read."""
        self.tests_presence = re.search(r"\bhas\s*\(", bare) is not None
        """Whether it asks with `has()` for what is there."""
        unknown = [name for name in self._program.functions() if name[0].isalpha() and name not in _FUNCTIONS]
        if unknown:
            raise ExpressionError(f"unknown function {', '.join(unknown)} in {text!r}")

    @property
    def is_late(self) -> bool:
        """Whether it can be evaluated only when the order runs."""
        return not self.variables.isdisjoint(LATE_VARIABLES)

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Return its value, a JSON value, with those of `variables` that it reads.

        Raises:
            ExpressionError: when a name is missing, types do not fit, or the value is none that JSON has.
        """
        try:
            value = self._program.execute({name: variables[name] for name in self.variables if name in variables})
        except (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError, IndexError) as error:
            raise ExpressionError(f"{self.text!r}: {_explain(error)}") from None
        if not isinstance(value, _JSON_TYPES):
            raise ExpressionError(f"{self.text!r} gives what JSON has no form for")
        return value

    def __reduce__(self) -> tuple[Callable[[str], Expression], tuple[str]]:
        # The compiled form stays in its process.
        return compiled, (self.text,)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _from_yaml, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def compiled(text: str) -> Expression:
    """Return the expression of `text`, compiled at most once."""
    return Expression(text)


def evaluate_late(
    late: Mapping[str, str], assigned: Mapping[str, Mapping[str, Any]], services: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the values of late expressions by name; a null leaves its name out.

    Args:
        late: name → CEL text, as a plan has it.
        assigned: resource key → `id`, `value` and the resource's characteristics.
        services: name as the catalog writes it → characteristics of that service.

    Raises:
        ExpressionError: naming the characteristic and what is missing for it.
    """
    values: dict[str, Any] = {}
    for name, text in late.items():
        try:
            value = compiled(text).evaluate({"assigned": assigned, "services": services})
        except ExpressionError as error:
            raise ExpressionError(f"characteristic {name!r}: {error}") from None
        if value is not None:
            values[name] = value
    return values


def _from_yaml(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, str):
        return compiled(str(value))
    if isinstance(value, bool | int | float) or value is None:
        return compiled(json.dumps(value))
    raise ExpressionError("an expression is a text in CEL, a number or a truth value")


def _paths(text: str, variables: frozenset[str]) -> Iterator[tuple[str, str, str | None]]:
    for found in _PATH.finditer(_STRING.sub(_keep_index, text)):
        variable, *steps = found.groups()
        if variable in variables:
            first, second = (next((step for step in part if step is not None), None) for part in (steps[:3], steps[3:]))
            yield variable, str(first), second


def _keep_index(literal: re.Match[str]) -> str:
    return literal[0] if _INDEXED.search(literal.string[: literal.start()]) else "''"


def _syntax(text: str, message: str) -> str:
    found = re.search(r"ERROR: <input>:(\d+):(\d+): (.*)", message)
    if found is None:
        return f"{text!r} is not an expression: {message.splitlines()[0]}"
    return f"{text!r} is not an expression: {found[3].split(' expecting ')[0]} at character {found[2]}"


def _explain(error: Exception) -> str:
    words = str(error.args[0]) if error.args else str(error)
    if isinstance(error, KeyError):
        return f"there is no {words!r} in what it reads"
    if isinstance(error, TypeError):
        return (
            f"{_FLOAT.sub('double', words.split('. ')[0])}. CEL never mixes types: write double(x) or int(x) around "
            "one side where whole and decimal numbers meet, string(x) to join a text, and test for null before you "
            "calculate"
        )
    undefined = re.match(r"Undefined variable or function: '(\w+)'", words)
    if undefined and undefined[1] in _FUNCTIONS:
        return f"{undefined[1]}() is not for a value of this type; test for null before you call it"
    return words.split(". Check that")[0]
