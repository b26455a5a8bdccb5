"""The month table counted again from the journals, and compared with what reporting answers, figure by figure and unit by unit.

A second count, made without reporting's code: a case as all journals told it at the instant asked about. Where months are locked, corrections count
in a later month; each act still counts in exactly one, so whole histories are compared instead of months.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tiaochu.reporting.v1.report_service_pb2 import GetMonthTableResponse
from tiaochu_cli.audit.finding import Check, Finding, collect
from tiaochu_cli.audit.journals import Fact, Journals, of
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.codes import ENTRUSTED_SOURCES, code_list

_PEOPLES = ("people", "industry", "")
"""Kinds of mediation the ministry's table counts (司发通〔2010〕239号)."""
_DIFFICULT = ("complex", "major")

Table = Callable[[str, str], GetMonthTableResponse]
"""(district, period) → the table with a row for every unit."""
Locked = Callable[[str], bool]
"""Whether a district has locked months."""


@dataclass(frozen=True)
class Act:
    """Something that counts: in this month, for this unit and all above it, so much in each figure."""

    month: str
    organ_path: str
    figures: Mapping[str, int]


def check_statistics(journals: Journals, table: Table, locked: Locked) -> Check:
    """Every figure of every month of every district."""
    counted: dict[str, list[Act]] = defaultdict(list)
    for facts in journals.by_case(settled=True).values():
        counted[facts[0].district] += acts(facts)
    return collect("statistics", "统计数据", sum(map(len, counted.values())), _findings(journals, counted, table, locked))


def acts(facts: Sequence[Fact]) -> list[Act]:
    """What one case counts, with everything known about it."""
    registered = next(iter(of(facts, "CaseRegistered")), None)
    if registered is None or of(facts, "CaseMerged"):
        return []  # a merged entry counts once, with its master
    body = registered.body
    received = body.first_received_at.ToDatetime(tzinfo=registered.occurred_at.tzinfo)
    first = Act(_month(received), body.first_receiver_organ_path, {"registered": 1})
    return [first, *(_of_old_register(registered, facts) if body.history else _of_live_case(registered, facts))]


def _of_live_case(registered: Fact, facts: Sequence[Fact]) -> Iterator[Act]:
    for name, figure in (("CaseAccepted", "accepted"), ("CaseDeclined", "declined")):
        for decision in of(facts, name)[:1]:
            yield Act(_month(decision.occurred_at), decision.body.organ_path, {figure: 1})
    for opened in of(facts, "MediationOpened")[:1]:
        path = opened.body.organ_path
        yield from _result(registered, opened, facts)
        for performed in of(facts, "AgreementPerformed")[:1]:
            yield Act(_day_month(performed.body.performed_on, performed), path, {"performed": 1})
        for asked in of(facts, "ConfirmationRequested")[:1]:
            yield Act(_month(asked.occurred_at), path, {"confirmation_applied": 1})
        for ruling in [f for f in of(facts, "ConfirmationDecided") if f.body.ruling == "valid"][:1]:
            yield Act(_day_month(ruling.body.ruled_on, ruling), path, {"confirmation_valid": 1})


def _result(registered: Fact, opened: Fact, facts: Sequence[Fact]) -> Iterator[Act]:
    """The case counts once: in the month its first agreement took effect, else in that of its end after acceptance."""
    agreements = of(facts, "AgreementEffective")
    ends = [f for f in of(facts, "MediationTerminated") if not f.body.before_acceptance]
    path = opened.body.organ_path
    if agreements:
        body = agreements[0].body
        effective = body.effective_at.ToDatetime(tzinfo=registered.occurred_at.tzinfo)
        month, form, agreed_fen = _month(effective), "oral" if body.form == "oral" else "written", body.amount_fen
    elif ends:
        month, form, agreed_fen = _month(ends[0].occurred_at), "", 0
    else:
        return
    if opened.body.mediation_kind not in _PEOPLES:
        yield Act(month, path, {"other_mediation": 1})
        return
    classified = of(facts, "CaseClassified")
    moj_type = classified[-1].body.moj_type if classified else ""
    difficult = bool(classified) and classified[-1].body.difficulty in _DIFFICULT
    yield Act(month, path, _figures(registered, agreed=bool(agreements), form=form, fen=agreed_fen, moj_type=moj_type, difficult=difficult))


