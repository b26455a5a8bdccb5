"""Rows of made cases, service by service, in the text form of COPY."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from bench.pattern import SERIAL, TOKEN, BytePattern, Pattern, clock_mark, slot
from bench.people import CachedKeyring, Stories, name
from bench.plan import Group
from bench.shifting import Shift
from bench.template import Template
from tiaochu_demo.directory import CITY, load_directory
from tiaochu_demo.synthetic.identity import credit_code, mobile, resident_id
from tiaochu_domainkit import text
from tiaochu_domainkit.sealing import Sealed
from tiaochu_intake.store.search import FIELD_END
from tiaochu_intake.usecases.documents import CASES
from tiaochu_kit.log import chain
from tiaochu_reporting.domain.facts import Fact
from tiaochu_reporting.domain.ledger import head, postings
from tiaochu_reporting.edge import register
from tiaochu_reporting.store.ledger import _Totals
from tiaochu_routing.usecases.tables import clock_id

Rows = dict[str, list[str]]
"""Table → lines for COPY."""
JOURNAL = "event_id, aggregate_id, version, type, district, subject, occurred_at, recorded_at, headers, payload, position, hash"
register()  # every event's message is known from here on


class Log:
    """One service's log of one district: gives positions and the running hash."""

    def __init__(self, position: int, running: bytes) -> None:
        self.position, self.hash = position, running

    def line(self, row: Sequence[Any]) -> str:
        """The next journal row."""
        self.position += 1
        self.hash = chain(self.hash, self.position, row)
        event_id, type_, aggregate_id, version, subject, district, occurred_at, recorded_at, headers, payload = row
        return (
            f"{event_id}\t{aggregate_id}\t{version}\t{type_}\t{district}\t{subject}\t{occurred_at}\t{recorded_at}\t{headers}\t"
            f"\\\\x{payload.hex()}\t{self.position}\t\\\\x{self.hash.hex()}\n"
        )


