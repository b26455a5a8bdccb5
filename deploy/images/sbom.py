"""What is in an image, as CycloneDX 1.6: `sbom.py IMAGE VERSION`. From the locks, so that it says what was installed by which hash."""

import json
import re
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
OWN = {"kit": ("tiaochu", "tiaochu-domainkit", "tiaochu-kit"), "cli": ("tiaochu-cli",), "evaluation": ("tiaochu-embedded",)}


def locked(name: str) -> list[dict[str, object]]:
    """Components of one lock file; what is for other systems only is left out."""
    text = (TOP / "requirements" / "images" / f"{name}.txt").read_text(encoding="utf-8")
    found = []
    for block in re.split(r"(?m)^(?=\S)", text):
        match = re.match(r"([\w.-]+)==(\S+)(?: ; (.*?))?(?: \\)?$", block, re.MULTILINE)
        if match and "win32" not in (match[3] or ""):
            hashes = [{"alg": "SHA-256", "content": content} for content in re.findall(r"sha256:([0-9a-f]{64})", block)]
            found.append(component(match[1], match[2], hashes))
    return found


def component(name: str, version: str, hashes: list[dict[str, str]]) -> dict[str, object]:
    """One distribution. Several hashes: one for each system's wheel."""
    return {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}", "hashes": hashes}


def bill(image: str, version: str) -> dict[str, object]:
    """The bill of an image."""
    own = (*OWN["kit"], *OWN.get(image, (f"tiaochu-{image}",)))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": f"tiaochu/{image}", "version": version}},
        "components": [*(component(name, version, []) for name in own), *locked("kit"), *locked(image)],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(bill(sys.argv[1], sys.argv[2]), indent=1) + "\n")
