"""The list of error reasons is a public surface: it changes on purpose or not at all."""

from tiaochu_testkit import reasons


def test_the_page_of_reasons_is_what_the_source_raises() -> None:
    assert reasons.PAGE.read_text() == reasons.page(), "run python -m tiaochu_testkit.reasons and say in the commit why a reason changed"


def test_a_reason_is_upper_snake_and_short_enough_for_error_info() -> None:
    names = {reason.name for reason in reasons.found()}
    assert len(names) > 50
    assert not [n for n in names if len(n) > 63 or not n.replace("_", "").isalnum()]
