"""The figures as a chart: bars for each contender, in SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from xml.sax.saxutils import escape

from bench.figures import CONTENDERS, ENGINE, Block

_WIDTH, _LEFT, _BARS, _ROW, _TITLE = 760, 130, 520, 22, 46
_COLOURS = {"worker": "#3b6fb6", "gateway": "#6fb3a8", "temporal": "#8a6fb3", "systems": "#c9c9c9", "": "#3b6fb6"}
_STYLE = (
    "text{font:12px sans-serif;fill:#222}.title{font-weight:bold}@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


@dataclass(frozen=True, slots=True)
class Bars:
    """One group of bars; each bar is made of parts, name → length."""

    title: str
    rows: Mapping[str, Mapping[str, float]]
    digits: int = 2


def chart(blocks: Sequence[Block], order: str) -> str:
    """Return the chart of an order: orders a second and CPU seconds an order for each number in flight."""
    groups = []
    for in_flight in sorted({block.in_flight for block in blocks if block.script == order}):
        mine = [block for block in blocks if (block.script, block.in_flight) == (order, in_flight)]
        title = f"{order}, {in_flight} in flight"
        groups.append(Bars(f"{title}: orders a second", _rows(mine, lambda block: {"": block.rate}), 3))
        groups.append(Bars(f"{title}: CPU seconds an order", _rows(mine, _parts)))
    return draw(groups)


def draw(groups: Sequence[Bars]) -> str:
    """Return groups of horizontal bars, one below the other, each to its own scale."""
    lines, y = [], 0
    for group in groups:
        y += _TITLE
        lines.append(f'<text class="title" x="10" y="{y - 10}">{escape(group.title)}</text>')
        longest = max((sum(parts.values()) for parts in group.rows.values()), default=0) or 1
        for name, parts in group.rows.items():
            lines += _bar(name, parts, _BARS / longest, y, group.digits)
            y += _ROW
    y += _TITLE
    lines += _legend(y - _ROW)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *lines, "</svg>"]) + "\n"


def _bar(name: str, parts: Mapping[str, float], scale: float, y: int, digits: int) -> list[str]:
    lines, x = [f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'], float(_LEFT)
    for part, value in parts.items():
        width, colour = value * scale, _COLOURS[part]
        lines.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 5}" fill="{colour}"/>')
        x += width
    lines.append(f'<text x="{x + 6:.1f}" y="{y + 14}">{sum(parts.values()):.{digits}f}</text>')
    return lines


def _legend(y: int) -> list[str]:
    lines, x = [], _LEFT
    for part, colour in _COLOURS.items():
        if part:
            lines.append(f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{colour}"/>')
            lines.append(f'<text x="{x + 18}" y="{y}">{part}</text>')
            x += 110
    return lines


def _rows(blocks: Sequence[Block], parts: Callable[[Block], Mapping[str, float]]) -> dict[str, dict[str, float]]:
    rows = {}
    for name in CONTENDERS:
        if runs := [parts(block) for block in blocks if block.contender == name]:
            rows[name] = {part: median(run[part] for run in runs) for part in runs[0]}
    return rows


def _parts(block: Block) -> dict[str, float]:
    engine = {name: block.cpu[name] for name in ENGINE if name in block.cpu}
    return engine | {"systems": sum(block.cpu.values()) - sum(engine.values())}
