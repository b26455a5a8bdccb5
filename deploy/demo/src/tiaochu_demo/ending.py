"""How a demonstration ends: the month's table, one case told, and where to look further. The operator's own command shows the first two."""

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


def months(outcome: Outcome) -> list[str]:
    """The months that the demonstration passed through, as periods of the table."""
    first, last = (beijing(m) for m in (outcome.world.started_at, outcome.world.pace.now()))
    found = []
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        found.append(f"{year}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found