class Maker:
    """Makes the rows of one service. Subclasses add what is different there."""

    service = ""

    def __init__(self, log: Log) -> None:
        self.log = log

    def make(self, group: Group, rows: Rows) -> None:
        """Append the rows of a group of cases."""
        shift = group.shift
        template = shift.template
        tables = {table: Pattern(content) for table, content in self.shifted(shift).items() if content}
        events = [(e, BytePattern(e.payload)) for e in map(shift.event, template.events[self.service])]
        case_id = shift.ids(template.case_id)
        for token, serial in zip(group.tokens, group.serials, strict=True):
            values = {TOKEN: token, SERIAL: serial, **_clocks(template, shift, case_id, token)}
            values |= self.extra(shift, case_id.replace(TOKEN, token), values)
            for table, pattern in tables.items():
                rows.setdefault(table, []).append(pattern.fill(values))
            if events:
                self._journal(events, values, rows)
            self.more(shift, values, rows)

    def _journal(self, events: Iterable[tuple[Any, BytePattern]], values: Mapping[str, str], rows: Rows) -> None:
        token = values[TOKEN]
        lines = rows.setdefault("journal", [])
        for e, payload in events:
            aggregate = values[e.aggregate_id] if e.aggregate_id in values else e.aggregate_id.replace(TOKEN, token)
            row = (
                *(e.event_id.replace(TOKEN, token), e.type, aggregate, e.version, e.subject.replace(TOKEN, token), e.district),
                *(e.occurred_at, e.recorded_at, e.headers.replace(TOKEN, token), payload.fill(values)),
            )
            lines.append(self.log.line(row))

    def shifted(self, shift: Shift) -> dict[str, str]:
        """Table → the lines of one case with their marks."""
        return {table: shift.text("".join(lines)) for (service, table), lines in shift.template.rows.items() if service == self.service}

    def extra(self, shift: Shift, case_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """Values of the service's own slots for one case."""
        return {}

    def more(self, shift: Shift, values: Mapping[str, str], rows: Rows) -> None:
        """Rows that are not patterns."""


def _clocks(template: Template, shift: Shift, case_id: str, token: str) -> dict[str, str]:
    own = case_id.replace(TOKEN, token)
    return {clock_mark(n): clock_id(own, clock.rule, shift.ids(clock.ref).replace(TOKEN, token)) for n, clock in enumerate(template.clocks)}


class Routing(Maker):
    """Nothing is different."""

    service = "routing"


class Mediation(Maker):
    """Its texts are the template's: their hashes stand in events."""

    service = "mediation"


class Docking(Maker):
    """Deliveries have a place in their agency's outbox."""

    service = "docking"

    def __init__(self, log: Log, places: dict[str, int]) -> None:
        super().__init__(log)
        self.places = places

    def shifted(self, shift: Shift) -> dict[str, str]:
        """See `Maker`."""
        tables = super().shifted(shift)
        lines = [line.split("\t") for line in tables["deliveries"].splitlines(keepends=True)]
        for n, fields in enumerate(lines):
            fields[4] = slot(f"place{n}")
        self._agencies = [fields[5] for fields in lines]
        tables["deliveries"] = "".join("\t".join(fields) for fields in lines)
        return tables

    def extra(self, shift: Shift, case_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """See `Maker`."""
        found = {}
        for n, agency in enumerate(self._agencies):
            self.places[agency] = self.places.get(agency, 0) + 1
            found[slot(f"place{n}")] = str(self.places[agency])
        return found


class Reporting(Maker):
    """The ledger is made from the facts by reporting's own rules."""

    service = "reporting"

    def __init__(self, log: Log, positions: dict[str, int], lineage: int) -> None:
        super().__init__(log)
        self.positions = positions
        self.totals = _Totals()
        self._lineage = lineage

    def make(self, group: Group, rows: Rows) -> None:
        """See `Maker`."""
        facts = self._facts(group.shift)
        self._head, self._postings = head(facts), postings(facts)
        self._digest = Pattern(repr((self._head, self._postings)))
        for posting in self._postings:
            for _ in group.tokens:
                self.totals.add(self._lineage, group.shift.template.district, posting)
        super().make(group, rows)

    def _facts(self, shift: Shift) -> list[Fact]:
        t = shift.template
        case_id = shift.ids(t.case_id)
        return [
            Fact(
                case_id, t.district, producer, place, kind, _utc(shift.moment(occurred)), _utc(shift.moment(recorded)), _moved(shift, data)
            )
            for producer, place, kind, occurred, recorded, data in t.facts
        ]

    def shifted(self, shift: Shift) -> dict[str, str]:
        """See `Maker`."""
        tables = super().shifted(shift)
        lineage, district, case = self._lineage, shift.template.district, shift.ids(shift.template.case_id)
        places = {(p, e.position): n for p, events in shift.template.events.items() for n, e in enumerate(events)}
        self._offsets = {f"{p}{n}": (p, n) for (p, _), n in places.items()}
        tables["facts"] = "".join(
            f"{lineage}\t{f.producer}\t{district}\t{slot(f.producer + str(places[f.producer, f.position]))}\t{case}\t{f.kind}\t"
            f"{f.occurred_at}\t{f.recorded_at}\t{_escaped(json.dumps(f.data, ensure_ascii=False))}\n"
            for f in self._facts(shift)
        )
        h = self._head
        tables["counted_cases"] = f"{lineage}\t{case}\t{district}\t{h.case_number}\t{h.organ_path}\t\\\\x{slot('digest')}\n"
        tables["postings"] = "".join(
            "\t".join(
                map(
                    _plain,
                    (
                        *(lineage, district, p.entry.month, p.recorded_at, p.sign, case, p.entry.act, p.entry.organ_id),
                        *(p.entry.organ_path, p.entry.agreed, p.entry.source, p.entry.moj_type, p.entry.form),
                        *(p.entry.difficult, p.entry.parties, p.entry.amount_fen, p.entry.agreed_fen),
                    ),
                )
            )
            + "\n"
            for p in self._postings
        )
        return tables

    def extra(self, shift: Shift, case_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """See `Maker`."""
        digest = hashlib.sha256(self._digest.fill(dict(values)).encode()).digest()[:16]
        found = {slot(name_): str(self.positions[p] + n + 1) for name_, (p, n) in self._offsets.items()}
        for producer, events in shift.template.events.items():
            self.positions[producer] = self.positions.get(producer, 0) + len(events)
        return {**found, slot("digest"): digest.hex()}


class Intake(Maker):
    """New people, numbers sealed for them, new texts and what is searched of them."""

    service = "intake"

    def __init__(self, log: Log, keyring: CachedKeyring, seed: str) -> None:
        super().__init__(log)
        self._keyring = keyring
        self._rng = Random(seed)
        self._stories = Stories(load_directory(CITY), seed)

    def shifted(self, shift: Shift) -> dict[str, str]:
        """See `Maker`."""
        template = shift.template
        raw = {table: "".join(lines) for (service, table), lines in template.rows.items() if service == self.service}
        case = json.loads(_unescaped(raw["cases"].rstrip("\n").split("\t")[-1]))
        self._people = [_Person(n, side, p) for n, (side, p) in enumerate(_people(case))]
        for person in self._people:
            person.mark(raw)
        receipt = case["entry"]["receipt_index"]
        raw = {table: content.replace(receipt, slot("receipt")) for table, content in raw.items()}
        texts = [line.rstrip("\n").split("\t") for line in raw["case_texts"].splitlines()]
        for fields in texts:
            if fields[1] == "facts":
                fields[4] = slot("facts")
        raw["case_texts"] = "".join("\t".join(fields) + "\n" for fields in texts)
        self._others = [(f[1], _unescaped(f[4])) for f in sorted(texts, key=lambda f: (f[1], f[2]))]
        self._external = case["entry"]["external_no"]
        fields = raw["search_tokens"].rstrip("\n").split("\t")
        fields[4] = slot("tokens")
        raw["search_tokens"] = "\t".join(fields) + "\n"
        return {table: shift.text(content) for table, content in raw.items()}

    def extra(self, shift: Shift, case_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """See `Maker`."""
        found: dict[str, str] = {}
        names = {"applicant": "", "respondent": "", "representative": ""}
        spoken = []
        for person in self._people:
            ident = shift.ids(person.doc["id"]).replace(TOKEN, values[TOKEN])
            person.fill(found, self._rng, self._keyring, case_id, ident)
            named = found.get(slot(f"name{person.number}"), person.name)
            names[person.side] = names[person.side] or named
            spoken.append(named)
        facts = self._stories.tell(self._rng, names["applicant"] or "村信息员", names["respondent"])
        tokens: list[str] = []
        texts = [facts if kind == "facts" else body for kind, body in self._others]
        for part in (f"{shift.series}-{values[SERIAL]}", self._external, *spoken, *texts):
            tokens += [*text.index_tokens(part), FIELD_END]
        receipt = hashlib.sha256(values[TOKEN].encode()).hexdigest()[:43]
        return {**found, slot("facts"): facts, slot("tokens"): text.as_tsvector(tokens), slot("receipt"): receipt}


class _Person:
    """Somebody in a case: what of them is new in every case made from it."""

    def __init__(self, number: int, side: str, doc: Mapping[str, Any]) -> None:
        self.number, self.side, self.doc, self.name = number, side, doc, doc["name"]
        self.sealed = {kind: Sealed(**doc[kind]) for kind in ("id_number", "phone") if doc.get(kind)}

    def mark(self, raw: dict[str, str]) -> None:
        """Put slots where this person stands."""
        for kind, sealed in self.sealed.items():
            plain = f'{{"index": "{sealed.index}", "token": "{sealed.token}", "masked": "{sealed.masked}"}}'
            raw["cases"] = raw["cases"].replace(plain, slot(f"{kind[:2]}{self.number}"), 1)
            raw["party_indexes"] = raw["party_indexes"].replace(sealed.index, slot(f"{kind[:2]}index{self.number}"), 1)
        if len(self.name) <= 4:
            raw["cases"] = raw["cases"].replace(f'"name": "{self.name}"', f'"name": "{slot(f"name{self.number}")}"')

    def fill(self, found: dict[str, str], rng: Random, keyring: CachedKeyring, case_id: str, person_id: str) -> None:
        """Values of those slots."""
        if len(self.name) <= 4:
            found[slot(f"name{self.number}")] = name(rng)
        for kind in self.sealed:
            place = {"table": CASES.name, "row": case_id, "field": f"{person_id}.{kind}"}
            sealed = keyring.seal_phone(mobile(rng), **place) if kind == "phone" else keyring.seal_id_number(self._paper(rng), **place)
            found[slot(f"{kind[:2]}{self.number}")] = (
                f'{{"index": "{sealed.index}", "token": "{sealed.token}", "masked": "{sealed.masked}"}}'
            )
            found[slot(f"{kind[:2]}index{self.number}")] = sealed.index

    def _paper(self, rng: Random) -> str:
        if self.doc["id_type"] == "credit_code":
            return credit_code("329901", rng)
        if self.doc["id_type"] == "resident_id":
            born = self.doc.get("born_on")
            return resident_id(
                f"3299{rng.randrange(100):02d}", date.fromisoformat(born) if born else date(1975, 5, 5), self.doc.get("sex", "male"), rng
            )
        return f"E{rng.randrange(10**8):08d}"


def _people(case: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for side in ("applicant", "respondent"):
        for party in case[f"{side}s"]:
            yield side, party
            for representative in party["representatives"]:
                yield "representative", representative


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _moved(shift: Shift, data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: shift.text(value) if isinstance(value, str) else value for key, value in data.items()}


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SPECIAL = re.compile(r"[\\\n\t\r]")
_ESCAPED = re.compile(r"\\(.)")


def _escaped(plain: str) -> str:
    return _SPECIAL.sub(lambda m: _ESCAPES[m.group()], plain)


def _unescaped(field: str) -> str:
    return _ESCAPED.sub(lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m.group(1), m.group(1)), field)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
