"""What follows from an event, recomputed from the journals: in every service once, and in the order of the log."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from robustness.history import History

if TYPE_CHECKING:
    from robustness.books import Books

COPIES: Mapping[str, str] = {
    "intake": "SELECT id::text FROM cases",
    "routing": "SELECT id::text FROM responsibilities",
    "mediation": "SELECT id::text FROM mediations",
    "docking": "SELECT id::text FROM case_files",
    "reporting": "SELECT case_id::text FROM counted_cases JOIN lineages USING (lineage) WHERE state = 'live'",
}
"""Where each service keeps what it knows of a case: a row each."""
COUNTED: Mapping[str, tuple[str, ...]] = {
    "intake": ("CaseRegistered", "CaseClassified", "CaseMerged", "HistoryResultRecorded"),
    "routing": ("ResponsibilityStarted", "TransferSigned", "UnitDesignated", "CaseAccepted", "CaseDeclined"),
    "mediation": (
        *("MediationOpened", "AgreementEffective", "MediationTerminated", "ConfirmationRequested", "ConfirmationDecided"),
        "AgreementPerformed",
    ),
}
"""Producer → the events that reporting counts."""
ONCE = (("intake", "CaseRegistered"), ("routing", "ResponsibilityStarted"))
"""Events that every case has once."""
ONCE_AT_MOST = {
    "intake": ("CaseMerged", "ApplicationWithdrawn", "ConsentConcluded", "CorrectionLapsed"),
    "routing": ("CaseAccepted", "CaseDeclined", "MergeConfirmed", "ResponsibilityEnded"),
    "mediation": ("MediationOpened", "MediationDropped", "MediationTerminated", "CaseClosed", "AgreementPerformed"),
    "docking": (),
}
"""Events that no case has twice."""
LEADS_TO = (
    (("routing", "MergeConfirmed"), ("intake", "CaseMerged")),
    (("docking", "CourtRulingReceived"), ("mediation", "ConfirmationDecided")),
    (("intake", "CaseClassified"), ("routing", "LeadNamed")),
)
"""An event → what its reader does then, once for each."""

_FACTS_SQL = """
SELECT district, position, kind FROM facts JOIN lineages USING (lineage) WHERE state = 'live' AND producer = %s
"""
_TOTALS = ("registered", "accepted", "declined", "total", "successful", "performed", "confirmation_applied", "confirmation_valid")
_TOTALS_SQL = f"""
SELECT {", ".join(f"coalesce(sum({name}), 0)::bigint" for name in _TOTALS)} FROM month_totals JOIN lineages USING (lineage) WHERE state = 'live'
"""


def problems(books: "Books", history: History) -> Iterator[str]:
    """What was not done, done twice, or done otherwise."""
    yield from _cases(books, history)
    yield from _reactions(books)
    yield from _copies(books)
    yield from _facts(books)
    yield from _statistics(books)


def _cases(books: "Books", history: History) -> Iterator[str]:
    """Every service knows exactly the cases that were registered, each once."""
    registered = set(history.holders)
    classified = {e.case_id for e in books.events("intake", "CaseClassified")}
    for service, sql in COPIES.items():
        known = [row[0] for row in books.rows(service, sql)]
        wanted = registered & classified if service == "docking" else registered  # a case nobody classified is nothing to tell an agency of
        if sorted(known) != sorted(wanted):
            yield f"{service} knows {len(known)} cases of {len(wanted)}: {set(known) ^ wanted}"
    for service, name in ONCE:
        subjects = books.rows(service, "SELECT subject, count(*) FROM journal WHERE type LIKE %s GROUP BY subject", (f"%.{name}",))
        if dict(subjects) != dict.fromkeys(registered, 1):
            yield f"{service}: {name} is not there once for every case"
    offered = books.rows("docking", "SELECT id::text, case_id FROM exchanges WHERE case_id <> '' AND doc ->> 'offerer' = 'theirs'")
    if dict(offered) != history.offers:
        yield f"docking linked {len(offered)} exchanges of {len(history.offers)}"


def _reactions(books: "Books") -> Iterator[str]:
    counted = {service: Counter((e.name, e.case_id) for e in books.events(service)) for service in ONCE_AT_MOST}
    for service, names in ONCE_AT_MOST.items():
        for (name, case_id), count in counted[service].items():
            if name in names and case_id and count > 1:
                yield f"{service}: {name} happened to {case_id} {count} times"
    merged = {case_id for (name, case_id) in counted["routing"] if name == "MergeConfirmed"}
    for (producer, cause), (service, effect) in LEADS_TO:
        free = merged if effect == "LeadNamed" else set()  # a case that is merged away may be so before its lead is named
        causes = {case_id: n for (name, case_id), n in counted[producer].items() if name == cause and case_id not in free}
        found = {case_id: n for (name, case_id), n in counted[service].items() if name == effect and case_id not in free}
        if causes != found:
            wrong = sorted(case_id for case_id in causes.keys() | found.keys() if causes.get(case_id) != found.get(case_id))
            yield f"{service}: {effect} does not follow once from each {cause} of {producer}: {wrong[:5]}"
    for name, case_id in counted["routing"]:
        opened, dropped = (counted["mediation"][kind, case_id] for kind in ("MediationOpened", "MediationDropped"))
        if name == "CaseAccepted" and not opened and not dropped and not counted["mediation"]["MediationTerminated", case_id]:
            yield f"mediation: {case_id} was accepted and nothing was opened"


def _copies(books: "Books") -> Iterator[str]:
    """What a service holds of another's facts is what the other's journal says last."""
    last = {(e.name, e.case_id): e.body for service in ("intake", "routing", "mediation") for e in books.events(service)}
    for service, table, column in (
        ("routing", "case_facts", "category"),
        ("mediation", "case_facts", _IN_DOC),
        ("docking", "case_files", _IN_DOC),
    ):
        for case_id, category in books.rows(service, f"SELECT id::text, {column} FROM {table}"):
            classified = last.get(("CaseClassified", case_id))
            if classified is not None and classified.category != category:
                yield f"{service} holds {category} for {case_id}, which intake classified as {classified.category}"
    for service, what, name, sql in _KNOWN:
        for case_id, known in books.rows(service, sql):
            if known is not ((name, case_id) in last):
                yield f"{service} does not know whether {case_id} {what}"
    holders = dict(books.rows("routing", "SELECT id::text, doc -> 'holdings' -> -1 -> 'unit' ->> 'id' FROM responsibilities"))
    for case_id, holder in books.rows("intake", "SELECT id::text, holder_organ_id FROM routing_copies"):
        if holders.get(case_id) != holder:
            yield f"intake takes {holder} for the unit responsible for {case_id}"


_IN_DOC = "doc ->> 'category'"
_KNOWN = (
    ("routing", "was withdrawn", "ApplicationWithdrawn", "SELECT id::text, (doc ->> 'withdrawn')::bool FROM case_facts"),
    ("intake", "was accepted", "CaseAccepted", "SELECT id::text, accepted FROM routing_copies"),
    ("intake", "was declined", "CaseDeclined", "SELECT id::text, declined FROM routing_copies"),
    ("intake", "is over", "ResponsibilityEnded", "SELECT id::text, ended FROM routing_copies"),
    ("docking", "has a mediator", "AssignmentAccepted", "SELECT id::text, doc -> 'accepted' <> 'null' FROM case_files"),
    ("docking", "was declined", "CaseDeclined", "SELECT id::text, doc -> 'declined' <> 'null' FROM case_files"),
)
"""Service, what its copy says, the event that makes it so, and where it stands."""


def _facts(books: "Books") -> Iterator[str]:
    """Reporting has every event of the kinds it counts once."""
    for producer, kinds in COUNTED.items():
        facts = books.rows("reporting", _FACTS_SQL, (producer,))
        told = books.rows(producer, "SELECT district, position, split_part(type, '.', 5) FROM journal")
        if sorted(facts) != sorted(row for row in told if row[2] in kinds):
            yield f"reporting has other facts than {producer} told"


def _statistics(books: "Books") -> Iterator[str]:
    """The figures of all units and months together equal a recount of the journals: a merged case counts with its master only."""
    happened: dict[str, set[str]] = {}
    opened: dict[str, str] = {}
    for service in ("intake", "routing", "mediation"):
        for e in books.events(service):
            happened.setdefault(e.name, set()).add(e.case_id)
            if e.name == "MediationOpened":
                opened[e.case_id] = e.body.mediation_kind
            if e.name == "ConfirmationDecided" and e.body.ruling == "valid":
                happened.setdefault("valid", set()).add(e.case_id)
            if e.name == "MediationTerminated" and not e.body.before_acceptance:
                happened.setdefault("failed", set()).add(e.case_id)

    def cases(name: str) -> set[str]:
        return happened.get(name, set()) - happened.get("CaseMerged", set())

    people = {case for case, kind in opened.items() if kind in ("people", "industry", "")}
    agreed, mediated = cases("AgreementEffective"), set(opened)
    recount = {
        "registered": cases("CaseRegistered"),
        "accepted": cases("CaseAccepted"),
        "declined": cases("CaseDeclined"),
        "total": (agreed | cases("failed")) & people,
        "successful": agreed & people,
        "performed": cases("AgreementPerformed") & mediated,
        "confirmation_applied": cases("ConfirmationRequested") & mediated,
        "confirmation_valid": cases("valid") & mediated,
    }
    [figures] = books.rows("reporting", _TOTALS_SQL)
    for name, figure in zip(_TOTALS, figures, strict=True):
        if figure != len(recount[name]):
            yield f"reporting counts {figure} {name}, a recount of the journals {len(recount[name])}"
