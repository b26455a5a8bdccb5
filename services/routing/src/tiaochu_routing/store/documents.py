"""Reading documents for queries."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import not_found
from tiaochu_kit import access
from tiaochu_kit.database import Tx
from tiaochu_kit.documents import DocumentTable
from tiaochu_kit.principal import Principal
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.responsibility import Responsibility
from tiaochu_routing.usecases.tables import CASE_FACTS, RESPONSIBILITIES

A = TypeVar("A", bound=Aggregate)

_NAMES_SQL = "SELECT id::text, name FROM organs WHERE id = ANY(%s::uuid[])"


async def one(tx: Tx, table: DocumentTable[A], ident: str) -> A | None:
    """A document by id."""
    rows = await tx.rows(table.select_sql(), ([ident],))
    return table.decode(rows[0][0]) if rows else None


async def visible_case(tx: Tx, principal: Principal, case_id: str) -> tuple[Responsibility, CaseFacts]:
    """A case the caller may see, with the intake's facts; NOT_FOUND otherwise."""
    marks = await access.queue(tx, case_id)
    case = await one(tx, RESPONSIBILITIES, case_id)
    if case is None or not access.allows(principal, case.organ_path, await marks.fetchall()):
        raise not_found(RESPONSIBILITIES.name, case_id)
    facts = await one(tx, CASE_FACTS, case_id)
    return case, facts or CaseFacts(id=case_id, district=case.district)


async def organ_names(tx: Tx, organ_ids: Iterable[str]) -> dict[str, str]:
    """Names of organs; unknown ones are left out."""
    wanted = sorted({ident for ident in organ_ids if ident})
    return dict(await tx.rows(_NAMES_SQL, (wanted,))) if wanted else {}


def stamp(instant: Any) -> Timestamp | None:
    """An instant as messages carry it."""
    if instant is None:
        return None
    made = Timestamp()
    made.FromDatetime(instant)
    return made


def decoded(table: DocumentTable[A], rows: Sequence[tuple[Any, ...]]) -> list[A]:
    """Documents of rows whose first column is `doc::text`."""
    return [table.decode(row[0]) for row in rows]
