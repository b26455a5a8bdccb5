"""Who mediates what: a projection of the mediation's log, for the load and the conflicts of mediators."""

from collections.abc import Sequence
from typing import Any

from tiaochu_kit.database import Tx
from tiaochu_kit.usecase import Copies, Event, projection

_MEDIATION = "tiaochu.mediation.events.v1"

_PUT_SQL = """
INSERT INTO assignments (case_id, mediator_id, district, status) VALUES (%s, %s, %s, %s)
ON CONFLICT (case_id, mediator_id) DO UPDATE SET status = excluded.status WHERE assignments.status <> 'recused'
"""
_OVER_SQL = "UPDATE assignments SET status = 'over' WHERE case_id = %s AND status IN ('chosen', 'accepted')"


class AssignmentProjection:
    """Keeps `assignments`: chosen, accepted, declined, recused, over. A recused mediator stays recused in that case."""

    @projection(
        f"{_MEDIATION}.MediatorChosen",
        f"{_MEDIATION}.AssignmentAccepted",
        f"{_MEDIATION}.AssignmentDeclined",
        f"{_MEDIATION}.RecusalDecided",
        f"{_MEDIATION}.AgreementEffective",
        f"{_MEDIATION}.MediationTerminated",
        f"{_MEDIATION}.CaseClosed",
        copies=Copies("assignments", case="case_id"),
    )
    async def fold(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """In the order they happened."""
        for e in events:
            match e.type.rpartition(".")[2]:
                case "MediatorChosen":
                    await self._put(tx, e, "chosen")
                case "AssignmentAccepted":
                    await self._put(tx, e, "accepted")
                case "AssignmentDeclined":
                    await self._put(tx, e, "declined")
                case "RecusalDecided":
                    if e.body.replaced:
                        await self._put(tx, e, "recused")
                case _:
                    await tx.queue(_OVER_SQL, (e.body.case_id,))

    async def _put(self, tx: Tx, e: Event[Any], status: str) -> None:
        await tx.queue(_PUT_SQL, (e.body.case_id, e.body.mediator_id, e.district, status))
