"""The front door: what `/` tells of pages, documents and health, to a person or to a program."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api.dependencies import GatewayDep
from api.documents.openapi import OPENAPI, PAGE, base_paths
from api.http.answers import JsonAnswer
from api.http.errors import EXPLANATIONS

_HTML = "text/html"
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Ordersaga</title>
<style>body {{ font-family: sans-serif; max-width: 50em; margin: 2em auto; line-height: 1.6 }}</style></head>
<body><h1>Ordersaga</h1>
<ul>
{ways}
</ul>
<h2>APIs</h2>
<ul>
{apis}
</ul></body></html>
"""

router = APIRouter()


@router.get("/", include_in_schema=False)
async def front_door(request: Request, gateway: GatewayDep) -> Response:
    base_url, ui = gateway.base_url, gateway.temporal_ui_url
    ways = {
        "page": f"{base_url}{PAGE}",
        "document": f"{base_url}{OPENAPI}",
        "errors": f"{base_url}{EXPLANATIONS}",
        "health": f"{base_url}/health",
        **({"temporal": ui} if ui else {}),
    }
    apis = [
        {"name": name, "page": f"{base_url}{base}{PAGE}", "document": f"{base_url}{base}{OPENAPI}"}
        for base, name in base_paths(request.app).items()
    ]
    told = {"Vary": "Accept"}
    if _HTML not in request.headers.get("Accept", "").lower():
        return JsonAnswer({"name": "Ordersaga", **ways, "apis": apis}, headers=told)
    page = _PAGE.format(
        ways="\n".join(f"<li>{_link(url, _WORDS[name])}</li>" for name, url in ways.items()),
        apis="\n".join(
            f"<li>{_link(each['page'], each['name'])} ({_link(each['document'], 'document')})</li>" for each in apis
        ),
    )
    return HTMLResponse(page, headers=told)


_WORDS = {
    "page": "All operations, to read and try",
    "document": "The OpenAPI document of all of it",
    "errors": "What each error means",
    "health": "Health: what the gateway needs, and whether it is there",
    "temporal": "Temporal Web UI: every order as it runs",
}


def _link(url: str, words: str) -> str:
    return f'<a href="{escape(url)}">{escape(words)}</a>'
