"""Writes the goldens again: `make charts-write`. Look at the difference before you commit it."""

from charts.rendering import TOP, VALUES, masked, text

for name in VALUES:
    (TOP / "tests" / "charts" / "golden" / f"{name}.yaml").write_text(masked(text(name)), encoding="utf-8")
