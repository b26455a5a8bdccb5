"""The columns of 人民调解案件情况统计表 (司发通〔2010〕239号; domain guide 3.4(a)), as data, and how the ledger becomes rows.

Columns are conditions on entries of the ledger, so that the table, the list behind a figure and the proof all read the same definition.
Performance and confirmation are counted in the month they happen (see `ledger`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tiaochu_domainkit.codes import ENTRUSTED_SOURCES, code_list
from tiaochu_domainkit.errors import invalid
from tiaochu_reporting.domain import ledger

BODIES: Mapping[str, str] = {
    "village": "村(居)调委会",
    "town": "乡镇(街道)调委会",
    "enterprise": "企事业单位调委会",
    "social": "社会团体及其他调委会",
    "industry": "行业性专业性调委会",
    "stationed": "派驻调解室",
}
"""Columns 6-11: the handling body."""

_BODY_OF_KIND: Mapping[str, str] = {
    "village_committee": "village",
    "town_centre": "town",
    "labour_committee": "industry",
    "consumer_committee": "industry",
    "traffic_committee": "industry",
    "property_committee": "industry",
    "medical_committee": "industry",
    "court_workroom": "stationed",
    "procuratorate_workroom": "stationed",
    "police_station": "stationed",
    "traffic_police": "stationed",
}


BODY = "body."


def body_of(organ_kind: str) -> str:
    """The column of a handling organ; a city centre, a bureau and whoever is unknown stand under 社会团体及其他."""
    return _BODY_OF_KIND.get(organ_kind, "social")


@dataclass(frozen=True)
class Figure:
    """One column: entries of this act whose attributes have these values. `measure` names the attribute it sums; empty: it counts.

    The columns of the handling body have no condition: they repeat the total of units whose organ is of that body.
    """

    code: str
    name: str
    group: str
    act: str
    where: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    measure: str = ""

    @property
    def unit(self) -> str:
        """case, person or fen."""
        return {"": "case", "parties": "person"}.get(self.measure, "fen")

    def of(self, entry: ledger.Entry) -> int:
        """What an entry adds to the column."""
        if any(getattr(entry, name) not in values for name, values in self.where.items()):
            return 0
        return int(getattr(entry, self.measure)) if self.measure else 1


def _columns() -> Iterable[Figure]:
    result = ledger.RESULT
    yield Figure("registered", "登记件数", "flow", ledger.REGISTERED)
    yield Figure("accepted", "受理件数", "flow", ledger.ACCEPTED)
    yield Figure("declined", "不予受理件数", "flow", ledger.DECLINED)
    yield Figure("total", "调解案件总数", "cases", result)
    yield Figure("parties", "涉及当事人(人)", "cases", result, measure="parties")
    yield Figure("successful", "调解成功", "cases", result, {"agreed": (True,)})
    yield Figure("failed", "调解未成功", "cases", result, {"agreed": (False,)})
    yield Figure("difficult", "疑难复杂案件", "cases", result, {"difficult": (True,)})
    yield Figure("amount", "涉及金额", "cases", result, measure="amount_fen")
    yield Figure("agreed_amount", "协议涉及金额", "cases", result, measure="agreed_fen")
    for code, name in BODIES.items():
        yield Figure(f"{BODY}{code}", name, "body", result)
    names = code_list("source").names
    for code in ("initiative", "application"):
        yield Figure(f"source.{code}", names[code], "source", result, {"source": (code,)})
    yield Figure("source.entrusted", "接受委托移送调解", "source", result, {"source": ENTRUSTED_SOURCES})
    for code in ENTRUSTED_SOURCES:
        yield Figure(f"source.{code}", names[code], "source", result, {"source": (code,)})
    for code, name in code_list("moj_type").names.items():
        yield Figure(f"type.{code}", name, "type", result, {"moj_type": (code,)})
    yield Figure("form.oral", "口头协议", "form", result, {"form": ("oral",)})
    yield Figure("form.written", "书面协议", "form", result, {"form": ("written",)})
    yield Figure("performed", "履行件数", "outcome", ledger.PERFORMED)
    yield Figure("confirmation_applied", "申请司法确认", "outcome", ledger.APPLIED)
    yield Figure("confirmation_valid", "司法确认有效", "outcome", ledger.CONFIRMED)
    yield Figure("other_mediation", "其他调解(行政、司法、劳动等)", "flow", ledger.OTHER_RESULT)


FIGURES: Mapping[str, Figure] = {f.code: f for f in _columns()}
"""Every column in the order of the form."""


STORED: tuple[Figure, ...] = tuple(f for f in FIGURES.values() if f.group != "body")
"""The columns kept in the totals; the handling body follows from the unit."""

_BY_ACT: Mapping[str, tuple[Figure, ...]] = {act: tuple(f for f in STORED if f.act == act) for act in sorted({f.act for f in STORED})}


def figure(code: str) -> Figure:
    """The column of that code. Reason: FIGURE_UNKNOWN."""
    found = FIGURES.get(code)
    if found is None:
        raise invalid("figure", "FIGURE_UNKNOWN", "没有这一统计栏目")
    return found


@dataclass(frozen=True)
class Organ:
    """A unit as the directory placed it."""

    organ_id: str
    organ_path: str
    kind: str
    tier: str


@dataclass
class Row:
    """A unit with everything below it (`values`), what it handled itself (`own`) and the part that corrects locked months."""

    organ: Organ
    values: dict[str, int] = field(default_factory=dict)
    own: dict[str, int] = field(default_factory=dict)
    adjustments: dict[str, int] = field(default_factory=dict)


WHOLE = Organ("", "/", "", "")
"""The whole district, for callers that stand above its organs."""


def ids(path: str) -> tuple[str, ...]:
    """The organs of a path, from the root."""
    return tuple(part for part in path.split("/") if part)


@dataclass(frozen=True)
class Tally:
    """What one unit handled itself; `adjustment` when it corrects locked months."""

    organ_id: str
    organ_path: str
    adjustment: bool
    values: Mapping[str, int]


def values(entry: ledger.Entry, sign: int = 1) -> Mapping[str, int]:
    """What an entry adds to every stored column."""
    return {f.code: sign * value for f in _BY_ACT[entry.act] if (value := f.of(entry))}


def rows(tallies: Iterable[Tally], organs: Mapping[str, Organ], unit: Organ, levels: int) -> list[Row]:
    """The unit's row, then one for each unit down to `levels` tiers below it that the directory knows or that has a figure.

    A tally counts for every organ of the path it carries: a unit that moved in the tree keeps its figures, and so does its former parent.
    """
    found: dict[str, Row] = {unit.organ_id: Row(unit)}
    for organ in organs.values():
        if _depth(ids(organ.organ_path), unit) in range(1, levels + 1):
            found[organ.organ_id] = Row(organ)
    for tally in tallies:
        path = ids(tally.organ_path)
        if unit.organ_id and unit.organ_id not in path:
            continue
        added = _with_body(tally, organs)
        if not unit.organ_id:
            _add(found[""], tally, added)
        for tier, organ_id in enumerate(path, start=1):
            row = found.get(organ_id)
            if row is None and _depth(path[:tier], unit) in range(1, levels + 1):
                row = found[organ_id] = Row(Organ(organ_id, f"/{'/'.join(path[:tier])}/", "", ""))
            if row is not None:
                _add(row, tally, added)
    return [found.pop(unit.organ_id), *sorted(found.values(), key=lambda r: r.organ.organ_path)]


def _depth(path: tuple[str, ...], unit: Organ) -> int:
    """How many tiers a path lies below the unit; negative where it does not."""
    if not unit.organ_id:
        return len(path)
    return len(path) - 1 - path.index(unit.organ_id) if unit.organ_id in path else -1


def _with_body(tally: Tally, organs: Mapping[str, Organ]) -> Mapping[str, int]:
    total = tally.values.get("total", 0)
    if not total:
        return tally.values
    organ = organs.get(tally.organ_id)
    return {**tally.values, f"{BODY}{body_of(organ.kind if organ else '')}": total}


def _add(row: Row, tally: Tally, added: Mapping[str, int]) -> None:
    sums = [row.values, *([row.own] if tally.organ_id == row.organ.organ_id else []), *([row.adjustments] if tally.adjustment else [])]
    for target in sums:
        for code, value in added.items():
            target[code] = target.get(code, 0) + value


@dataclass(frozen=True)
class Check:
    """One equation of the proof."""

    name: str
    subject: str
    expected: int
    actual: int

    @property
    def holds(self) -> bool:
        """Equal."""
        return self.expected == self.actual


_SUMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "outcomes": ("total", ("successful", "failed")),
    "bodies": ("total", tuple(f"body.{code}" for code in BODIES)),
    "sources": ("total", ("source.initiative", "source.application", "source.entrusted")),
    "entrusted": ("source.entrusted", tuple(f"source.{code}" for code in ENTRUSTED_SOURCES)),
    "types": ("total", tuple(f"type.{code}" for code in code_list("moj_type").names)),
    "forms": ("successful", ("form.oral", "form.written")),
}
"""Check → the column and the columns that must add up to it."""


def column_checks(row: Row) -> list[Check]:
    """Σtypes = Σsources = Σbodies = Σoutcomes = total, Σforms = successful, of one row."""
    value = row.values.get
    return [Check(name, row.organ.organ_id, value(whole, 0), sum(value(p, 0) for p in parts)) for name, (whole, parts) in _SUMS.items()]


def unit_checks(table: list[Row]) -> list[Check]:
    """What the units handled themselves adds up to the whole, figure by figure."""
    own: dict[str, int] = {}
    for row in table:
        for code, value in row.own.items():
            own[code] = own.get(code, 0) + value
    return [Check("units", code, table[0].values.get(code, 0), own.get(code, 0)) for code in FIGURES]
