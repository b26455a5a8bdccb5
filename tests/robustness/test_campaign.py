"""Nothing that was acknowledged is lost or done twice, and nobody is let in, whatever dies in the middle of the input."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from robustness.campaign import Campaign
from tiaochu_cli.main import app

pytestmark = pytest.mark.timeout(600)
"""The campaign comes before the first of them."""


@pytest.mark.req("PF1", "PF2")
def test_what_was_acknowledged_is_everywhere_once_whatever_happens(campaign: Campaign) -> None:
    assert not campaign.result.findings, "\n".join(campaign.result.findings[:20])
    assert (campaign.result.lost, campaign.result.doubled, campaign.result.unanswered) == (0, 0, 0)


def test_the_faults_struck_in_the_middle_of_real_work(campaign: Campaign) -> None:
    assert sum(struck.outcome == "done" for struck in campaign.result.struck) >= len(campaign.result.struck) - 2
    assert campaign.result.acknowledged > 400
    assert min(campaign.result.courses.values()) > 0, campaign.result.courses


@pytest.mark.req("PF1")
def test_the_operators_own_audit_finds_the_books_consistent_too(campaign: Campaign) -> None:
    code, told = _operator(campaign, "audit", "consistency", "--settle", "60")
    assert (code, told["consistent"]) == (0, True), [check for check in told["checks"] if not check["holds"]]
    looked_at = {check["name"]: check["looked_at"] for check in told["checks"]}
    assert min(looked_at[name] for name in ("chains", "responsibility", "clocks", "deliveries", "effects", "statistics")) > 0


def _operator(campaign: Campaign, *arguments: str) -> tuple[int, Any]:
    """The operator's command on the stack: its exit code and its JSON."""
    environment = {"TIAOCHU_STACK": str(campaign.stage.stack.folder.path), "TIAOCHU_AS": "operator"}
    told = CliRunner().invoke(app, [*arguments, "--json"], env=environment)
    return told.exit_code, json.loads(told.stdout)
