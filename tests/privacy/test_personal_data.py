"""Whatever names a person stands in documents, rows, files and packets, and nowhere else that a stack writes to."""

import pytest

from privacy import places
from privacy.life import Life
from privacy.marks import MARK, NUMBERS, PHONES, SECRETS, WORDS
from tiaochu_embedded.stack import Stack
from tiaochu_testkit.waiting import eventually

TRACE = "5eed0000000000000000000000000972"


@pytest.mark.req("PF5")
@pytest.mark.timeout(240)
async def test_what_names_a_person_leaves_no_trace_outside_documents(stack: Stack, life: Life) -> None:
    await life.to_the_end()
    await life.otherwise()
    imported = await life.imported()
    assert imported.outcomes["accepted"] > 5
    assert imported.outcomes["refused"] >= 5
    case_id = await life.offered()
    assert {status for status in await life.refused_at_the_door() if status < 400} == set()
    assert await life.babbled() > 100
    requests = {name for name in WORDS if name.endswith("Request")}
    assert not requests - life.wire.done, "every command that takes words was done once"

    await eventually(lambda: places.all_published(stack), 30)
    await eventually(lambda: any(case_id in content for _, content in places.broker(stack)), 30)
    await life.traced(f"00-{TRACE}-00000000000000{97:02x}-01")
    await eventually(lambda: {place.split()[1] for place, _ in places.spans(stack, TRACE)} >= set(places.DOCUMENTS), 30)
    told = places.holding((("an error", text) for text in life.wire.refusals), SECRETS)
    assert len(life.wire.refusals) > 100
    assert not told
    assert not places.holding(places.outside_documents(stack), SECRETS)
    # The look reaches every place: it finds what is known to be there.
    known = places.holding(places.outside_documents(stack), (case_id, TRACE, "service.started", "tiaochu_rpc_answered"))
    assert {"intake.journal", "routing.journal", "logs/mediation.log", "docking/metrics"} <= known.keys()
    # Numbers stand in clear nowhere at all.
    assert not places.holding(places.tables(stack, documents=True), NUMBERS + PHONES)
    # The look is sharp enough: where words belong, it finds them.
    found = places.holding(places.tables(stack, documents=True), (MARK,))
    rows = {
        "intake.cases",
        "intake.case_texts",
        "intake.case_files",
        "routing.decline_notices",
        "routing.transfer_notes",
        "mediation.texts",
    }
    assert rows <= found.keys()
