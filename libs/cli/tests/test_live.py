"""The command against real services: one story told by hand, and what is refused on the way."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from tiaochu.reporting.v1.report_service_pb2 import GetCaseTimelineRequest
from tiaochu_cli.cell import cell_of_stack
from tiaochu_cli.failure import OK, REFUSED, UNAVAILABLE, USAGE
from tiaochu_cli.wire import Wire
from tiaochu_demo.directory.load import load_directory
from tiaochu_demo.directory.model import Directory
from tiaochu_demo.synthetic.register import HEADINGS, build_register, write_workbook
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.stack import Stack
from tiaochu_kit.audit import GENESIS, chain
from tiaochu_kit.clock import Clock
from tiaochu_kit.ids import new_id

DISTRICT = "329901"
ROWS = 45
"""Rows of the register that are imported, two of them bad."""
SECONDS = 60
"""How long a reaction to time may take on a busy machine."""
Shell = Callable[..., Any]


@pytest.fixture(scope="module")
def city() -> Directory:
    """The synthetic city."""
    return load_directory(DISTRICT)


@pytest.fixture(scope="module")
def shell(run: Shell, stack: Stack, directory_folder: Path) -> Shell:
    """The command on the stack, whose directory is imported; acts as `by` in the post at `organ`."""
    folder = Path(stack.addresses["clock_file"]).parent

    def call(*arguments: str, by: str = "operator", organ: str = "", **more: str) -> Any:
        return run(*arguments, TIAOCHU_STACK=str(folder), TIAOCHU_AS=by, TIAOCHU_ORGAN=organ, **more)

    imported = call("directory", "import", str(directory_folder / DISTRICT), "--district", DISTRICT, "--json")
    assert imported.code == OK, imported.out
    assert call("directory", "rules", str(directory_folder / "rules" / "routing_rules.csv"), "--district", DISTRICT).code == OK
    return call


@pytest.fixture
def window(city: Directory) -> tuple[str, str]:
    """Who takes cases in at the city's window: person and organ."""
    member = city.holders("acceptance_window")[0]
    return member.id, next(p.organ_id for p in member.posts if p.role == "acceptance_window")


@pytest.fixture
def village(city: Directory) -> tuple[str, str]:
    """The head of a village's committee: person and organ."""
    organ = next(o for o in city.organs if o.kind == "village_committee")
    return city.holders("station_head", organ.id)[0].id, organ.id


def told(result: Any, code: int = OK) -> Any:
    """The JSON of a run that ended so."""
    assert result.code == code, (result.out, result.err)
    return result.json


def registered(shell: Shell, window: tuple[str, str], city: Directory, village: tuple[str, str]) -> str:
    """A case at the window."""
    region = city.organs_by_id[village[1]].region
    arguments = ("--channel", "window", "--facts", "楼上漏水致楼下天花板损坏,双方就赔偿数额发生争执。", "--region", region, "--json")
    parties = ("--applicant", "张䶮/11010519491231002X/19900001111", "--respondent", "李四")
    return str(told(shell("case", "register", *arguments, *parties, by=window[0]))["case_id"])


def signed_over(shell: Shell, case_id: str, window: tuple[str, str], village: tuple[str, str]) -> None:
    """Classified, offered to the village and signed for."""
    told(shell("case", "classify", case_id, "--category", "0203", "--json", by=window[0]))
    told(shell("transfer", "offer", case_id, "--to", village[1], "--kind", "delegate", "--reason", "lead_named", "--json", by=window[0]))
    told(shell("transfer", "sign", case_id, "--json", by=village[0], organ=village[1]))


def test_the_directory_again_changes_nothing(shell: Shell, directory_folder: Path, city: Directory) -> None:
    again = told(shell("directory", "import", str(directory_folder / DISTRICT), "--district", DISTRICT, "--json"))
    assert again == {"regions": 0, "organs": 0, "staff": 0, "posts": 0, "mediators": 0}
    listed = told(shell("directory", "list", "--district", DISTRICT, "--json"))
    assert {o["organ_id"] for o in listed["organs"]} == {o.id for o in city.organs}


