"""Relations between entries: words that make a rule only by a slip, and words that nothing reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalogs.model.entities import TypedReference
from catalogs.model.entries import Entries, Sourced
from catalogs.model.faults import Fault

_SLIP = 0.7


@dataclass(frozen=True)
class _Vocabulary:
    """The types that a kind of relation may have."""

    path: str
    rules: tuple[str, ...]
    """Those by which something is done."""
    instead: Mapping[str, str]
    """Words of the standards for the same → the word that is known here."""
    known: frozenset[str] = field(default_factory=frozenset)
    """Words that say something to shops, and ask nothing of an order."""


_OFFERINGS = _Vocabulary(
    path="productOfferingRelationship",
    rules=("requires", "excludes"),
    instead={
        "dependency": "requires",
        "dependsOn": "requires",
        "reliesOn": "requires",
        "exclusivity": "excludes",
        "mutuallyExclusive": "excludes",
        "incompatible": "excludes",
    },
    known=frozenset(
        {"substitution", "migration", "upgrade", "downgrade", "alternative", "exchangableTo", "optionalFor"}
    ),
)
_PRODUCTS = _Vocabulary(
    path="productSpecificationRelationship",
    rules=("reliesOn",),
    instead={"dependency": "reliesOn", "dependsOn": "reliesOn", "requires": "reliesOn"},
    known=frozenset({"substitution", "migration", "aggregation"}),
)
_PRICES = _Vocabulary(path="popRelationship", rules=("discount",), instead={})


def relation_faults(entries: Entries) -> Iterator[Fault]:
    """Yield the relations that hardly mean what they say: a rule that is misspelt, and so void."""
    for sourced, vocabulary, index, relation in _relations(entries):
        word = relation.relationship_type
        if word in vocabulary.rules or word in vocabulary.known:
            continue
        loc: list[str | int] = [vocabulary.path, index, "relationshipType"]
        meant = vocabulary.instead.get(word) or _alike(word, vocabulary.rules)
        if meant:
            yield sourced.fault(loc, f"{word!r} means nothing here; write {meant!r}")
        elif not vocabulary.known:
            yield sourced.fault(loc, f"{word!r} is no type of such a relation; it is {_listed(vocabulary.rules)}")


def relation_warnings(entries: Entries) -> Iterator[Fault]:
    """Yield the relations of types that are neither rules here nor words of the standards."""
    for sourced, vocabulary, index, relation in _relations(entries):
        if relation.relationship_type not in {*vocabulary.rules, *vocabulary.known}:
            message = f"{relation.relationship_type!r} asks nothing of an order; {_listed(vocabulary.rules)} does"
            yield sourced.fault([vocabulary.path, index, "relationshipType"], message)


def _relations(entries: Entries) -> Iterator[tuple[Sourced[Any], _Vocabulary, int, TypedReference]]:
    for offering in entries.offerings:
        yield from _each(offering, _OFFERINGS, offering.entry.product_offering_relationship)
    for product in entries.products:
        yield from _each(product, _PRODUCTS, product.entry.product_specification_relationship)
    for price in entries.prices:
        yield from _each(price, _PRICES, price.entry.pop_relationship)


def _each(
    sourced: Sourced[Any], vocabulary: _Vocabulary, relations: Sequence[TypedReference]
) -> Iterator[tuple[Sourced[Any], _Vocabulary, int, TypedReference]]:
    for index, relation in enumerate(relations):
        yield sourced, vocabulary, index, relation


def _alike(word: str, rules: Sequence[str]) -> str | None:
    lowered = {rule.lower(): rule for rule in rules}
    found = difflib.get_close_matches(word.strip().lower(), lowered, n=1, cutoff=_SLIP)
    return lowered[found[0]] if found else None


def _listed(words: Sequence[str]) -> str:
    return " or ".join(map(repr, words))