def _of_old_register(registered: Fact, facts: Sequence[Fact]) -> Iterator[Act]:
    for told in of(facts, "HistoryResultRecorded")[:1]:
        body, month = told.body, _day_month(told.body.closed_on, told)
        agreed = body.outcome == "agreed"
        form = ("oral" if body.form == "oral" else "written") if agreed else ""
        fen = registered.body.amount_fen if agreed else 0
        yield Act(month, body.organ_path, _figures(registered, agreed=agreed, form=form, fen=fen, moj_type=body.moj_type, difficult=False))
        if body.performed:
            yield Act(month, body.organ_path, {"performed": 1})
        if body.confirmed:
            yield Act(month, body.organ_path, {"confirmation_applied": 1, "confirmation_valid": 1})


def _figures(registered: Fact, *, agreed: bool, form: str, fen: int, moj_type: str, difficult: bool) -> Mapping[str, int]:
    """Everything the result of one case adds. A code of a later release counts as 其他."""
    body = registered.body
    source = body.source if body.source in code_list("source") else "other_organ"
    kind = moj_type if moj_type in code_list("moj_type") else "other"
    made = {
        "total": 1,
        "bodies": 1,
        "parties": body.applicant_count + body.respondent_count,
        "successful" if agreed else "failed": 1,
        "amount": body.amount_fen,
        "agreed_amount": fen,
        f"source.{source}": 1,
        f"type.{kind}": 1,
    }
    made |= {f"form.{form}": 1} if form else {}
    made |= {"difficult": 1} if difficult else {}
    return made | ({"source.entrusted": 1} if source in ENTRUSTED_SOURCES else {})


def _findings(journals: Journals, counted: Mapping[str, Sequence[Act]], table: Table, locked: Locked) -> Iterator[Finding]:
    if "reporting" not in journals.services:
        return
    for district, found in sorted(counted.items()):
        months = sorted({act.month for act in found})
        if locked(district):
            last = max(int(months[-1][:4]), beijing(journals.now).year)
            years = [str(year) for year in range(int(months[0][:4]), last + 1)]
            yield from _compare(district, f"{years[0]}-{years[-1]}", found, [table(district, year) for year in years])
            continue
        for month in months:
            yield from _compare(district, month, [act for act in found if act.month == month], [table(district, month)])


def _compare(district: str, period: str, found: Sequence[Act], tables: Sequence[GetMonthTableResponse]) -> Iterator[Finding]:
    answered: dict[str, Counter[str]] = defaultdict(Counter)
    for row in (row for made in tables for row in made.rows):
        values = dict(row.values)
        values["bodies"] = sum(value for figure, value in values.items() if figure.startswith("body."))
        answered[row.organ_id].update({figure: value for figure, value in values.items() if not figure.startswith("body.")})
    expected = _rolled_up(found, answered)
    for organ_id, figures in sorted(answered.items()):
        for figure in sorted(figures.keys() | expected[organ_id].keys()):
            if figures[figure] != expected[organ_id][figure]:
                detail = f"{period} {figure} of {organ_id or 'district'}: {figures[figure]} for {expected[organ_id][figure]}"
                yield Finding("FIGURE_DIFFERS", district, detail=detail)


def _rolled_up(found: Sequence[Act], units: Iterable[str]) -> dict[str, Counter[str]]:
    """The figures of each unit: its own and those of every unit below it; the empty id is the whole district."""
    expected: dict[str, Counter[str]] = {unit: Counter() for unit in units}
    for act in found:
        for unit in {"", *act.organ_path.split("/")} & expected.keys():
            expected[unit].update(act.figures)
    return expected


def _month(moment: datetime) -> str:
    return f"{beijing(moment):%Y-%m}"


def _day_month(day: str, fact: Fact) -> str:
    return day[:7] if day else _month(fact.occurred_at)
