"""The images: one each for what the chart starts, of what is locked, and a bill of what is in it."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from charts.rendering import SERVICES, TOP, VALUES, containers, things

DOCKERFILE = TOP / "deploy" / "images" / "Dockerfile"
LOCKS = TOP / "requirements" / "images"


def pinned(path: str) -> dict[str, str]:
    """Distribution → version of a lock file."""
    return dict(re.findall(r"(?m)^([\w.-]+)(?:\[[\w,]+\])?==([^\s;\\]+)", (TOP / path).read_text(encoding="utf-8")))


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([".venv/bin/hadolint", str(DOCKERFILE)], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_image_that_the_chart_starts_is_built() -> None:
    targets = set(re.findall(r"(?m)^FROM \S+ AS (\w+)$", DOCKERFILE.read_text(encoding="utf-8")))
    started = {container["image"].rsplit("/", 1)[-1].split(":")[0] for values in VALUES for _, container in containers(things(values))}
    assert started == {*SERVICES, "cli", "evaluation"}
    assert started <= targets


@pytest.mark.parametrize("lock", sorted(path.name for path in LOCKS.glob("*.txt")))
def test_an_image_has_the_versions_that_were_tested(lock: str) -> None:
    tested = pinned("requirements/dev.txt") | pinned("requirements/run.txt")
    for name, version in pinned(f"requirements/images/{lock}").items():
        assert tested[name] == version, name


def test_an_image_has_what_its_service_needs_and_no_more() -> None:
    """Tools, tests and other services' libraries are weight and a way in."""
    common = pinned("requirements/images/kit.txt").keys()
    for image in SERVICES:
        own = pinned(f"requirements/images/{image}.txt").keys()
        assert not own & common
        assert not {"pytest", "uv", "hatchling", "mypy", "typer", "grpcio-tools"} & (own | common), image
    assert pinned("requirements/images/intake.txt").keys() == {"openpyxl", "et-xmlfile"}


def test_a_bill_names_everything_with_its_hashes() -> None:
    done = subprocess.run([sys.executable, "deploy/images/sbom.py", "intake", "0.1.0"], cwd=TOP, capture_output=True, text=True, check=True)
    bill = json.loads(done.stdout)
    found = {component["name"]: component for component in bill["components"]}
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {"tiaochu-intake", "tiaochu-kit", "grpcio", "openpyxl"} <= found.keys()
    for name, component in found.items():
        assert component["purl"] == f"pkg:pypi/{name}@{component['version']}"
        assert bool(component["hashes"]) != name.startswith("tiaochu"), name


def test_what_lies_beside_the_chart_is_yaml() -> None:
    for path in (TOP / "deploy" / "kubernetes").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["kind"]
