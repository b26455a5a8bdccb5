"""Locks what each image needs: `kit.txt` what all have in common, `<image>.txt` what one has besides. Called by `make lock`.

Versions are those of `run.txt` (and `dev.txt` for the servers of the evaluation); what our own packages depend on stands in their `pyproject.toml`.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
TOP = HERE.parent
IMAGES = {
    "intake": "services/intake",
    "routing": "services/routing",
    "mediation": "services/mediation",
    "docking": "services/docking-gateway",
    "reporting": "services/reporting",
    "cli": "libs/cli",
    "evaluation": "deploy/embedded",
}


def needs(folder: str) -> list[str]:
    """What a package of ours says it depends on, our own packages left out."""
    project = tomllib.loads((TOP / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [line for line in project["dependencies"] if not line.startswith("tiaochu")]


def resolved(requirements: list[str], constraints: str) -> dict[str, str]:
    """Distribution → its lines in a lock file."""
    compiling = [
        TOP / ".venv/bin/uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-header",
    ]
    done = subprocess.run(
        [*map(str, compiling), "--no-annotate", "-c", constraints, "-"],
        cwd=HERE,
        input="\n".join(sorted(set(requirements))),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return {re.split(r"[=\s]", block, maxsplit=1)[0]: block for block in re.split(r"(?m)^(?=\S)", done.stdout) if block.strip()}


def main() -> None:
    """Write all of them."""
    common = [*needs("libs/protos"), *needs("libs/domainkit"), *needs("libs/kit")]
    kit = resolved(common, "run.txt")
    locks = {"kit": kit}
    for image, folder in IMAGES.items():
        found = resolved([*common, *needs(folder)], "dev.txt" if image == "evaluation" else "run.txt")
        locks[image] = {name: block for name, block in found.items() if name not in kit}
    for image, lock in locks.items():
        (HERE / "images" / f"{image}.txt").write_text("".join(lock.values()), encoding="utf-8")


if __name__ == "__main__":
    main()
