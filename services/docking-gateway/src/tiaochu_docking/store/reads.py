"""What both edges list: exchanges, packets, deliveries, disclosures, comparisons. Keyset pages by id or place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.store.tables import agencies, deliveries, exchanges, letters, packets, receipts, reconciliations, sharing
from tiaochu_docking.usecases.documents import AGENCIES, DELIVERIES, EXCHANGES
from tiaochu_docking.usecases.ports import ExchangeFilter, PacketRow, Queued, SharingRow
from tiaochu_domainkit.clocks import midnight
from tiaochu_kit.database import Database

_SAVE_SQL = """
INSERT INTO reconciliations (agency_id, day, district, received_at, ours, theirs, differences) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (agency_id, day) DO UPDATE
  SET received_at = excluded.received_at, ours = excluded.ours, theirs = excluded.theirs, differences = excluded.differences
"""


@dataclass(frozen=True)
class Comparison:
    """The last comparison of a day."""

    received_at: datetime
    ours: int
    theirs: int
    differences: Sequence[Mapping[str, str]]


class Reads:
    """Reads within `scope`: a district, several, or all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _rows(self, scope: str, statement: sa.Select[Any]) -> Sequence[Any]:
        async with self._database.read_scope(scope) as connection:
            rows: Sequence[Any] = (await connection.execute(statement)).all()
        return rows

    async def exchanges(self, scope: str, f: ExchangeFilter) -> list[Exchange]:
        """Exchanges that fit, by id."""
        t = exchanges.c
        wanted = {t.agency_id: f.agency_id, t.docking: f.docking, t.status: f.state, t.case_id: f.case_id, t.case_number: f.case_number}
        wanted[t.external_no] = f.external_no
        statement = sa.select(sa.cast(t.doc, sa.Text)).where(*(column == value for column, value in wanted.items() if value))
        if f.updated_after is not None:
            statement = statement.where(t.updated_at > f.updated_after)
        if f.after:
            statement = statement.where(t.id > f.after)
        return [EXCHANGES.decode(doc) for (doc,) in await self._rows(scope, statement.order_by(t.id).limit(f.limit))]

    async def packets(self, scope: str, exchange_id: str, after_seq: int = 0) -> list[PacketRow]:
        """Packets of an exchange in the order of storing."""
        p = packets.c
        statement = self._packets().where(p.exchange_id == exchange_id, p.seq > after_seq).order_by(p.recorded_at, p.seq)
        return [_packet(row) for row in await self._rows(scope, statement)]

    async def packet(self, scope: str, packet_id: str) -> PacketRow | None:
        """One packet."""
        rows = await self._rows(scope, self._packets().where(packets.c.packet_id == packet_id))
        return _packet(rows[0]) if rows else None

    async def packets_of_day(self, scope: str, agency_id: str, day: date) -> list[PacketRow]:
        """Packets that passed on a day, Beijing."""
        p = packets.c
        start, end = midnight(day), midnight(day + timedelta(days=1))
        statement = self._packets().where(p.agency_id == agency_id, p.recorded_at >= start, p.recorded_at < end).order_by(p.recorded_at)
        return [_packet(row) for row in await self._rows(scope, statement)]

    def _packets(self) -> sa.Select[Any]:
        p, r = packets.c, receipts.c
        joined = packets.outerjoin(receipts, r.packet_id == p.packet_id)
        return sa.select(
            sa.cast(p.packet_id, sa.Text), p.agency_id, p.exchange_id, p.direction, p.kind, p.seq, p.in_reply_to, p.sha256, p.state, p.issued_at,
            p.recorded_at, sa.func.coalesce(r.receipt_id, "").label("receipt_id"),
        ).select_from(joined)  # fmt: skip

    async def letter_headers(self, scope: str, agency_id: str, ident: str) -> dict[str, str]:
        """The signature headers of a letter, as they came or as it last left."""
        statement = sa.select(letters.c.headers).where(letters.c.agency_id == agency_id, letters.c.ident == ident)
        rows = await self._rows(scope, statement)
        return dict(rows[0][0]) if rows else {}

    async def deliveries(
        self, scope: str, wanted: Mapping[str, str], *, after: tuple[str, int] | None = None, limit: int = 50
    ) -> list[Queued]:
        """Deliveries by agency and place. `wanted`: column → value, empty values do not count."""
        d = deliveries.c
        statement = sa.select(sa.cast(d.doc, sa.Text), d.position).where(*(d[name] == value for name, value in wanted.items() if value))
        if after is not None:
            statement = statement.where(sa.tuple_(d.agency_id, d.position) > sa.tuple_(sa.literal(after[0]), sa.literal(after[1])))
        rows = await self._rows(scope, statement.order_by(d.agency_id, d.position).limit(limit))
        return [Queued(DELIVERIES.decode(doc), position) for doc, position in rows]

    async def sharing(
        self, scope: str, *, agency_id: str = "", case_id: str = "", after: tuple[str, int] | None = None, limit: int = 50
    ) -> list[SharingRow]:
        """The ledger by agency and number."""
        s = sharing.c
        statement = sa.select(s.agency_id, s.seq, s.entry, s.hash)
        statement = statement.where(*(c == v for c, v in ((s.agency_id, agency_id), (s.case_id, case_id)) if v))
        if after is not None:
            statement = statement.where(sa.tuple_(s.agency_id, s.seq) > sa.tuple_(sa.literal(after[0]), sa.literal(after[1])))
        rows = await self._rows(scope, statement.order_by(s.agency_id, s.seq).limit(limit))
        return [SharingRow(agency, seq, bytes(entry), bytes(hash_)) for agency, seq, entry, hash_ in rows]

    async def agencies(self, scope: str, kind: str, after: str, limit: int) -> list[Any]:
        """Agencies by code, with the version as etag."""
        a = agencies.c
        statement = sa.select(sa.cast(a.doc, sa.Text)).where(*([a.kind == kind] if kind else []), a.code > after)
        return [AGENCIES.decode(doc) for (doc,) in await self._rows(scope, statement.order_by(a.code).limit(limit))]

    async def agency_names(self, scope: str, ids: Sequence[str]) -> dict[str, str]:
        """Name by id; unknown ids are left out."""
        a = agencies.c
        rows = await self._rows(scope, sa.select(sa.cast(a.id, sa.Text), a.doc["name"].astext).where(a.id.in_(ids)))
        return dict(rows)

    async def comparison(self, scope: str, agency_id: str, day: date) -> Comparison | None:
        """The last comparison of a day."""
        r = reconciliations.c
        statement = sa.select(r.received_at, r.ours, r.theirs, r.differences).where(r.agency_id == agency_id, r.day == day)
        rows = await self._rows(scope, statement)
        return Comparison(*rows[0]) if rows else None

    async def save_comparison(
        self, district: str, agency_id: str, day: date, *, ours: int, theirs: int, differences: str, at: datetime
    ) -> None:
        """Keep the newest comparison of a day; `differences` is JSON."""
        async with self._database.transaction(district) as tx:
            await tx.queue(_SAVE_SQL, (agency_id, day, district, at, ours, theirs, differences))


def _packet(row: Any) -> PacketRow:
    return PacketRow(*row)
