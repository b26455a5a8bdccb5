"""The chart rendered by the real helm."""

import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).parents[2]
CHART = TOP / "charts" / "tiaochu"
VALUES = {path.stem: path for path in sorted((TOP / "deploy" / "values").glob("*.yaml"))}
SERVICES = ("docking", "intake", "mediation", "reporting", "routing")
Thing = dict[str, Any]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm; `make helm` puts one into build/tools."""
    program = TOP / os.environ.get("HELM", "build/tools/helm")
    return subprocess.run([str(program), *arguments], cwd=TOP, capture_output=True, text=True, check=False)


@cache
def text(values: str, *settings: str) -> str:
    """The manifests of a release `cell` in the namespace `tiaochu` with the values of `deploy/values` named so."""
    options = [part for setting in settings for part in ("--set-json", setting)]
    done = helm("template", "cell", str(CHART), "--namespace", "tiaochu", "--values", str(VALUES[values]), *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def things(values: str, *settings: str) -> list[Thing]:
    """The objects. Not to be changed: every test looks at the same ones."""
    return [thing for thing in yaml.load_all(text(values, *settings), yaml.CSafeLoader) if thing]


def of_kind(found: list[Thing], kind: str) -> dict[str, Thing]:
    """Those of a kind, by name without the release's."""
    return {thing["metadata"]["name"].removeprefix("cell-tiaochu-"): thing for thing in found if thing["kind"] == kind}


def pods(found: list[Thing]) -> Iterator[tuple[str, Thing]]:
    """Every pod that is made, with the name of what makes it."""
    for thing in found:
        if thing["kind"] == "Pod":
            yield thing["metadata"]["name"], thing
        elif "template" in thing.get("spec", {}):
            yield thing["metadata"]["name"], thing["spec"]["template"]


def containers(found: list[Thing]) -> Iterator[tuple[str, Thing]]:
    """Every container, with the name of its pod."""
    for name, pod in pods(found):
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            yield name, container


def masked(manifests: str) -> str:
    """Manifests without what is made anew at each render: the contents of generated Secrets."""
    return re.sub(r"(?m)^(  [-a-z0-9.]+): [A-Za-z0-9+/=]{4,}$", r"\1: (generated)", manifests)
