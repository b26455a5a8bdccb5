"""One short campaign, and the stage on which it was fought."""

import asyncio
from collections.abc import Iterator

import pytest

from robustness.campaign import Campaign, stage_for
from robustness.faults import FAULTS, SHORT
from robustness.history import History

SEED = 1
ROUNDS = (
    (
        *("kill intake", "kill postgres", "freeze routing", "torn mediation→postgres"),
        *("kill mediation at command.committed", "kill routing at log.sequenced"),
        *("kill reporting at batch.applied", "kill docking at webhook.delivered"),
    ),
    (
        *("nats wiped", "cut docking→intake", "sessions ended", "kill routing at timer.fired"),
        *("kill docking at call.made", "kill mediation at catch-up.read", "kill intake at file.stored"),
    ),
)
"""Each kind of trouble once, in about three minutes. The whole campaign is `make prove`."""


@pytest.fixture(scope="package")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """The campaign, when it is over; its stack still runs and its clients have gone."""
    rounds = [[FAULTS[name] for name in names] for names in ROUNDS]
    with stage_for(tmp_path_factory.mktemp("campaign"), rounds) as stage:
        fought = Campaign(stage, SEED, SHORT)
        asyncio.run(fought.run(rounds))
        yield fought


@pytest.fixture(scope="module")
def history() -> History:
    """What was told to anybody in this module's stack."""
    return History()
