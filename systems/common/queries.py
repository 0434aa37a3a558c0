"""List queries (TMF630) of what a system keeps, and their answers."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from systems.common.database import Database
from systems.common.faults import LIVE, PLAYED_BY_LISTS, Circumstances, fire
from tmf.bodies import Document
from tmf.query import matching
from tmf.query.attributes import attributes_of
from tmf.query.query import Condition, ListQuery, Page, QueryError, parse_list_query


async def _query_of(request: Request) -> ListQuery:
    return parse_list_query(request.query_params.multi_items(), commas_too=True)


ListQueryDep = Annotated[ListQuery, Depends(_query_of)]
"""What is asked of one document: its fields."""


def listing(model: type[BaseModel], sortable: Collection[str] | None = None) -> Any:
    """The dependency that reads what is asked of a list of such resources.

    Only their first-level attributes are closed; ``sortable`` are those that the list can be sorted by, else all.
    """
    order = sorted(attributes_of(model).parts(()) if sortable is None else sortable)

    async def query_of(request: Request) -> ListQuery:
        asked = request.query_params.multi_items()
        query = parse_list_query(asked, order, model=model, levels=1, commas_too=True)
        return replace(query, filters=()) if query.filters and await _ignores_filters(request) else query

    return Depends(query_of)


async def _ignores_filters(request: Request) -> bool:
    """Whether a fault concerns this list."""
    database: Database = request.app.state.system.database
    if not await database.reading(lambda connection: connection.execute(LIVE).all()):
        return False
    listed = Circumstances("", "list", request.url.path.rstrip("/").rpartition("/")[2], None)
    return await database.writing(fire, listed, PLAYED_BY_LISTS) is not None


def read_filters(
    parameters: Iterable[tuple[str, str]], model: type[BaseModel] | None = None, levels: int = 1
) -> tuple[Condition, ...]:
    """The filters in ``parameters``; those of a ``model`` are checked by it, as far as its first ``levels`` are closed.

    Raises QueryError that names the parameter which makes no sense.
    """
    asked = parse_list_query(list(parameters), (), model=model, levels=levels, commas_too=True)
    if asked != ListQuery(filters=asked.filters):
        raise QueryError("fields, offset, limit", "are no filters: they are for lists")
    return asked.filters


def admits(conditions: Iterable[Condition], document: Document) -> bool:
    """Whether ``document``, whose dates are as they were written, passes all ``conditions``."""
    return matching.admits(conditions, document, as_spelt=True)


def answer(query: ListQuery, page: Page) -> JSONResponse:
    """200 when the page holds all that match, else 206."""
    headers = {"X-Total-Count": str(page.total), "X-Result-Count": str(len(page.documents))}
    status = 200 if len(page.documents) == page.total else 206
    return JSONResponse([query.project(each) for each in page.documents], status_code=status, headers=headers)