@pytest.mark.req("RT3")
def test_a_case_by_hand(shell: Shell, window: tuple[str, str], village: tuple[str, str], city: Directory, stack: Stack) -> None:
    case_id = registered(shell, window, city, village)
    first = told(shell("case", "responsible", case_id, "--json", by=window[0]))
    assert (first["organ_id"], first["by"]) == (window[1], "first_receipt")

    signed_over(shell, case_id, window, village)
    now = told(shell("case", "responsible", case_id, "--json", by=village[0]))
    assert (now["organ_id"], now["by"], now["responsibility_version"]) == (village[1], "signature", 2)
    then = told(shell("case", "responsible", case_id, "--at", first["since_at"], "--json", by=village[0]))
    assert then["organ_id"] == window[1]

    shown = told(shell("case", "show", case_id, "--json", by=village[0]))["case"]
    assert shown["parties"][0]["id_number"] == "110105********002X"
    assert shown["classification"]["category"] == "0203"
    found = told(shell("case", "search", "天花板", "--json", by=village[0]))
    assert case_id in [c["case_id"] for c in found["cases"]]

    entries = told(shell("case", "timeline", case_id, "--json", by=village[0]))["entries"]
    names = [e["type"].rpartition(".")[2] for e in entries]
    assert {"CaseRegistered", "ResponsibilityStarted", "ClockStarted", "CaseClassified", "LeadNamed", "TransferSigned"} <= set(names)
    wire = Wire(cell_of_stack(Path(stack.addresses["clock_file"]).parent), village[0])
    derived = wire.call(GetCaseTimelineRequest(case_id=case_id))
    assert {e.event_id for e in derived.entries} == {e["event_id"] for e in entries}, "reporting tells the same"
    told_ = shell("case", "timeline", case_id, by=village[0]).out
    assert city.organs_by_id[village[1]].short_name in told_
    assert city.holders("acceptance_window")[0].name in told_

    ranked = told(shell("mediator", "rank", case_id, "--limit", "3", "--json", by=village[0]))["mediators"]
    assert [m["score"] for m in ranked] == sorted((m["score"] for m in ranked), reverse=True)
    actions = told(shell("actions", case_id, "--json", by=village[0], organ=village[1]))["services"]
    allowed = {(s["service"], a["action"]): a["allowed"] for s in actions for a in s["actions"]}
    assert allowed["routing", "AcceptCase"]
    assert not allowed["mediation", "HoldSession"]


def test_a_returned_transfer(shell: Shell, window: tuple[str, str], village: tuple[str, str], city: Directory) -> None:
    case_id = registered(shell, window, city, village)
    told(shell("case", "classify", case_id, "--category", "0203", "--json", by=window[0]))
    told(shell("transfer", "offer", case_id, "--to", village[1], "--kind", "delegate", "--json", by=window[0]))
    back = told(shell("transfer", "return", case_id, "--ground", "papers_missing", "--json", by=village[0], organ=village[1]))
    assert back["returns"] == 1
    assert told(shell("case", "responsible", case_id, "--json", by=window[0]))["organ_id"] == window[1]
    assert shell("transfer", "sign", case_id, by=village[0], organ=village[1]).code == USAGE, "nothing waits for a signature"


@pytest.mark.req("RT3")
def test_a_deputy_by_hand(shell: Shell, village: tuple[str, str], city: Directory, stack: Stack) -> None:
    deputy = city.holders("station_head")[-1].id
    today = beijing(Clock(Path(stack.addresses["clock_file"])).now()).date()
    staff = told(shell("directory", "staff", village[1], "--json"))["staff"]
    post = next(s["posts"][0]["post_id"] for s in staff if s["person_id"] == village[0])
    days = ("--district", DISTRICT, "--from", f"{today}", "--to", f"{today + timedelta(days=2)}")
    appointed = told(shell("directory", "appoint-deputy", post, deputy, *days, "--ground", "training", "--json"))
    again = shell("directory", "appoint-deputy", post, deputy, *days)
    assert again.code == REFUSED
    ident = appointed["deputation_id"]
    assert "培训" in shell("directory", "deputies", village[1]).out
    told(shell("directory", "end-deputy", post, ident, "--district", DISTRICT, "--json"))
    listed = told(shell("directory", "deputies", village[1], "--json"))["deputations"]
    assert [(d["deputation_id"], d["principal_id"], d["deputy_id"], d["end_ground"]) for d in listed] == [
        (ident, village[0], deputy, "recalled")
    ]


