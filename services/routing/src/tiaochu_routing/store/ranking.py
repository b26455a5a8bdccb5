"""Mediators for a case."""

from datetime import date

from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu_domainkit.clocks import beijing
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.usecase import Context, query
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.ranking import MEDIATOR_ROLES, Candidate, Ranked, rank
from tiaochu_routing.store.documents import visible_case
from tiaochu_routing.usecases.tables import MEDIATORS

_CANDIDATES_SQL = """
SELECT m.doc::text, s.doc ->> 'name', p.organ_id, o.organ_path, o.name,
  (SELECT count(*) FROM assignments a WHERE a.mediator_id = m.id AND a.status IN ('chosen', 'accepted')) AS open_cases,
  coalesce((SELECT a.status FROM assignments a WHERE a.mediator_id = m.id AND a.case_id = %s), '') AS past
FROM mediators m
JOIN staff s ON s.id = m.id
JOIN LATERAL (
  SELECT organ_id::text FROM staff_posts WHERE person_id = m.id AND role = ANY(%s) AND valid_from <= %s AND (valid_to IS NULL OR valid_to > %s)
  ORDER BY valid_from, id LIMIT 1
) p ON true
JOIN organs o ON o.id = p.organ_id::uuid
WHERE m.district = %s
"""


class Ranking:
    """Ranks; whom to choose is the parties' or the mediation's decision."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @query
    async def rank_mediators(self, ctx: Context, r: pb.RankMediatorsRequest) -> pb.RankMediatorsResponse:
        """Best first, with every part of the score explained."""
        today = beijing(ctx.now).date()
        async with self._database.transaction(ctx.principal.scope) as tx:
            case, facts = await visible_case(tx, ctx.principal, r.case_id)
            candidates = await _candidates(tx, case.id, case.district, today)
        ranked = rank(candidates, facts, case.holder, list(r.languages), today)
        return pb.RankMediatorsResponse(mediators=[_message(one) for one in ranked[: r.limit or 10]])


async def _candidates(tx: Tx, case_id: str, district: str, today: date) -> list[Candidate]:
    rows = await tx.rows(_CANDIDATES_SQL, (case_id, list(MEDIATOR_ROLES), today, today, district))
    return [
        Candidate(MEDIATORS.decode(doc), name, Unit(organ_id, path), organ_name, open_cases, past)
        for doc, name, organ_id, path, organ_name, open_cases, past in rows
    ]


def _message(one: Ranked) -> pb.RankedMediator:
    c = one.candidate
    return pb.RankedMediator(
        mediator_id=c.entry.id,
        name=c.name,
        organ_id=c.unit.id,
        organ_name=c.unit_name,
        score=one.score,
        parts=[pb.ScorePart(criterion=p.criterion, points=p.points, of=p.of, zh=p.zh) for p in one.parts],
        excluded=one.excluded,
        open_cases=c.open_cases,
        max_load=c.entry.max_load,
    )
