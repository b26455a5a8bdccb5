"""After a new key is current: every stored number is sealed anew, case by case, without a new version and without an event."""

from dataclasses import replace

from tiaochu_domainkit.sealing import Sealed
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.parties import Party, Representative
from tiaochu_intake.usecases.documents import CASES
from tiaochu_intake.usecases.particulars import Sealer
from tiaochu_kit.database import Database

BATCH = 200

_AFTER_SQL = f"SELECT id::text, version, doc::text FROM cases WHERE id > %s::uuid ORDER BY id LIMIT {BATCH}"  # noqa: S608
_SAVE_SQL = "UPDATE cases SET doc = %s::jsonb WHERE id = %s AND version = %s"
FIRST = "00000000-0000-0000-0000-000000000000"


class Resealing:
    """Walks through all cases. Whoever saves a case meanwhile wins: it was sealed with the current key by that, or comes next time."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def walk(self) -> int:
        """Once through everything; answers how many cases held a number sealed with an older key."""
        done, last = 0, FIRST
        while True:
            async with self._database.transaction() as tx:
                rows = await tx.rows(_AFTER_SQL, (last,))
                for case_id, version, doc in rows:
                    case = CASES.decode(doc)
                    if self._reseal(case):
                        await tx.queue(_SAVE_SQL, (CASES.encode(case), case_id, version))
                        done += 1
            if not rows:
                return done
            last = rows[-1][0]

    def _reseal(self, case: Case) -> bool:
        """Seal what is not current anew; whether anything was."""
        before = (case.applicants, case.respondents)
        case.applicants = [self._party(case.id, p) for p in case.applicants]
        case.respondents = [self._party(case.id, p) for p in case.respondents]
        return before != (case.applicants, case.respondents)

    def _party(self, case_id: str, party: Party) -> Party:
        return replace(
            party,
            id_number=self._sealed(case_id, party.id, "id_number", party.id_number),
            phone=self._sealed(case_id, party.id, "phone", party.phone),
            representatives=tuple(self._representative(case_id, r) for r in party.representatives),
        )

    def _representative(self, case_id: str, r: Representative) -> Representative:
        return replace(
            r,
            id_number=self._sealed(case_id, r.id, "id_number", r.id_number),
            phone=self._sealed(case_id, r.id, "phone", r.phone),
        )

    def _sealed(self, case_id: str, person_id: str, field: str, sealed: Sealed | None) -> Sealed | None:
        return None if sealed is None else self._sealer.renewed(case_id, person_id, field, sealed)