def test_a_case_as_json_from_standard_input_is_registered_once(shell: Shell, window: tuple[str, str]) -> None:
    request = f'{{"request_id": "{new_id()}", "channel": "window", "facts": "因宅基地边界发生争执。", "region_code": "329901001001", '
    request += '"applicants": [{"kind": "person", "name": "王五", "id_type": "none", "identity_note": "村干部证明"}], '
    request += '"on_behalf_of": {"identity_check": "known_in_person"}, "respondents": [{"kind": "organisation", "name": "示例建筑公司"}]}'
    once, again = (told(shell("case", "register", "--file", "-", "--json", by=window[0], stdin=request)) for _ in range(2))
    assert once["case_id"] == again["case_id"]
    assert shell("case", "register", "--file", "-", by=window[0], stdin='{"no_such_field": 1}').code == USAGE
    assert shell("case", "register", "--file", "/no/such/file", by=window[0]).code == USAGE


def test_a_refusal_says_why_in_both_languages(shell: Shell, window: tuple[str, str]) -> None:
    wrong = ("--channel", "window", "--facts", "因噪声发生争执。", "--applicant", "张三/110105194912310021", "--respondent", "李四")
    result = shell("case", "register", *wrong, "--region", "329901001001", "--json", by=window[0])
    error = told(result, REFUSED)["error"]
    assert (error["code"], error["reason"]) == ("INVALID_ARGUMENT", "FIELD_INVALID")
    assert [(v["path"], v["reason"]) for v in error["violations"]] == [("applicants[0].id_number", "ID_CHECKSUM")]
    assert error["zh"]
    plain = shell("case", "register", *wrong, "--region", "329901001001", by=window[0])
    assert plain.code == REFUSED
    assert "ID_CHECKSUM" in plain.err
    assert "110105194912310021" not in plain.err, "an error names no particulars"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("case", "show", "00000000-0000-7000-8000-000000000001"), REFUSED),
        (("case", "show", "no-uuid"), REFUSED),
        (("case", "nonsense"), USAGE),
        (("case", "show"), USAGE),
        (("clock", "preview", "--rule", "TRIAGE", "--start", "tomorrow"), USAGE),
        (("clock", "preview", "--rule", "TRIAGE", "--start", "2026-09-30", "--pause", "2026-10-01"), USAGE),
        (("clock", "preview", "--rule", "NO_SUCH_RULE", "--start", "2026-09-30"), REFUSED),
        (("clock", "advance", "soon"), USAGE),
        (("journal", "show", "nobody", DISTRICT), USAGE),
        (("register", "import", "/no/such/file.xlsx", "--open"), USAGE),
        (("case", "show", "x", "--address", "nonsense"), USAGE),
        (("case", "show", "00000000-0000-7000-8000-000000000001", "--address", "routing=127.0.0.1:1"), UNAVAILABLE),
        (("case", "show", "00000000-0000-7000-8000-000000000001", "--address", "intake=127.0.0.1:1"), UNAVAILABLE),
        (("case", "show", "00000000-0000-7000-8000-000000000001", "--stack", "/no/such/stack"), UNAVAILABLE),
        (("token", "somebody", "--stack", "/no/such/stack"), UNAVAILABLE),
    ],
)
def test_exit_codes(shell: Shell, arguments: tuple[str, ...], code: int) -> None:
    assert shell(*arguments).code == code


