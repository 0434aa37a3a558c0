"""Patterns of `.regex` filters: a dialect that costs the same time a character, whatever the pattern and the text.

A pattern is looked for anywhere in a text. It is made of characters, `.`, classes as in `[^a-z0-9]`, `\\d`, `\\w`,
`\\s` (of ASCII) and their opposites, `^` and `$`, groups, `|`, and the quantifiers `*`, `+`, `?`, `{2}`, `{2,}`,
`{2,5}`. There are no back references and no looking around: what is left runs as an automaton, here and in PostgreSQL
alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

MAX_PATTERN = 200
"""Characters of the longest pattern."""

_MAX_REPEATS = 100
_MAX_STATES = 2000
_MAX_DEPTH = 20
_MAX_CACHED_STEPS = 10_000
_LAST = 0x10FFFF
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}

_Ranges = tuple[tuple[int, int], ...]
"""A set of characters: the first and last code point of each stretch, in order."""

_ANY: _Ranges = ((0, _LAST),)
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
        self._tree = _Reader(text).read()
        automaton = _Automaton()
        automaton.accept = self._tree.build(automaton, automaton.state())
        self._automaton = automaton

    def search(self, text: str) -> bool:
        """Return whether the pattern is found anywhere in `text`."""
        return self._automaton.runs(text)

    def postgresql(self) -> str:
        """Return the pattern as PostgreSQL writes it, with the same meaning under any collation."""
        return f"(?:{self._tree.write()})"


@lru_cache(maxsize=64)
def pattern(text: str) -> Pattern:
    """Return a pattern, read once.

    Raises:
        PatternError: as `Pattern`.
    """
    return Pattern(text)


@dataclass
class _Automaton:
    """A nondeterministic automaton, and what is known so far of the deterministic one that it comes down to."""

    accept: int = 0
    free: list[list[int]] = field(default_factory=list)
    """State → the states that it leads to without a character."""
    at_start: list[list[int]] = field(default_factory=list)
    """State → the states that it leads to at the beginning of the text."""
    at_end: list[list[int]] = field(default_factory=list)
    steps: list[list[tuple[_Ranges, int]]] = field(default_factory=list)
    _known: dict[tuple[frozenset[int], str], frozenset[int]] = field(default_factory=dict)

    def state(self) -> int:
        if len(self.free) == _MAX_STATES:
            raise PatternError("repeats too much")
        for each in (self.free, self.at_start, self.at_end):
            each.append([])
        self.steps.append([])
        return len(self.free) - 1

    def runs(self, text: str) -> bool:
        """Return whether a match begins and ends anywhere in the text."""
        if not text:
            return self.accept in self._closed({0}, self.at_start, self.at_end)
        current, elsewhere = self._closed({0}, self.at_start), self._closed({0})
        for character in text:
            if self.accept in current:
                return True
            current = self._after(current, character, elsewhere)
        return self.accept in self._closed(set(current), self.at_end)

    def _after(self, current: frozenset[int], character: str, elsewhere: frozenset[int]) -> frozenset[int]:
        """Return the states after a character; a match may begin behind it, too."""
        known = self._known.get((current, character))
        if known is not None:
            return known
        code = ord(character)
        reached = {
            target
            for state in current
            for ranges, target in self.steps[state]
            if any(first <= code <= last for first, last in ranges)
        }
        if len(self._known) >= _MAX_CACHED_STEPS:
            self._known.clear()
        after = self._known[current, character] = self._closed(reached) | elsewhere
        return after

    def _closed(self, states: set[int], *more: list[list[int]]) -> frozenset[int]:
        closed, pending = set(states), list(states)
        while pending:
            state = pending.pop()
            for edges in (self.free, *more):
                new = [each for each in edges[state] if each not in closed]
                closed.update(new)
                pending += new
        return frozenset(closed)


class _Part:
    """A part of a pattern."""

    def build(self, automaton: _Automaton, start: int) -> int:
        """Add the part to the automaton behind the state `start`; return the state at its end."""
        raise NotImplementedError

    def write(self) -> str:
        """Return the part as PostgreSQL writes it."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Characters(_Part):
    ranges: _Ranges

    def build(self, automaton: _Automaton, start: int) -> int:
        end = automaton.state()
        automaton.steps[start].append((self.ranges, end))
        return end

    def write(self) -> str:
        if self.ranges == _ANY:
            return "."
        return "[" + "".join(f"{_escaped(first)}-{_escaped(last)}" for first, last in self.ranges) + "]"


@dataclass(frozen=True)
class _Anchor(_Part):
    sign: str

    def build(self, automaton: _Automaton, start: int) -> int:
        end = automaton.state()
        (automaton.at_start if self.sign == "^" else automaton.at_end)[start].append(end)
        return end

    def write(self) -> str:
        return "\\A" if self.sign == "^" else "\\Z"


@dataclass(frozen=True)
class _Sequence(_Part):
    parts: tuple[_Part, ...]

    def build(self, automaton: _Automaton, start: int) -> int:
        for part in self.parts:
            start = part.build(automaton, start)
        return start

    def write(self) -> str:
        return "".join(part.write() for part in self.parts) or "(?:)"


@dataclass(frozen=True)
class _Choice(_Part):
    parts: tuple[_Part, ...]

    def build(self, automaton: _Automaton, start: int) -> int:
        end = automaton.state()
        for part in self.parts:
            begin = automaton.state()
            automaton.free[start].append(begin)
            automaton.free[part.build(automaton, begin)].append(end)
        return end

    def write(self) -> str:
        return "(?:" + "|".join(part.write() for part in self.parts) + ")"


@dataclass(frozen=True)
class _Repeat(_Part):
    part: _Part
    least: int
    most: int | None

    def build(self, automaton: _Automaton, start: int) -> int:
        for _ in range(self.least):
            start = self.part.build(automaton, start)
        end = automaton.state()
        if self.most is None:
            loop = automaton.state()
            automaton.free[start].append(loop)
            automaton.free[self.part.build(automaton, loop)].append(loop)
            automaton.free[loop].append(end)
            return end
        for _ in range(self.most - self.least):
            automaton.free[start].append(end)
            start = self.part.build(automaton, start)
        automaton.free[start].append(end)
        return end

    def write(self) -> str:
        most = "" if self.most is None else self.most
        return f"(?:{self.part.write()}){{{self.least},{most}}}"


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
        return parts[0] if len(parts) == 1 else _Choice(tuple(parts))

    def _sequence(self, depth: int) -> _Part:
        parts: list[_Part] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._quantified(depth))
        return _Sequence(tuple(parts))

    def _quantified(self, depth: int) -> _Part:
        part = self._atom(depth)
        counts = self._quantifier()
        if counts is None:
            return part
        if isinstance(part, _Anchor):
            raise self._fault("repeats what has no length")
        if self._quantifier() is not None:
            raise self._fault("is a quantifier of a quantifier")
        return _Repeat(part, *counts)

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
                return _Characters(self._class())
            case ".":
                return _Characters(_ANY)
            case "^" | "$":
                return _Anchor(sign)
            case "\\":
                return _Characters(self._escape())
            case "*" | "+" | "?" | "{":
                raise self._fault("is a quantifier of nothing")
        return _Characters(_single(sign))

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
        ranges = _joined(found)
        return _others(ranges) if negated else ranges

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


def _escaped(code: int) -> str:
    # Zero is no character to PostgreSQL, and no text that it holds has one.
    return f"\\U{max(code, 1):08X}"
