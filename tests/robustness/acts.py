"""What the clients were told, against what stands written: every acknowledged command once, none that was refused, and none by whom had lost the right."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from robustness.history import REFUSED, History, Told

if TYPE_CHECKING:
    from robustness.books import Books

_COMMAND_SQL = """
SELECT headers::json ->> 'correlation', headers::json ->> 'actor', count(*), count(DISTINCT recorded_at)
FROM journal WHERE headers::json ->> 'correlation' IS NOT NULL GROUP BY 1, 2
"""
_KEPT_SQL = "SELECT key, count(*) FROM request_keys GROUP BY key"
_WITHDRAWN_ENDS = ("AcceptCase", "ChooseMediator", "DraftAgreement")
"""Commands that may not be begun when the whole application was withdrawn before."""


def problems(books: "Books", history: History) -> Iterator[str]:
    """What was told and is not so."""
    yield from _written(books, history)
    yield from _responsible(books, history)
    yield from _recused(books)
    yield from _withdrawn(books, history)


def lost_and_doubled(books: "Books", history: History) -> tuple[int, int]:
    """How many acknowledged commands stand in no journal, and how many more than once."""
    lost = doubled = 0
    for service, told in _by_service(history.acknowledged):
        written = {(rid, actor): moments for rid, actor, _, moments in books.rows(service, _COMMAND_SQL)}
        moments = [written.get((t.request_id, t.person_id), 0) for t in told]
        lost, doubled = lost + moments.count(0), doubled + sum(count > 1 for count in moments)
    return lost, doubled


def _written(books: "Books", history: History) -> Iterator[str]:
    """An acknowledged command wrote its events in one transaction and keeps one answer; a refused one wrote nothing."""
    for service, told in _by_service(history.told):
        written = {(rid, actor): counts for rid, actor, *counts in books.rows(service, _COMMAND_SQL)}
        kept = dict(books.rows(service, _KEPT_SQL))
        granted = {t.request_id for t in told if t.answer}
        for t in told:
            events, moments = written.get((t.request_id, t.person_id), (0, 0))
            if t.outcome == REFUSED:
                if events and t.request_id not in granted:
                    yield f"{service} {t.rpc} {t.request_id}: refused ({t.reason}) and yet {events} events"
            elif t.request_id in granted:
                if events == 0 or moments != 1:
                    yield f"{service} {t.rpc} {t.request_id}: {events} events of {moments} transactions"
                if kept.get(t.request_id) != 1:
                    yield f"{service} {t.rpc} {t.request_id}: {kept.get(t.request_id, 0)} answers are kept"
            elif moments > 1:
                yield f"{service} {t.rpc} {t.request_id}: not answered, and done {moments} times"


def _by_service(told: list[Told]) -> list[tuple[str, list[Told]]]:
    return [(service, [t for t in told if t.service == service]) for service in sorted({t.service for t in told})]


def _responsible(books: "Books", history: History) -> Iterator[str]:
    """At every instant a case has one responsible unit, and only that unit disposes of the case."""
    holdings = dict(books.rows("routing", "SELECT id::text, doc -> 'holdings' FROM responsibilities"))
    model: dict[str, list[str]] = {}
    for event in sorted(books.events("routing"), key=lambda e: (e.case_id, e.version)):
        held = model.setdefault(event.case_id, []) if event.case_id else []
        organ = event.headers.get("organ", "")
        match event.name:
            case "ResponsibilityStarted" | "UnitDesignated":
                held.append(event.body.organ_id)
            case "TransferSigned":
                if held[-1:] != [event.body.from_organ_id]:
                    yield f"routing: {event.case_id} was handed over by {event.body.from_organ_id}, not by the unit that held it"
                held.append(event.body.to_organ_id)
            case "TransferOffered" | "CaseAccepted" | "CaseDeclined" if organ and held and organ != held[-1]:
                yield f"routing: {event.name} of {event.case_id} by {organ}, which was not responsible any more"
            case _:
                continue
        version = getattr(event.body, "responsibility_version", len(held))
        if version != len(held):
            yield f"routing: {event.name} of {event.case_id} is number {version}, the model counts {len(held)}"
    for case_id, holder in history.holders.items():
        rows, since = holdings.get(case_id, []), [h["since"] for h in holdings.get(case_id, [])]
        if [h["unit"]["id"] for h in rows] != model.get(case_id) or since != sorted(set(since)):
            yield f"routing: the holdings of {case_id} do not follow each other"
        if not rows or rows[-1]["unit"]["id"] != holder:
            yield f"routing: {case_id} is held by another unit than the one that signed last"


def _recused(books: "Books") -> Iterator[str]:
    """Nothing stands in a mediation by a person after the decision that replaced them."""
    barred: set[tuple[str, str]] = set()
    for event in sorted(books.events("mediation"), key=lambda e: (e.case_id, e.version)):
        if (event.case_id, event.headers.get("actor", "")) in barred:
            yield f"mediation: {event.name} of {event.case_id} by a mediator who was replaced before"
        if event.name == "RecusalDecided" and event.body.replaced:
            barred.add((event.case_id, event.body.mediator_id))


def _withdrawn(books: "Books", history: History) -> Iterator[str]:
    """No command was begun, and granted, after the application had been withdrawn for everybody to know."""
    gone = {e.case_id: e.headers.get("correlation", "") for e in books.events("intake", "ApplicationWithdrawn")}
    since = {t.case_id: t.ended for t in history.acknowledged if t.request_id == gone.get(t.case_id)}
    for t in history.acknowledged:
        if t.rpc in _WITHDRAWN_ENDS and t.began > since.get(t.case_id, float("inf")):
            yield f"{t.service} {t.rpc} {t.request_id}: granted although the application had been withdrawn"
