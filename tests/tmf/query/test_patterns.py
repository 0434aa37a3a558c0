"""Patterns of filters: what they find, what they refuse, and that no pattern takes long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmf.query.patterns import MAX_PATTERN, MAX_TEXT, Pattern, PatternError

FOUND = [
    ("", "", True),
    ("CRM-[0-9]+", "old CRM-17", True),
    ("^CRM-[0-9]+$", "old CRM-17", False),
    ("^CRM-[0-9]+$", "CRM-17\n", False),
    ("a.c", "a\nc", True),
    ("(fibre|mobile) home", "the mobile home", True),
    ("a{2,3}$", "baaaa", True),
    ("^a{2,3}$", "aaaa", False),
    ("^a{2}$", "aa", True),
    ("^a{2,}$", "aaaaa", True),
    (r"^\d\w\s\D\W\S$", "1a b-c", True),
    (r"\.", "a", False),
    ("[^a-c]", "abc", False),
    ("[]a]", "]", True),
    ("[a-]", "-", True),
    (r"[\]x]", "]", True),
    ("ü😀?", "grün", True),
    ("a||b", "", True),
    (r"^\t$", "\t", True),
    ("^[^\ue000-\uffff]$", "\ud7ff", True),
    ("^[^\ud7ff]$", "\ue000", True),
    ("^(a{100}){2}$", "a" * 200, True),
]


@pytest.mark.parametrize(("pattern", "text", "found"), FOUND)
def test_pattern_is_found_anywhere(pattern: str, text: str, found: bool) -> None:
    assert Pattern(pattern).search(text) is found


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        (r"(a)\1", r"\\1 is not supported"),
        ("(?=a)", "kind of group"),
        ("(?<name>a)", "kind of group"),
        ("(?i)a", "kind of group"),
        ("a**", "quantifier of a quantifier"),
        ("a*?", "quantifier of a quantifier"),
        ("*a", "quantifier of nothing"),
        ("^*", "no length"),
        ("a{101}", "at most 100"),
        ("a{3,2}", "must rise"),
        ("a{,2}", "not a count"),
        ("a{2", "not a count"),
        ("((a{100}){100}){100}", "repeats too much"),
        ("((a{0,100}){0,100}){0,100}", "repeats too much"),
        ("(a{100}){2,}b{51}", "more than 250 characters"),
        ("[^\1-\U0010ffff]", "without any character"),
        ("(a", "not closed"),
        ("a)", "not open"),
        ("[a", "not closed"),
        ("[z-a]", "not a range"),
        ("[[:alpha:]]", "not supported"),
        ("a\\", "backslash"),
        ("(" * 30 + ")" * 30, "too deeply"),
        ("a" * (MAX_PATTERN + 1), "longer than 200"),
    ],
)
def test_what_is_not_of_the_dialect_is_refused_with_the_reason(pattern: str, complaint: str) -> None:
    with pytest.raises(PatternError, match=complaint):
        Pattern(pattern)


def test_patterns_that_ruin_other_engines_are_gone_through_once() -> None:
    for pattern in ("(a*)*b", "(a|a)*b", "(.*)*x{3,50}", "^(a+)+$", ".*.*.*.*.*x"):
        assert Pattern(pattern).search("a" * (MAX_TEXT - 1) + "!") is False


def test_a_pattern_is_looked_for_at_the_beginning_of_a_text() -> None:
    assert Pattern("b$").search("a" * (MAX_TEXT - 1) + "b")
    assert not Pattern("b").search("a" * MAX_TEXT + "b")
    assert Pattern("a$").search("a" * MAX_TEXT + "b")


ATOMS = st.sampled_from(["a", "b", "1", "-", "é", ".", r"\d", r"\w", r"\S", "[ab]", "[^a]", "[a-c1]", r"\.", "^", "$"])
COUNTS = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, COUNTS).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=8,
)
TEXTS = st.text(alphabet="ab-1 é\n.", max_size=8)


@given(pattern=PATTERNS, text=TEXTS)
def test_patterns_mean_what_they_mean_elsewhere(pattern: str, text: str) -> None:
    elsewhere = re.search(pattern.replace("$", r"\Z"), text, re.DOTALL | re.ASCII) is not None
    assert Pattern(pattern).search(text) is elsewhere
