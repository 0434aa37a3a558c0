"""The page that says what each error means and what to do: `referenceError` of every error leads here."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.documents.documentation import DESCRIPTIONS
from api.http.errors import ERRORS, EXPLANATIONS

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Errors of Ordersaga</title>
<style>
body {{ font-family: sans-serif; max-width: 50em; margin: 2em auto; line-height: 1.5 }}
:target {{ background: #ffc }}
</style></head>
<body><h1>Errors</h1>
<p>Each error has the body of TM Forum's APIs: <code>code</code> for programs, <code>reason</code> and
<code>message</code> for people. Nothing has changed where one is answered, unless its text says so.</p>
{entries}
</body></html>
"""

router = APIRouter()


def explained() -> Iterator[tuple[int, str, str, str]]:
    """Yield status, code, reason and explanation of each error."""
    found = [(int(each.status), each.code, each.reason, DESCRIPTIONS[each.status]) for each in ERRORS]
    refused = HTTPStatus.METHOD_NOT_ALLOWED
    what = "The path has other methods; the header Allow names them."
    yield from sorted([*found, (int(refused), "methodNotAllowed", refused.phrase, what)])


@router.get(EXPLANATIONS, include_in_schema=False)
async def explanations() -> HTMLResponse:
    entries = (
        f'<section id="{escape(code)}"><h2>{status} <code>{escape(code)}</code></h2>'
        f"<p><b>{escape(reason)}.</b> {escape(what)}</p></section>"
        for status, code, reason, what in explained()
    )
    return HTMLResponse(_PAGE.format(entries="\n".join(entries)))