def test_a_period_over_the_national_day(shell: Shell) -> None:
    rules = told(shell("clock", "rules", "--json"))["rules"]
    assert "TRIAGE" in {r["code"] for r in rules}
    answer = told(shell("clock", "preview", "--rule", "TRIAGE", "--start", "2026-09-30T10:00", "--district", DISTRICT, "--json"))
    assert (answer["last_day_on"], answer["provisional"]) == ("2026-10-08", False)
    assert answer["rest_days_skipped"] == [f"2026-10-0{day}" for day in range(1, 8)]
    longer = ("--pause", "2026-09-05/2026-09-10", "--extend", "30cd")
    paused = told(shell("clock", "preview", "--rule", "CONCLUDE_PM", "--start", "2026-09-01", *longer, "--json"))
    assert paused["last_day_on"] == "2026-11-05"
    far = told(shell("clock", "preview", "--rule", "CONCLUDE_PM", "--start", "2031-09-01", "--json"))
    assert far["provisional"]


@pytest.mark.req("IN9")
def test_a_register_is_previewed_imported_and_found_again(
    shell: Shell, window: tuple[str, str], city: Directory, stack: Stack, tmp_path: Path
) -> None:
    book = build_register(city, 7, today=beijing(Clock(Path(stack.addresses["clock_file"])).now()).date())
    rows, wrong = book.rows[:ROWS], [f for f in book.faults if f.row <= ROWS]
    file = write_workbook(tmp_path / "台账.xlsx", HEADINGS, [[row[h] for h in HEADINGS] for row in rows])
    arguments = ("register", "import", str(file), "--open", "--json")
    before = told(shell("journal", "heads", "--service", "intake", "--json"))
    preview = told(shell(*arguments, "--preview", by=window[0]))
    assert told(shell("journal", "heads", "--service", "intake", "--json")) == before, "a preview stores nothing"
    assert preview["summary"]["rows"] == ROWS
    faults = {(r["row_number"], p["column"], p["reason"]) for r in preview["rows"] for p in r["problems"]}
    assert faults >= {(f.row, f.column, f.reason) for f in wrong}
    imported = told(shell(*arguments, by=window[0]))
    assert imported["summary"]["accepted"] > 0
    again = told(shell(*arguments, by=window[0]))
    assert (again["summary"]["accepted"], again["summary"]["present"]) == (0, imported["summary"]["accepted"])
    plain = shell("register", "import", str(file), "--open", by=window[0])
    assert "ID_CHECKSUM" in plain.out
    assert shell("register", "import", str(file), by=window[0]).code == USAGE
    assert shell("register", "import", str(file), "--open", "--history", by=window[0]).code == USAGE


def test_an_export_proves_itself_and_a_changed_one_does_not(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "routing.jsonl"
    assert told(shell("journal", "export", "routing", DISTRICT, str(file), "--json"))["lines"] > 3
    report = told(shell("audit", "verify", str(file), "--json"))
    assert (report["ok"], report["service"], report["district"]) == (True, "routing", DISTRICT)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:2] + lines[3:]), encoding="utf-8")
    broken = told(shell("audit", "verify", str(file), "--json"), REFUSED)
    assert broken["problems"][0] == {"position": 2, "reason": "GAP"}
    assert shell("audit", "verify", str(file), "--public-key", str(file)).code == USAGE


@pytest.mark.req("PF6")
def test_an_export_that_somebody_hashed_again_to_its_end_is_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "routing.jsonl"
    told(shell("journal", "export", "routing", DISTRICT, str(file), "--json"))
    lines = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    lines[1]["event"]["recorded_at"] += 1
    running = GENESIS
    for line in lines:
        if "event" in line:
            running = line["event"]["hash"] = chain(running, line["event"])
        elif "signature" in line or "end" in line:
            next(iter(line.values()))["hash"] = running
    file.write_bytes(b"\n".join(orjson.dumps(line) for line in lines) + b"\n")
    report = told(shell("audit", "verify", str(file), "--json"), REFUSED)
    assert {p["reason"] for p in report["problems"]} == {"SIGNATURE_WRONG", "HEAD_NOT_SIGNED"}


