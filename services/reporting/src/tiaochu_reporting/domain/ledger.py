"""What a case adds to the statistics: a pure function of the facts known about it, at every moment of recording.

**Which event fixes the month.** A case counts once, in the month (Beijing time) of the act that gave it its result (结果): its first agreement
taking effect, or, where there is none, the end of the mediation after acceptance without agreement. Before that it is work in hand and in no
column of the ministry's table; what ended before acceptance was never mediated. An old register's case counts in the month it was closed. What follows the result
(performance, judicial confirmation) and what precedes it (registration, acceptance, refusal) are columns of their own, each in the month of
its own act, so that ordinary work never disturbs a month that is past.

**As of.** The ledger holds postings: what was added or taken back at the moment a fact was recorded. The table as known at T is the sum of
the postings up to T. The order in which events of different services arrive does not matter: the postings of a case are made anew from all its facts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from tiaochu_domainkit.codes import code_list
from tiaochu_reporting.domain.facts import Fact
from tiaochu_reporting.domain.periods import month_of

REGISTERED, ACCEPTED, DECLINED = "registered", "accepted", "declined"
RESULT, OTHER_RESULT = "result", "other_result"
PERFORMED, APPLIED, CONFIRMED = "performed", "confirmation_applied", "confirmation_valid"

PEOPLES_MEDIATION = ("people", "industry", "")
"""Kinds of mediation the ministry's table counts (人民调解, incl. 行业性专业性); the others are shown beside it."""
DIFFICULT = ("complex", "major")
"""疑难复杂 and 重大 (domain guide 3.6)."""
_LATE_SOURCE, _LATE_TYPE = "other_organ", "other"


@dataclass(frozen=True)
class Entry:
    """One act of one case that counts. What is not the result carries no attributes: a later classification must not touch it."""

    act: str
    month: date
    organ_id: str
    organ_path: str
    agreed: bool = False
    source: str = ""
    moj_type: str = ""
    form: str = ""
    difficult: bool = False
    parties: int = 0
    amount_fen: int = 0
    agreed_fen: int = 0


@dataclass(frozen=True)
class Posting:
    """An entry added (`sign` 1) or taken back (-1) by what was recorded at that moment."""

    recorded_at: datetime
    sign: int
    entry: Entry


@dataclass(frozen=True)
class CaseHead:
    """What lists show of a case and by what it is guarded: its number and its present holder."""

    case_number: str = ""
    organ_path: str = ""


@dataclass
class _Known:
    """The first, or for classifications the last, fact of each kind."""

    first: dict[str, Fact] = field(default_factory=dict)
    last: dict[str, Fact] = field(default_factory=dict)

    def get(self, kind: str) -> Fact | None:
        return self.first.get(kind)


def postings(facts: Iterable[Fact]) -> list[Posting]:
    """The whole ledger of one case, oldest first."""
    known = sorted(facts, key=lambda f: (f.producer, f.position))
    made: list[Posting] = []
    before: Mapping[str, Entry] = {}
    for moment in sorted({f.recorded_at for f in known}):
        now = entries([f for f in known if f.recorded_at <= moment])
        for act in sorted(before.keys() | now.keys()):
            old, new = before.get(act), now.get(act)
            if old != new:
                made += [Posting(moment, -1, old)] if old else []
                made += [Posting(moment, 1, new)] if new else []
        before = now
    return made


def entries(facts: Sequence[Fact]) -> Mapping[str, Entry]:
    """What a case adds when exactly these facts, each producer's in its order, are known; by act."""
    known = _known(facts)
    registered = known.get("CaseRegistered")
    if registered is None or known.get("CaseMerged") is not None:
        return {}  # A merged entry counts once, with its master.
    found = _history(known, registered) if registered.data["history"] else _live(known)
    return {e.act: e for e in (_registration(registered), *found)}


def head(facts: Iterable[Fact]) -> CaseHead:
    """Number and holder as known now."""
    known = sorted(facts, key=lambda f: (f.producer, f.position))
    registered = next((f for f in known if f.kind == "CaseRegistered"), None)
    holders = [f for f in known if "responsibility_version" in f.data]
    holder = max(holders, key=lambda f: int(f.data["responsibility_version"]), default=None)
    path = (holder.data.get("organ_path") or holder.data.get("to_organ_path")) if holder else None
    first = registered.data if registered else {}
    return CaseHead(str(first.get("case_number", "")), str(path or first.get("first_receiver_organ_path", "")))


