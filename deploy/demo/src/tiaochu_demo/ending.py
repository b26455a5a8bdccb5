"""How a demonstration ends: the month's table, one case told, and where to look further. The operator's own command shows the first two."""

from rich.table import Table

from tiaochu.reporting.v1 import report_service_pb2 as reporting
from tiaochu_demo.demonstration import Outcome
from tiaochu_demo.driver import Cast, Wire
from tiaochu_demo.driver.matter import SERVICES
from tiaochu_demo.scenario import CasePlan
from tiaochu_demo.scenario import Path as Way
from tiaochu_demo.story import Story
from tiaochu_domainkit.clocks import beijing

_WAYS = (Way.CONFIRMED, Way.RETURNED, Way.AGREED)
"""The way of the case that is told, the fullest first."""


def told_case(outcome: Outcome) -> Story:
    """The case worth telling: by the court's door, confirmed, or else one that was handed on and came back."""

    def interest(story: Story) -> tuple[bool, bool, int]:
        plan: CasePlan = story.plan
        way = _WAYS.index(plan.path) if plan.path in _WAYS else len(_WAYS)
        return (plan.performance.startswith("breached"), plan.door == "court", -way)

    return max((s for s in outcome.stories if s.case_id), key=interest)


async def trace_of(wire: Wire, cast: Cast, case_id: str) -> str:
    """The trace in which the case was registered; empty when no service noted one."""
    request = reporting.GetCaseTimelineRequest(case_id=case_id)
    answer = await wire.ask(cast.role("dispatcher"), request, after=[s for s in SERVICES if s != "reporting"])
    for entry in answer.entries:
        if entry.type.endswith(".CaseRegistered") and entry.traceparent:
            return str(entry.traceparent.split("-")[1])
    return ""


KEY_FIGURES = ("registered", "accepted", "declined", "total", "successful", "failed", "agreed_amount", "performed", "confirmation_valid")
"""What is shown of every unit; the whole form has some fifty columns."""


async def units_table(wire: Wire, cast: Cast, period: str) -> Table | None:
    """The key figures of a period, a line a unit: the city, its towns, its organs; nothing for a period without cases."""
    request = reporting.GetMonthTableRequest(organ_id=cast.directory.organs_by_code["centre"].id, period=period)
    answer = await wire.ask(cast.role("dispatcher"), request, after=[s for s in SERVICES if s != "reporting"])
    columns = [c for c in answer.columns if c.figure in KEY_FIGURES]
    rows = [row for row in answer.rows if any(row.values.values())]
    if not rows:
        return None
    table = Table(title=f"{period} 各单位(含下级)", title_justify="left", header_style="bold")
    table.add_column("单位")
    for column in columns:
        table.add_column(column.name + ("(元)" if column.unit == "fen" else ""), justify="right")
    for row in rows:
        figures = (row.values.get(c.figure, 0) / (100 if c.unit == "fen" else 1) for c in columns)
        table.add_row(cast.organ(row.organ_id).short_name, *(f"{f:,.0f}" for f in figures))
    return table


def months(outcome: Outcome) -> list[str]:
    """The months that the demonstration passed through, as periods of the table."""
    first, last = (beijing(m) for m in (outcome.world.started_at, outcome.world.pace.now()))
    found = []
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        found.append(f"{year}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found
