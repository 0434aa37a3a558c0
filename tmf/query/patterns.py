"""Patterns of `.regex` filters: a dialect that no engine here takes long for, whatever the pattern and the text.

A pattern is looked for anywhere in a text. It is made of characters, `.`, classes as in `[^a-z0-9]`, `\\d`, `\\w`,
`\\s` (of ASCII) and their opposites, `^` and `$`, groups, `|`, and the quantifiers `*`, `+`, `?`, `{2}`, `{2,}`,
`{2,5}`. There are no back references and no looking around: what is left runs as an automaton, in Rust's engine, which
pydantic-core has, and in PostgreSQL's alike. Both are given it in a form that means the same to them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_PATTERN = 200
"""Characters of the longest pattern."""

MAX_TEXT = 4096
"""Characters of a text in which a pattern is looked for: the first, as if the text ended there."""

_MAX_REPEATS = 100
_MAX_PLACES = 250
"""How many characters and classes a pattern has when its repeats are written out: what it takes is in proportion."""
_MAX_DEPTH = 20
_LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}

_Ranges = tuple[tuple[int, int], ...]
"""A set of characters: the first and last code point of each stretch, in order."""

_CLASSES: dict[str, _Ranges] = {
    "d": ((0x30, 0x39),),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "s": ((0x09, 0x0D), (0x20, 0x20)),
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}


class PatternError(ValueError):
    """A pattern that is not of the dialect; the message says where and why."""


class Pattern:
    """A pattern that has been read.

    Pattern("^CRM-[0-9]+$").search("CRM-17")  # True
    """

    def __init__(self, text: str) -> None:
        """Read a pattern.

        Raises:
            PatternError: when it is not of the dialect, or too large.
        """
        if len(text) > MAX_PATTERN:
            raise PatternError(f"is longer than {MAX_PATTERN} characters")
        self._written = _Reader(text).read().written
        try:
            schema = core_schema.str_schema(pattern=f"(?s:{self._written})", regex_engine="rust-regex")
            self._validator = SchemaValidator(schema)
        except SchemaError as error:
            raise PatternError(_TOO_LARGE) from error

    def search(self, text: str) -> bool:
        """Return whether the pattern is found anywhere in the first MAX_TEXT characters of `text`."""
        return self._validator.isinstance_python(text[:MAX_TEXT])

    def postgresql(self) -> str:
        """Return the pattern as PostgreSQL writes it, with the same meaning under any collation."""
        return f"(?:{self._written})"


_TOO_LARGE = f"repeats too much: written out it has more than {_MAX_PLACES} characters and classes"


@lru_cache(maxsize=64)
def pattern(text: str) -> Pattern:
    """Return a pattern, read once.

    Raises:
        PatternError: as `Pattern`.
    """
    return Pattern(text)


@dataclass(frozen=True)
class _Part:
    """A part of a pattern, as both engines write it."""

    written: str
    places: int
    """How many characters and classes it has when its repeats are written out."""
    has_length: bool = True

    def __post_init__(self) -> None:
        if self.places > _MAX_PLACES:
            raise PatternError(_TOO_LARGE)


def _sequence_of(parts: Sequence[_Part]) -> _Part:
    return _Part("".join(each.written for each in parts) or "(?:)", sum(each.places for each in parts))


def _choice_of(parts: Sequence[_Part]) -> _Part:
    return _Part(f"(?:{'|'.join(each.written for each in parts)})", sum(each.places for each in parts))


def _repeated(part: _Part, least: int, most: int | None) -> _Part:
    counts = f"{least},{'' if most is None else most}"
    return _Part(f"(?:{part.written}){{{counts}}}", part.places * max(least, most or 1, 1))


def _characters(ranges: _Ranges) -> _Part:
    return _Part("[" + "".join(f"{_escaped(first)}-{_escaped(last)}" for first, last in _known(ranges)) + "]", 1)


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def read(self) -> _Part:
        tree = self._choice(0)
        if self._at < len(self._text):
            raise self._fault("closes a group that is not open")
        return tree

    def _choice(self, depth: int) -> _Part:
        if depth > _MAX_DEPTH:
            raise self._fault("nests too deeply")
        parts = [self._sequence(depth)]
        while self._took("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else _choice_of(parts)

    def _sequence(self, depth: int) -> _Part:
        parts: list[_Part] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._quantified(depth))
        return _sequence_of(parts)

    def _quantified(self, depth: int) -> _Part:
        part = self._atom(depth)
        counts = self._quantifier()
        if counts is None:
            return part
        if not part.has_length:
            raise self._fault("repeats what has no length")
        if self._quantifier() is not None:
            raise self._fault("is a quantifier of a quantifier")
        return _repeated(part, *counts)

    def _quantifier(self) -> tuple[int, int | None] | None:
        if self._at == len(self._text):
            return None
        if (sign := self._text[self._at]) in _QUANTIFIERS:
            self._at += 1
            return _QUANTIFIERS[sign]
        return self._counts() if self._took("{") else None

    def _counts(self) -> tuple[int, int | None]:
        inside, closed, _ = self._text[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        if not comma:
            most = least
        if not closed or not re.fullmatch("[0-9]{1,4}", least) or not re.fullmatch("[0-9]{0,4}", most):
            raise self._fault("is not a count such as {2}, {2,} or {2,5}")
        low, high = int(least), int(most) if most else None
        if max(low, high or 0) > _MAX_REPEATS or (high is not None and high < low):
            raise self._fault(f"counts must rise, and be at most {_MAX_REPEATS}")
        self._at += len(inside) + 1
        return low, high

    def _atom(self, depth: int) -> _Part:
        sign = self._next()
        match sign:
            case "(":
                return self._group(depth)
            case "[":
                return _characters(self._class())
            case ".":
                return _Part(".", 1)
            case "^" | "$":
                return _Part(sign, 0, has_length=False)
            case "\\":
                return _characters(self._escape())
            case "*" | "+" | "?" | "{":
                raise self._fault("is a quantifier of nothing")
        return _characters(_single(sign))

    def _group(self, depth: int) -> _Part:
        if self._took("?") and not self._took(":"):
            raise self._fault("is a kind of group that is not supported: only (…) and (?:…) are")
        part = self._choice(depth + 1)
        if not self._took(")"):
            raise self._fault("a group is not closed")
        return part

    def _escape(self) -> _Ranges:
        sign = self._next("ends in a backslash")
        if sign.lower() in _CLASSES:
            ranges = _CLASSES[sign.lower()]
            return ranges if sign.islower() else _others(ranges)
        if sign in _CONTROLS:
            return _single(_CONTROLS[sign])
        if sign.isascii() and sign.isalnum():
            raise self._fault(f"\\{sign} is not supported")
        return _single(sign)

    def _class(self) -> _Ranges:
        negated = self._took("^")
        found: list[tuple[int, int]] = []
        while not found or not self._took("]"):
            first = self._member()
            if self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                last = self._member()
                if len(first) > 1 or len(last) > 1 or first[0][0] != first[0][1] or last[0][0] < first[0][0]:
                    raise self._fault("is not a range such as a-z")
                found.append((first[0][0], last[0][1]))
            else:
                found += first
        ranges = _others(_joined(found)) if negated else _joined(found)
        if not _known(ranges):
            raise self._fault("is a class without any character")
        return ranges

    def _member(self) -> _Ranges:
        sign = self._next("a class is not closed")
        if sign == "[" and self._text[self._at : self._at + 1] in (":", ".", "="):
            raise self._fault("is a kind of class that is not supported")
        return self._escape() if sign == "\\" else _single(sign)

    def _next(self, otherwise: str = "") -> str:
        if self._at == len(self._text):
            raise self._fault(otherwise)
        self._at += 1
        return self._text[self._at - 1]

    def _took(self, sign: str) -> bool:
        taken = self._text.startswith(sign, self._at)
        self._at += taken
        return taken

    def _fault(self, message: str) -> PatternError:
        return PatternError(f"is no pattern that is taken here: at character {self._at}, it {message}")


def _single(character: str) -> _Ranges:
    return ((ord(character), ord(character)),)


def _joined(ranges: list[tuple[int, int]]) -> _Ranges:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def _others(ranges: _Ranges) -> _Ranges:
    found, begin = [], 0
    for first, last in ranges:
        if begin < first:
            found.append((begin, first - 1))
        begin = last + 1
    if begin <= _LAST:
        found.append((begin, _LAST))
    return tuple(found)


def _known(ranges: _Ranges) -> list[tuple[int, int]]:
    """Return the ranges without what is no character to one of the engines, and in no text that they are given."""
    first_none, last_none = _SURROGATES
    known = []
    for first, last in ranges:
        first = last_none + 1 if first_none <= first <= last_none else max(first, 1)
        last = first_none - 1 if first_none <= last <= last_none else last
        if first <= last:
            known.append((first, last))
    return known


def _escaped(code: int) -> str:
    return f"\\U{code:08X}"
