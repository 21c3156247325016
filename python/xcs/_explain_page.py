"""The HTML page of a report: figures, what to repair, and the source with its lines annotated."""

from __future__ import annotations

import linecache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xcs._explain import Explanation, Line, Reason
    from xcs._jit import Stats

# Lines of source shown before the first and after the last line that has a note.
_AROUND = 3

# Everything stands under .xcs, so that a report in a notebook leaves the notebook as it is.
_STYLE = """
.xcs { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --mild: #9a6700; --dim: #6e7781;
  font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem; }
.xcs h1 { font-size: 1.4rem; margin: 0 0 .5rem; } .xcs h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
.xcs dl { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 0; }
.xcs dt { color: var(--dim); font-size: .85rem; } .xcs dd { margin: 0; font-size: 1.3rem; }
.xcs .card { border-left: 4px solid; padding: .1rem .8rem; margin: 1rem 0; }
.xcs .card p { margin: .2rem 0; }
.xcs .source { overflow-x: auto; }
.xcs table { border-collapse: collapse; width: 100%; font-size: .9rem; }
.xcs td { vertical-align: top; padding: .1rem .7rem; text-align: left; white-space: nowrap; }
.xcs td:first-child { text-align: right; color: var(--dim); width: 1%; }
.xcs pre, .xcs code { font: 13px/1.6 ui-monospace, monospace; margin: 0; }
.xcs h1 code { font-size: inherit; } .xcs td.mark { border-left: 4px solid transparent; }
.xcs .missed td.mark, .xcs .card.missed { border-color: var(--bad); } .xcs td div.missed { color: var(--bad); }
.xcs .limited td.mark, .xcs .card.limit { border-color: var(--mild); } .xcs td div.limited { color: var(--mild); }
.xcs .overlaps td.mark { border-color: var(--good); } .xcs td div.overlaps, .xcs .good { color: var(--good); }
.xcs td div.in-order, .xcs .dim { color: var(--dim); }
@media (prefers-color-scheme: dark) { .xcs { --good: #3fb950; --bad: #f85149; --mild: #d29922; --dim: #8b949e; } }
"""


def page(explanation: Explanation) -> str:
    """A whole document."""
    title = escape(explanation.function)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'><meta name='color-scheme' content='light dark'>"
        f"<title>{title}</title></head><body>{report(explanation)}</body></html>\n"
    )


def report(explanation: Explanation) -> str:
    """The report as a part of a document."""
    parts = [f"<style>{_STYLE}</style><div class='xcs'><h1><code>{escape(explanation.function)}</code></h1>"]
    if explanation.stats is None:
        parts.append(f"<p>{escape(explanation.summary)}</p>")
    else:
        parts.append(_figures(explanation.stats))
    if explanation.stats is not None or explanation.reasons:
        parts.append(_verdict(explanation))
    for file in dict.fromkeys(line.file for line in explanation.lines):
        parts.append(_listing(file, [line for line in explanation.lines if line.file == file]))
    return "\n".join([*parts, "</div>"])


def _figures(stats: Stats) -> str:
    figures = {
        "calls": stats.calls,
        "rounds": stats.rounds,
        "most in flight": stats.most_in_flight,
        "wall time": f"{stats.wall:.2f} s",
        "longest chain of calls": f"{stats.critical_path:.2f} s",
    }
    return (
        "<dl>"
        + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures.items())
        + "</dl>"
    )


def _verdict(explanation: Explanation) -> str:
    cards = [_card(reason) for reason in explanation.reasons if reason.kind != "ordered"]
    if not cards:
        cards.append("<p class='good'>No overlap was missed.</p>")
    ordered = [escape(reason.code) for reason in explanation.reasons if reason.kind == "ordered"]
    if ordered:
        cards.append(f"<p class='dim'>In order because the program asks for it: {', '.join(ordered)}.</p>")
    return "\n".join(cards)


def _card(reason: Reason) -> str:
    return (
        f"<div class='card {reason.kind}'><p><b>{escape(reason.code)}</b>"
        f"<span class='dim'>{_cost(reason)}</span></p>"
        f"<p>{escape(reason.explanation)}</p><p class='good'>→ {escape(reason.remedy)}</p></div>"
    )


def _cost(reason: Reason) -> str:
    lines = [escape(place.rpartition(":")[2]) for place in reason.places]
    lost = f" {reason.lost:.2f} s lost" if reason.lost else ""
    return lost + (f" on line{'s' if len(lines) > 1 else ''} {', '.join(lines)}" if lines else "")


def _listing(file: str, lines: list[Line]) -> str:
    noted = {line.line: line for line in lines}
    end = len(linecache.getlines(file))
    shown = range(max(1, min(noted) - _AROUND), min(max(*noted, 0) + _AROUND, end) + 1)
    rows = "\n".join(_row(number, linecache.getline(file, number), noted.get(number)) for number in shown)
    return f"<h2>{escape(file)}</h2><div class='source'><table>{rows}</table></div>"


def _row(number: int, source: str, line: Line | None) -> str:
    verdict = "" if line is None else _class(line.verdict)
    notes = (
        [] if line is None else [f"<div class='{_class(v)}'>{escape(note)}</div>" for v, note in line.notes]
    )
    return (
        f"<tr class='{verdict}'><td>{number}</td><td class='mark'><pre>{escape(source.rstrip())}</pre></td>"
        f"<td>{''.join(notes)}</td></tr>"
    )


def _class(verdict: str) -> str:
    return verdict.replace(" ", "-")