def test_what_waits_and_what_was_put_aside_can_be_seen(shell: Shell) -> None:
    parked = told(shell("parked", "list", "--json"))
    assert {s["service"] for s in parked["services"]} == {"intake", "routing", "mediation", "docking", "reporting"}
    assert all(s["parked"] == [] for s in parked["services"])
    assert told(shell("parked", "replay", "routing", "intake", new_id(), "--json")) == {"applied": 0}
    dropped = shell("parked", "drop", "routing", "intake", DISTRICT, "999999", "--reason", "test", "--json")
    assert dropped.code == REFUSED
    assert told(shell("journal", "calls", "--json"))["services"]
    told(shell("docking", "exchanges", "--json"))
    assert told(shell("docking", "dead-letters", "--json"))["deliveries"] == []


def test_only_operators_read_journals(shell: Shell, window: tuple[str, str]) -> None:
    error = told(shell("journal", "show", "intake", DISTRICT, "--json", by=window[0]), REFUSED)["error"]
    assert error["reason"] == "ROLE_MISSING"


@pytest.mark.req("PF2")
def test_the_books_agree_after_everything(
    shell: Shell, window: tuple[str, str], village: tuple[str, str], city: Directory, stack: Stack
) -> None:
    case_id = registered(shell, window, city, village)
    told(shell("case", "classify", case_id, "--category", "0203", "--json", by=window[0]))
    told(shell("transfer", "offer", case_id, "--to", village[1], "--kind", "delegate", "--json", by=window[0]))
    clock = Clock(Path(stack.addresses["clock_file"]))
    before = clock.now()
    assert told(shell("clock", "advance", "6d", "--json"))["advanced_seconds"] == 6 * 86400
    assert (clock.now() - before).days == 6

    until = time.monotonic() + SECONDS
    while "ClockExpired" not in shell("case", "timeline", case_id, "--json", by=window[0]).out:
        assert time.monotonic() < until, "nobody signed for six days: the offer expires"
    result = told(shell("audit", "consistency", "--settle", str(SECONDS), "--json"))
    assert result["consistent"], [c for c in result["checks"] if not c["holds"]]
    looked_at = {c["name"]: c["looked_at"] for c in result["checks"]}
    assert min(looked_at[name] for name in ("chains", "responsibility", "clocks", "effects", "statistics")) > 0
    table = told(shell("report", "month", "--json"))
    [whole, *_] = table["rows"]
    assert int(whole["values"]["registered"]) > 0
    assert told(shell("report", "reconcile", "--json"))["balanced"]


def test_a_token_names_its_person(shell: Shell) -> None:
    answer = told(shell("token", "somebody", "--json"))
    assert answer["person"] == "somebody"
    assert answer["access_token"].count(".") == 2
    assert shell("token", "somebody").out.strip().count(".") == 2


def test_a_journal_that_somebody_changed_in_the_database_is_found(shell: Shell, stack: Stack) -> None:
    """The last test: the stack is of no use after it."""
    with psycopg.connect(stack.parts.postgres.admin_dsn("routing"), autocommit=True) as admin:
        admin.execute("UPDATE journal SET payload = payload || '\\x00'::bytea WHERE district = %s AND position = 7", (DISTRICT,))
    result = told(shell("audit", "consistency", "--settle", "0", "--json"), REFUSED)
    [chains] = [c for c in result["checks"] if c["name"] == "chains"]
    assert "HASH_DIFFERS" in {f["reason"] for f in chains["findings"]}
    plain = shell("audit", "consistency", "--settle", "0")
    assert "routing/329901/7" in plain.out


@pytest.mark.req("PF8")
def test_the_cell_is_checked_as_a_caller_with_a_certificate_sees_it(shell: Shell, stack: Stack) -> None:
    edge = stack.addresses["http"]["docking"]
    told = shell("cell", "check", "--edge", edge, "--json")
    assert told.code == OK, told.out
    assert orjson.loads(told.out) == {"serving": ["intake", "routing", "mediation", "docking", "reporting"], "edge": edge}
    away = shell("cell", "check", "--edge", stack.addresses["http"]["routing"], "--json")
    assert (away.code, orjson.loads(away.out)["error"]["reason"]) == (UNAVAILABLE, "EDGE_UNREACHABLE")
