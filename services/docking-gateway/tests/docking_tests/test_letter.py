"""What may pass: envelopes, contents, conditions."""

from contextlib import suppress
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docking_tests.letters import NOW, envelope, offer, party, sha
from tiaochu_docking.dockings.reader import DockingFileError, read_dockings
from tiaochu_docking.domain.letter import Letter, check_content, mode_of_offer, open_letter
from tiaochu_docking.domain.packet import Kind
from tiaochu_docking.edge.reference import DIALECT, letter_schema
from tiaochu_domainkit.errors import DomainError

DOCKINGS, ENVELOPE = read_dockings()
COURT = DOCKINGS.valid("court", NOW.date())


def read(document: dict[str, Any]) -> Letter:
    letter = open_letter(document, sha(document), ENVELOPE)
    mode = mode_of_offer(letter, COURT)
    check_content(letter, mode.rule(letter.kind), COURT, NOW)
    return letter


def refusal(document: dict[str, Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        read(document)
    return caught.value


@pytest.mark.parametrize("mode", ["guided", "before_filing", "after_filing"])
def test_an_offer_that_meets_everything_passes(mode: str) -> None:
    assert read(offer(mode=mode)).external_no


def test_every_fault_is_told_at_once_with_its_pointer() -> None:
    document = offer()
    content = document["data"]["content"]
    content["claims"][0]["amount"] = "30.123"
    content["clock_start_on"] = "2026-02-30"
    content["procedure"] = "fast"
    content["parties"][0]["role"] = "plaintiff"
    del content["cause"]
    error = refusal(document)
    assert error.reason == "FIELD_INVALID"
    assert {v.path: v.reason for v in error.violations} == {
        "/data/content/claims/0/amount": "FIELD_INVALID",
        "/data/content/clock_start_on": "FIELD_INVALID",
        "/data/content/procedure": "CODE_UNKNOWN",
        "/data/content/parties/0/role": "CODE_UNKNOWN",
        "/data/content/cause": "FIELD_INVALID",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id_no", "110105194912310021"),
        ("id_no", "abc"),
        ("credit_code", "91350100M000100Y44"),
        ("phone", "123"),
        ("name", "\x00"),
        ("region", "99"),
    ],
)
def test_numbers_of_a_party_are_checked(field: str, value: str) -> None:
    document = offer()
    document["data"]["content"]["parties"][1][field] = value
    error = refusal(document)
    assert error.reason == "FIELD_INVALID"
    assert [v.path for v in error.violations] == [f"/data/content/parties/1/{field}"]


def test_rare_characters_pass() -> None:
    document = offer()
    document["data"]["content"]["parties"][0]["name"] = "䶮𠅤㛃"
    assert read(document).content["parties"][0]["name"] == "䶮𠅤㛃"


def test_each_condition_left_out_is_named() -> None:
    document = offer(mode="after_filing")
    document["data"]["consents"] = document["data"]["consents"][:1]
    error = refusal(document)
    assert (error.reason, error.metadata["which"]) == ("PRECONDITION_MISSING", "consent:both")


def test_consent_means_everybody_on_the_side() -> None:
    document = offer()
    document["data"]["content"]["parties"].append(party("p3", "applicant", 77))
    assert refusal(document).reason == "PRECONDITION_MISSING"


def test_guided_mode_hands_no_files_over() -> None:
    document = offer(mode="guided")
    document["data"]["content"]["plaint"] = document["data"]["packet_id"]
    error = refusal(document)
    assert (error.reason, error.metadata["pointer"]) == ("FORBIDDEN_CONTENT", "/data/content/plaint")


def test_what_was_said_in_confidence_never_passes() -> None:
    document = offer()
    document["data"]["content"]["caucus"] = "…"
    assert refusal(document).reason == "FORBIDDEN_CONTENT"


@pytest.mark.parametrize(("effective_on", "today", "passes"), [("2026-10-25", "2026-11-24", True), ("2026-10-24", "2026-11-24", False)])
def test_the_window_of_confirmation(effective_on: str, today: str, passes: bool) -> None:
    # 30 days, the day of effect not counted: 24 November is the thirtieth day after 25 October.
    content = {
        "mode": "confirm",
        "agreement_no": "(2026)靖调字第1号",
        "agreement_id": offer()["data"]["packet_id"],
        "effective_on": effective_on,
        "category": "0804",
        "court_chosen": "靖江市人民法院",
        "competent_because": "organisation",
        "application": "共同申请司法确认",
        "agreement_text": "乙方归还三万元",
        "terms": [{"kind": "pay", "amount": "30000.00", "due_on": "2026-12-31"}],
        "parties": [party("p1", "applicant", 1), party("p2", "respondent", 2)],
    }
    consents = [{"party_ref": ref, "what": "共同申请", "at": NOW.isoformat()} for ref in ("p1", "p2")]
    document = envelope("offer", content, consents=consents)
    if passes:
        read(document)
    else:
        assert refusal(document).reason == "CLOCK_IMPOSSIBLE"


def test_relations_of_identity_cannot_be_confirmed() -> None:
    rule = COURT.mode("confirm").rule(Kind.OFFER)
    condition = next(c for c in rule.needs if c.text.startswith("category"))
    assert not condition.holds({"content": {"category": "0101"}}, NOW.date())
    assert condition.holds({"content": {"category": "0804"}}, NOW.date())


@pytest.mark.parametrize("outcome", ["agreed", "partial", "failed"])
def test_a_result_without_a_required_document_is_named(outcome: str) -> None:
    rule = COURT.mode("before_filing").rule(Kind.RESULT)
    document = envelope("result", {"outcome": outcome, "sessions": 1, "papers_returned": True})
    letter = open_letter(document, sha(document), ENVELOPE)
    with pytest.raises(DomainError) as caught:
        check_content(letter, rule, COURT, NOW)
    assert {v.path.rsplit("/", 1)[1] for v in caught.value.violations} == set(rule.outcomes[outcome])


def test_the_type_and_the_data_say_the_same() -> None:
    document = offer()
    document["type"] = "cn.tiaochu.docking.court.sign.v1"
    assert refusal(document).reason == "PATH_BODY_MISMATCH"


REASONS = {"FIELD_INVALID", "CODE_UNKNOWN", "PATH_BODY_MISMATCH", "PRECONDITION_MISSING", "FORBIDDEN_CONTENT", "CLOCK_IMPOSSIBLE"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.data())
def test_no_json_makes_the_reader_fail_otherwise_than_by_a_refusal(data: st.DataObject) -> None:
    document = offer()
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
            places.append((value, key))
            walk(inner)

    walk(document)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(json_values)
    with suppress(Refused):
        read_or_refuse(document)


class Refused(Exception):
    """A refusal with a reason of the list."""


def read_or_refuse(document: dict[str, Any]) -> None:
    try:
        read(document)
    except DomainError as error:
        if error.reason in REASONS:
            raise Refused from error
        raise


def test_a_file_outside_the_vocabulary_does_not_start(tmp_path: Any) -> None:
    (tmp_path / "odd.yaml").write_text(
        "{docking: odd, title: 试, valid_from: 2026-01-01, set: odd/1, fields: {party: [], never: []}, types: {o: 'mode x'},"
        " modes: {a: {title: 试, offerer: theirs, basis: {kind: B1, law: x, purpose: x}, packets: {offer: {content: o, needs: [moon_full]}}}}}"
    )
    with pytest.raises(DockingFileError, match="moon_full"):
        read_dockings(tmp_path)


def test_every_schema_is_json_schema_with_the_same_required_fields() -> None:
    for mode in COURT.modes.values():
        for rule in mode.rules.values():
            schema = rule.content.json_schema()
            assert set(schema["required"]) == {f.name for f in rule.content.fields if not f.optional}


@pytest.mark.parametrize("mode", ["guided", "before_filing", "after_filing"])
def test_the_published_schema_takes_what_the_gateway_takes_and_names_the_same_gaps(mode: str) -> None:
    schema = letter_schema(COURT, Kind.OFFER, ENVELOPE, mode)
    validator = jsonschema_rs.validator_for({"$schema": DIALECT, **(schema or {})})
    document = offer(mode=mode)
    assert validator.is_valid(document)
    for field in [f.name for f in COURT.mode(mode).rule(Kind.OFFER).content.fields if not f.optional and f.name != "mode"]:
        lacking = offer(mode=mode)
        del lacking["data"]["content"][field]
        assert not validator.is_valid(lacking)
        assert [v.path for v in refusal(lacking).violations] == [f"/data/content/{field}"]
