"""The pages: a list of traces, and one trace as a waterfall. Plain HTML, no script, nothing from a network."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from tiaochu_embedded.traces.store import StoredSpan, Summary

_STYLE = """
:root { color-scheme: light dark; --line: #8883; --mute: #777 }
body { font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 82rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .2rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--mute); font-weight: normal } .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.error { color: #c22; font-weight: 600 } .tag { border-radius: .6rem; padding: 0 .5rem; color: #fff; font-size: 12px; white-space: nowrap }
.track { position: relative; width: 34rem; height: 1.1rem; background: var(--line) } .bar { position: absolute; height: 100%; min-width: 2px }
summary { cursor: pointer } dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .3rem 0 .3rem 1rem; font-size: 12px }
dt { color: var(--mute) } dd { margin: 0; overflow-wrap: anywhere } input { font: inherit; width: 24rem; padding: .2rem .4rem }
"""
_HUES = {"intake": 210, "routing": 150, "mediation": 280, "docking": 25, "reporting": 340, "sandbox": 60}


def traces_page(traces: Sequence[Summary], text: str) -> str:
    """The newest traces, or those found for `text`."""
    rows = "".join(
        f"<tr><td>{_time(t.start_ns)}</td><td><a href='/trace/{t.trace_id}'>{escape(t.name)}</a>{_errors(t.errors)}</td>"
        f"<td>{' '.join(map(_tag, t.services))}</td><td class=number>{t.spans}</td><td class=number>{_span_of(t.end_ns - t.start_ns)}</td></tr>"
        for t in traces
    )
    search = f"<form><input name=q value='{escape(text)}' placeholder='名称、属性、案件编号 name, attribute, id' aria-label=search> <button>查找</button></form>"
    table = f"<table><tr><th>时间 UTC<th>起点<th>服务<th class=number>步骤<th class=number>耗时</tr>{rows}</table>"
    return _page("链路 traces", f"<h1>链路 traces</h1>{search}{table if traces else '<p>没有记录 nothing here</p>'}")


def trace_page(spans: Sequence[StoredSpan]) -> str:
    """One trace: every step under the one that caused it, on a common scale of time."""
    start, end = spans[0].start_ns, max(span.end_ns for span in spans)
    rows = "".join(_row(span, depth, start, max(end - start, 1)) for span, depth in in_order(spans))
    head = f"<h1>{escape(spans[0].name)}</h1><p>{_time(start)} UTC · {_span_of(end - start)} · {len(spans)} 步 · {escape(spans[0].trace_id)}</p>"
    return _page(
        spans[0].name, f"<p><a href='/'>← 全部 all</a></p>{head}<table><tr><th>服务<th>步骤<th>时间<th class=number>耗时</tr>{rows}</table>"
    )


def in_order(spans: Sequence[StoredSpan]) -> list[tuple[StoredSpan, int]]:
    """Depth first, by beginning; a span whose parent was not recorded counts as a beginning of its own."""
    known = {span.span_id for span in spans}
    children: dict[str, list[StoredSpan]] = {}
    for span in sorted(spans, key=lambda s: s.start_ns):
        children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
    ordered: list[tuple[StoredSpan, int]] = []
    waiting = [(span, 0) for span in reversed(children.get("", []))]
    while waiting:
        span, depth = waiting.pop()
        ordered.append((span, depth))
        waiting.extend((child, depth + 1) for child in reversed(children.pop(span.span_id, [])))
    return ordered


def _row(span: StoredSpan, depth: int, start: int, whole: int) -> str:
    left, width = 100 * (span.start_ns - start) / whole, 100 * (span.end_ns - span.start_ns) / whole
    facts = {"kind": span.kind, "span": span.span_id, **({"error": span.error} if span.error else {}), **span.attributes}
    shown = "".join(f"<dt>{escape(str(key))}<dd>{escape(_text(value))}" for key, value in facts.items())
    links = "".join(f"<dt>link<dd><a href='/trace/{link}'>{link}</a>" for link in span.links)
    error = " <span class=error>✗</span>" if span.error else ""
    return (
        f"<tr><td>{_tag(span.service)}</td>"
        f"<td style='padding-left:{0.5 + depth}rem'><details><summary>{escape(span.name)}{error}</summary><dl>{shown}{links}</dl></details></td>"
        f"<td><div class=track><div class=bar style='left:{left:.2f}%;width:{width:.2f}%;background:{_colour(span.service)}'></div></div></td>"
        f"<td class=number>{_span_of(span.end_ns - span.start_ns)}</td></tr>"
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _errors(count: int) -> str:
    return f" <span class=error>✗ {count}</span>" if count else ""


def _tag(service: str) -> str:
    return f"<span class=tag style='background:{_colour(service)}'>{escape(service)}</span>"


def _colour(service: str) -> str:
    hue = _HUES.get(service, sum(map(ord, service)) * 47 % 360)
    return f"hsl({hue} 55% 42%)"


def _time(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%m-%d %H:%M:%S.%f}"[:-3]


def _span_of(ns: int) -> str:
    return f"{ns / 1e6:,.1f} ms"


def _page(title: str, body: str) -> str:
    return f"<!doctype html><html lang=zh-CN><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>{body}</html>"
