"""Reads the catalogs: one folder each, YAML files in it, every fault of all of them reported at once."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from catalogs.checks.given_values import wanted_values
from catalogs.lint.linter import check, warnings
from catalogs.lint.unknown_keys import unknown_keys
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.entities import Catalog, Entry, ProductSpecification, ResourceSpecification, ServiceSpecification
from catalogs.model.entries import Entries, Section, Sourced
from catalogs.model.faults import CatalogFaultsError, Fault, Loc, did_you_mean
from catalogs.model.fulfilment import PolicyBlock
from catalogs.model.sources import Source, plain, read_yaml
from orders.plan.orchestration_plan import CatalogVersion
from tmf.form_faults import in_words

E = TypeVar("E", bound=Entry)

_PASSES = 10
"""How often an entry is read again without its faulty parts."""


def default_catalogs() -> Path:
    """Return the folder of the catalogs that are shipped: fibre, mobile and vpn."""
    return Path(__file__).parent / "shipped"


def load_catalogs(root: Path, on: datetime | None = None) -> CatalogSet:
    """Return the catalogs in the folders of `root`, all versions of everything, checked against each other.

    Args:
        on: the moment by which what has ended is warned of; now without it.

    Raises:
        CatalogFaultsError: with every fault of every file, when there is one.
    """
    entries, faults = _read_entries(root)
    faults += check(entries)
    if faults:
        raise CatalogFaultsError(faults)
    return CatalogSet(
        version=_version(root, entries),
        catalogs=[each.entry for each in entries.catalogs],
        categories=[each.entry for each in entries.categories],
        offerings=[each.entry for each in entries.offerings],
        products=[each.entry for each in entries.products],
        prices=[each.entry for each in entries.prices],
        services=[each.entry for each in entries.services],
        resources=[each.entry for each in entries.resources],
        warnings=sorted(set(warnings(entries, on or datetime.now(UTC)))),
    )


def inspect_catalogs(root: Path, on: datetime | None = None) -> tuple[list[Fault], list[Fault]]:
    """Return all faults of the catalogs in the folders of `root`, and, where there are none, the warnings."""
    try:
        return [], load_catalogs(root, on).warnings
    except CatalogFaultsError as error:
        return error.faults, []


def _read_entries(root: Path) -> tuple[Entries, list[Fault]]:
    """Return all entries that fit their shape, and the faults of those that do not."""
    entries, faults = Entries(), list[Fault]()
    folders = sorted({path.parent for path in _files(root)})
    if not folders:
        faults.append(Fault(str(root), 1, "", "no catalog here: each is a folder with YAML files"))
    for folder in folders:
        faults += _read_folder(root, folder, entries)
    return entries, faults


def _files(root: Path) -> list[Path]:
    return sorted([*root.glob("*/*.yaml"), *root.glob("*/*.yml")])


def _read_folder(root: Path, folder: Path, entries: Entries) -> list[Fault]:
    faults: list[Fault] = []
    mine = Entries()
    for path in _files(root):
        if path.parent != folder:
            continue
        source, unread = read_yaml(path, path.relative_to(root).as_posix())
        faults += unread
        if source is not None:
            faults += _read_file(source, mine)
    if not mine.catalogs.sourced and not mine.catalogs.broken and not faults:
        faults.append(Fault(folder.name, 1, "catalog", "no file of this folder has the section catalog: {id, name}"))
    _hand_down(mine)
    for name, section in vars(entries).items():
        read = getattr(mine, name)
        section.sourced += read.sourced
        section.broken |= read.broken
    return faults


def _read_file(source: Source, entries: Entries) -> list[Fault]:
    faults: list[Fault] = []
    sections: dict[str, Section[Any]] = {section.name: section for section in vars(entries).values()}
    for name in source.node:
        section, part = sections.get(name), source.at(name)
        if section is None:
            faults.append(source.fault([name], f"unknown section {name!r}{did_you_mean(str(name), sections)}"))
        elif name == "catalog":
            faults += _read_entry(part, section)
        elif isinstance(part.node, list):
            for index in range(len(part.node)):
                faults += _read_entry(part.at(index), section)
        else:
            faults.append(source.fault([name], "must be a list of entries"))
    return faults


def _read_entry(source: Source, section: Section[E]) -> list[Fault]:
    """Read one entry; its faulty parts are left out, so that the rest is checked against the others all the same."""
    data = plain(source.node)
    faults = list(unknown_keys(section.model, data, source))
    told: set[Loc] = set()
    for _ in range(_PASSES):
        try:
            section.sourced.append(Sourced(section.model.model_validate(data), source))
            break
        except ValidationError as invalid:
            section.broken.add(str(data.get("id")) if isinstance(data, dict) else "")
            errors = invalid.errors()
            new = [error for error in errors if error["loc"] not in told and error["type"] != "extra_forbidden"]
            faults += [source.fault(error["loc"], _said(error)) for error in new]
            told.update(error["loc"] for error in errors)
            left_out = [_left_out(data, error["loc"]) for error in errors]
            if not all(left_out):
                break
    return faults


def _left_out(data: Any, loc: Loc) -> bool:
    """Empty the faulty part of an entry, or take it away where it is empty; return whether that could be done."""
    *around, last = loc or ("",)
    for part in around:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    if not isinstance(data, dict) or last not in data:
        return False
    if data[last] is None:
        del data[last]
    else:
        data[last] = None
    return True


def _said(error: ErrorDetails) -> str:
    # YAML reads 1.0 as a number.
    quotes = ": write it in quotes" if error["type"] == "string_type" and error["loc"][-1:] == ("version",) else ""
    return in_words(error) + quotes


def _hand_down(entries: Entries) -> None:
    """Make all entries those of their catalog; specifications get its policy, below their own."""
    catalog = next((each.entry for each in entries.catalogs), None)
    if catalog is None:
        return
    for section in vars(entries).values():
        for sourced in section:
            sourced.entry.belong_to(catalog)
    for part in (*entries.services, *entries.resources):
        part.entry.fulfilment.know(wanted_values(part.entry.characteristics))
    inherited = next((each.entry.policy for each in entries.catalogs if each.entry.policy), None)
    if inherited is None:
        return
    for section in (entries.products, entries.services, entries.resources):
        for sourced in section:
            _lay_under(sourced.entry, inherited)


def _lay_under(entry: ProductSpecification | ServiceSpecification | ResourceSpecification, policy: PolicyBlock) -> None:
    entry.fulfilment.policy = (entry.fulfilment.policy or PolicyBlock()).over(policy)


def _version(root: Path, entries: Entries) -> CatalogVersion:
    digest = hashlib.sha256()
    for path in _files(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\n{len(content)}\n".encode() + content)
    catalogs: list[Catalog] = [each.entry for each in entries.catalogs]
    return CatalogVersion(
        digest=digest.hexdigest(), label=", ".join(f"{catalog.id} {catalog.version}" for catalog in catalogs)
    )