def _known(facts: Sequence[Fact]) -> _Known:
    known = _Known()
    for fact in facts:
        kind = "ConfirmedValid" if fact.kind == "ConfirmationDecided" and fact.data["ruling"] == "valid" else fact.kind
        known.first.setdefault(kind, fact)
        known.last[kind] = fact
    return known


def _registration(registered: Fact) -> Entry:
    d = registered.data
    month = month_of(registered.moment("first_received_at"))
    return Entry(REGISTERED, month, d["first_receiver_organ_id"], d["first_receiver_organ_path"])


def _live(known: _Known) -> list[Entry]:
    found = [_by_unit(act, fact) for act, kind in ((ACCEPTED, "CaseAccepted"), (DECLINED, "CaseDeclined")) if (fact := known.get(kind))]
    opened = known.get("MediationOpened")
    if opened is None:
        return found
    result = _result(known, opened)
    unit = (str(opened.data["organ_id"]), str(opened.data["organ_path"]))
    return [*found, *([result] if result else []), *_after_agreement(known, unit)]


def _by_unit(act: str, fact: Fact) -> Entry:
    return Entry(act, month_of(fact.occurred_at), fact.data["organ_id"], fact.data["organ_path"])


def _result(known: _Known, opened: Fact) -> Entry | None:
    agreement = known.get("AgreementEffective")
    ended = known.get("MediationTerminated")
    unit = (opened.data["organ_id"], opened.data["organ_path"])
    if agreement is not None:
        month = month_of(agreement.moment("effective_at"))
        form = "oral" if agreement.data["form"] == "oral" else "written"
        plain = Entry(RESULT, month, *unit, agreed=True, form=form, agreed_fen=int(agreement.data["amount_fen"]))
    elif ended is not None and not ended.data["before_acceptance"]:
        plain = Entry(RESULT, month_of(ended.occurred_at), *unit)
    else:
        return None
    if opened.data["mediation_kind"] not in PEOPLES_MEDIATION:
        return Entry(OTHER_RESULT, plain.month, plain.organ_id, plain.organ_path, agreed=plain.agreed)
    classified = known.last.get("CaseClassified")
    return _described(known, plain, classified.data if classified else {})


def _described(known: _Known, plain: Entry, classification: Mapping[str, object]) -> Entry:
    """The entry with the attributes of the case. A code this release does not know counts as 其他, so that the columns still add up."""
    d = known.first["CaseRegistered"].data
    source, moj_type = str(d["source"]), str(classification.get("moj_type", ""))
    return replace(
        plain,
        source=source if source in code_list("source") else _LATE_SOURCE,
        moj_type=moj_type if moj_type in code_list("moj_type") else _LATE_TYPE,
        difficult=classification.get("difficulty") in DIFFICULT,
        parties=int(d["applicant_count"]) + int(d["respondent_count"]),
        amount_fen=int(d["amount_fen"]),
    )


def _after_agreement(known: _Known, unit: tuple[str, str]) -> list[Entry]:
    found: list[Entry] = []
    if (performed := known.get("AgreementPerformed")) is not None:
        found.append(Entry(PERFORMED, _month_on(performed, "performed_on"), *unit))
    if (applied := known.get("ConfirmationRequested")) is not None:
        found.append(Entry(APPLIED, month_of(applied.occurred_at), *unit))
    if (valid := known.get("ConfirmedValid")) is not None:
        found.append(Entry(CONFIRMED, _month_on(valid, "ruled_on"), *unit))
    return found


def _history(known: _Known, registered: Fact) -> list[Entry]:
    """A finished case of an old register: everything happened in the month it was closed."""
    told = known.get("HistoryResultRecorded")
    if told is None:
        return []
    d = told.data
    month, unit = _month_on(told, "closed_on"), (d["organ_id"], d["organ_path"])
    agreed = d["outcome"] == "agreed"
    form = ("oral" if d["form"] == "oral" else "written") if agreed else ""
    amount = int(registered.data["amount_fen"]) if agreed else 0
    found = [_described(known, Entry(RESULT, month, *unit, agreed=agreed, form=form, agreed_fen=amount), d)]
    found += [Entry(PERFORMED, month, *unit)] if d["performed"] else []
    found += [Entry(act, month, *unit) for act in (APPLIED, CONFIRMED)] if d["confirmed"] else []
    return found


def _month_on(fact: Fact, name: str) -> date:
    text = fact.data[name]
    return date.fromisoformat(text).replace(day=1) if text else month_of(fact.occurred_at)
