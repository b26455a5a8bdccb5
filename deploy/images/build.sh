#!/usr/bin/env bash
# Builds the images with buildah or docker, whichever is there, and a list of what is in each (CycloneDX). Called by `make images`.
#   BASE      the base image (python:3.11-slim-bookworm): Debian with Python 3.11 and its venv module
#   REGISTRY  registry and path before the names (localhost/tiaochu)
#   TAG       the tag (the chart's appVersion)
#   IMAGES    which (all)
set -euo pipefail
cd "$(dirname "$0")/../.."
base="${BASE:-python:3.11-slim-bookworm}"
registry="${REGISTRY:-localhost/tiaochu}"
tag="${TAG:-$(sed -n 's/^appVersion: //p' charts/tiaochu/Chart.yaml)}"
read -ra images <<<"${IMAGES:-intake routing mediation docking reporting cli evaluation}"
revision="$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
out=build/images

if command -v buildah >/dev/null; then
    build() { buildah bud --quiet --isolation "${BUILDAH_ISOLATION:-chroot}" --layers "$@" >/dev/null; }
elif docker info >/dev/null 2>&1; then
    build() { docker build --quiet "$@" >/dev/null; }
else
    echo "images: neither buildah nor a running docker was found" >&2
    exit 1
fi

echo "images: wheels"
rm -rf "$out/own" && mkdir -p "$out/wheels" "$out/sbom" "$out/own"
cat requirements/images/*.txt >"$out/all.txt"
rm -rf "$out/locks" && cp -r requirements/images "$out/locks"
.venv/bin/python -m pip download --quiet --disable-pip-version-check --prefer-binary --no-deps --require-hashes --dest "$out/wheels" -r "$out/all.txt"
# What is published as source only is built here, where a builder is, and goes in by the hash of what was built.
for source in "$out"/wheels/*.tar.gz; do
    [ -e "$source" ] || continue
    rm -rf "$out/built"
    .venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$out/built" "$source"
    name="$(basename "$source" | sed 's/-[0-9].*//')"
    hash="$(cat "$out"/built/*.whl | sha256sum | cut -d' ' -f1)"
    sed -i "s|^\($name==[^ ]*\).*|\1 --hash=sha256:$hash \\\\|" "$out"/locks/*.txt
    mv "$out"/built/*.whl "$out/wheels/"
    rm "$source"
done
rm -f "$out"/wheels/tiaochu*.whl
for package in libs/{protos,domainkit,kit,cli} services/* deploy/embedded; do
    .venv/bin/uv build --quiet --wheel --offline --no-build-isolation --python .venv/bin/python --out-dir "$out/own" "$package"
done
cp "$out"/own/*.whl "$out/wheels/"

for image in "${images[@]}"; do
    echo "images: $registry/$image:$tag"
    build --file deploy/images/Dockerfile --target "$image" --build-arg "BASE=$base" --build-arg "VERSION=$tag" --build-arg "REVISION=$revision" \
        --tag "$registry/$image:$tag" .
    .venv/bin/python deploy/images/sbom.py "$image" "$tag" >"$out/sbom/$image.json"
done
