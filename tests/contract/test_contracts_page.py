"""The page of RPCs and events, and the story of a case, name what there is."""

import re

from tiaochu_testkit import contracts

STORY = contracts.PAGE.with_name("case-life.md")


def test_the_page_is_what_the_protos_say() -> None:
    assert contracts.PAGE.read_text() == contracts.page(), "run python -m tiaochu_testkit.contracts"


def test_the_story_of_a_case_names_no_rpc_or_event_that_does_not_exist() -> None:
    known = set(re.findall(r"`(?:tiaochu\.\w+\.v1\.)?(\w+)`", contracts.page()))
    told = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)[`{(]", STORY.read_text()))
    assert told - known == set()
