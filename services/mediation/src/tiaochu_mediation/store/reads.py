"""Reading mediations and texts, within the caller's districts and the case's access rows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tiaochu_domainkit.errors import not_found
from tiaochu_kit import access
from tiaochu_kit.database import Database
from tiaochu_kit.principal import Context
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.usecases.ports import KeptPerformance, KeptText
from tiaochu_mediation.usecases.tables import CASE_FACTS, MEDIATIONS
from tiaochu_mediation.usecases.texts import CAUCUS

_TEXT_COLUMNS = "id::text, kind, ref, party_id, body, sha256"
_TEXTS_SQL = f"SELECT {_TEXT_COLUMNS} FROM texts WHERE id = ANY(%s::uuid[])"  # noqa: S608 - constants
_PERFORMANCES_SQL = """
SELECT id::text, obligation_id::text, amount_fen, performed_on, late, proof_file_id, confirmed_by_obligee
FROM performances WHERE agreement_id = %s ORDER BY id
"""
_CAUCUS_SQL = f"SELECT {_TEXT_COLUMNS} FROM texts WHERE ref = %s AND kind = '{CAUCUS}' ORDER BY id"  # noqa: S608 - constants


class StoredReads:
    """Answers `usecases.ports.Reads`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mediation(self, ctx: Context, case_id: str) -> Mediation:
        """The mediation of a case the caller may see. A recusal counts at once, before its news went round."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            document = await tx.queue(MEDIATIONS.select_sql(), ([case_id],))
            rows = await access.queue(tx, case_id)
            await tx.send()
            found = await document.fetchone()
            marks = [(kind, value) for kind, value in await rows.fetchall()]
        if found is None:
            raise not_found(MEDIATIONS.name, case_id)
        mediation = MEDIATIONS.decode(found[0])
        if ctx.principal.id in mediation.recused or not access.allows(ctx.principal, mediation.organ_path, marks):
            raise not_found(MEDIATIONS.name, case_id)
        return mediation

    async def facts(self, ctx: Context, case_id: str) -> CaseFacts | None:
        """What intake said of the case."""
        rows = await self._rows(ctx, CASE_FACTS.select_sql(), ([case_id],))
        return CASE_FACTS.decode(rows[0][0]) if rows else None

    async def texts(self, ctx: Context, ids: Collection[str]) -> Mapping[str, KeptText]:
        """Texts by id."""
        return {text.id: text for text in (KeptText(*row) for row in await self._rows(ctx, _TEXTS_SQL, (list(ids),)))}

    async def performances(self, ctx: Context, agreement_id: str) -> Sequence[KeptPerformance]:
        """The ledger of an agreement, oldest entry first."""
        return [KeptPerformance(*row) for row in await self._rows(ctx, _PERFORMANCES_SQL, (agreement_id,))]

    async def caucus_notes(self, ctx: Context, session_id: str) -> Sequence[KeptText]:
        """What was said apart in a session, in the order it was written down."""
        return [KeptText(*row) for row in await self._rows(ctx, _CAUCUS_SQL, (session_id,))]

    async def _rows(self, ctx: Context, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        async with self._database.transaction(ctx.principal.scope) as tx:
            return await tx.rows(sql, values)
