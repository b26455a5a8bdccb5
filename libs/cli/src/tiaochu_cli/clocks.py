"""The clocks of a case as a table."""

from collections.abc import Iterable

from tiaochu.routing.v1 import clock_service_pb2 as clocks
from tiaochu_cli.moments import shown
from tiaochu_cli.names import clock_zh
from tiaochu_cli.output import Screen

_STATES = {"running": "计时中", "paused": "中止", "stopped": "已停止", "expired": "已届满"}


def show_clocks(screen: Screen, found: Iterable[clocks.Clock]) -> None:
    """One row a clock; a provisional one rests on a year whose calendar is not published."""
    rows = (
        (
            clock_zh(c.rule_code),
            _STATES.get(c.status, c.status) + ("(暂定)" if c.provisional else ""),
            shown(c.started_at),
            shown(c.due_at),
            shown(c.ended_at),
            c.owner_organ_name or c.owner_organ_id,
        )
        for c in found
    )
    screen.table(("期限", "状态", "起算", "届满", "停止", "责任单位"), rows)
