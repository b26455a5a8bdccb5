"""Who may see a case: one predicate, as Python for one document and as SQL for lists.

A case is seen by the organs above or at its holder (`organ_path` of the document), by organs it was shared with and people it was assigned to
(rows of `case_access`), and by nobody who is barred from it (a recused mediator), whatever else they are. What an assignment opens is closed while the
log it came from was not read to its head lately: somebody may have been recused since.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, func, or_, select, table, true
from sqlalchemy import column as sql_column

from tiaochu_domainkit.access import BARRED, ORGAN, PERSON
from tiaochu_kit.database import Tx
from tiaochu_kit.pipeline import Answer
from tiaochu_kit.principal import Principal

_ROWS_SQL = """
SELECT kind, value FROM case_access a
WHERE subject = %s AND (kind <> 'person' OR NOT EXISTS (SELECT 1 FROM log_checks l WHERE l.producer = a.producer AND l.good_until < now()))
"""
_ACCESS = table("case_access", sql_column("subject"), sql_column("kind"), sql_column("value"), sql_column("producer"))
_CHECKS = table("log_checks", sql_column("producer"), sql_column("good_until"))


async def queue(tx: Tx, subject: str) -> Answer:
    """Queue the read of a case's access rows."""
    return await tx.queue(_ROWS_SQL, (subject,))


def allows(principal: Principal, organ_path: str, marks: Iterable[tuple[str, str]]) -> bool:
    """Whether `principal` sees a case held at `organ_path` with these access rows."""
    if principal.is_service:
        return True
    marks = list(marks)
    if (BARRED, principal.id) in marks:
        return False
    if (PERSON, principal.id) in marks:
        return True
    paths = [organ_path, *(value for kind, value in marks if kind == ORGAN)]
    return bool(principal.organ_path) and any(path.startswith(principal.organ_path) for path in paths)


def visible(principal: Principal, subject: ColumnElement[Any], organ_path: ColumnElement[Any]) -> ColumnElement[bool]:
    """The same rule as a condition of a list query over rows with a case id and the holder's path."""
    if principal.is_service:
        return true()
    mine = _ACCESS.c.subject == subject
    stale = exists(select(1).where(_CHECKS.c.producer == _ACCESS.c.producer, _CHECKS.c.good_until < func.now()))
    shared = exists(
        select(1).where(
            mine,
            or_(
                and_(_ACCESS.c.kind == PERSON, _ACCESS.c.value == bindparam(None, principal.id), ~stale),
                and_(_ACCESS.c.kind == ORGAN, below(principal, _ACCESS.c.value)),
            ),
        )
    )
    barred = exists(select(1).where(mine, _ACCESS.c.kind == BARRED, _ACCESS.c.value == bindparam(None, principal.id)))
    return and_(or_(below(principal, organ_path), shared), ~barred)


def below(principal: Principal, organ_path: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a path lies at or below the principal's organ.

    By `^@` (starts with): it is leakproof, so that an index is used in spite of row-level security, which LIKE is not.
    """
    return organ_path.op("^@", is_comparison=True)(bindparam(None, principal.organ_path)) if principal.organ_path else false()
