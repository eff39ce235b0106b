"""The table of medians, ratios and targets."""

import statistics
from collections.abc import Mapping, Sequence

Samples = Mapping[str, Mapping[str, Sequence[float]]]

_BOTH = "clean build and push s"

# At most this share of BuildKit's figure …
_RATIOS = {
    _BOTH: 1.0,
    "one-line edit s": 0.6,
    "bump of idna s": 0.3,
    "edit to image in dockerd s": 1.0,
    "new MB after the bump": 1 / 50,
    "unpacked MB": 0.7,
    "compressed MB": 0.65,
    "process start to /health s": 0.5,
}
# … or this figure.
_FIGURES = {"no-op s": 0.5, "peak memory MB": 2000, "tools/bazel over Bazel s": 0.1}


def table(samples: Samples, names: Sequence[str]) -> str:
    """Markdown: the median of each row's samples, ours over each peer's, and what is to be reached.

    Args:
      samples: row → contestant → figures.
      names: the contestants, ours first.
    """
    medians = {
        row: {name: statistics.median(values) for name, values in by_name.items() if values}
        for row, by_name in samples.items()
    }
    head = ["", *names, *(f"{names[0]} / {name}" for name in names[1:]), "target", "met"]
    rows = []
    for row, values in _with_sums(medians).items():
        ours = values.get(names[0])
        cells = [_figure(values.get(name)) for name in names]
        ratios = {
            name: ours / values[name] for name in names[1:] if ours is not None and values.get(name)
        }
        rows.append(
            [
                row,
                *cells,
                *(_figure(ratios.get(name)) for name in names[1:]),
                *_target(row, ours, ratios.get("buildkit"), medians),
            ]
        )
    return "\n".join("| " + " | ".join(r) + " |" for r in [head, ["---"] * len(head), *rows])


def _with_sums(medians: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The same with the sum of build and push after these two."""
    rows: dict[str, dict[str, float]] = {}
    for row, values in medians.items():
        rows[row] = values
        if row == "clean push s":
            rows[_BOTH] = {
                name: medians["clean build s"][name] + taken for name, taken in values.items()
            }
    return rows


def _target(
    row: str, ours: float | None, ratio: float | None, medians: dict[str, dict[str, float]]
) -> tuple[str, str]:
    if ours is None:
        return "", ""
    if row in _FIGURES:
        limit = _FIGURES[row]
        return f"{limit:g}", _verdict(ours <= limit)
    if row in _RATIOS and ratio is not None:
        return f"{_RATIOS[row]:g} of buildkit", _verdict(ratio <= _RATIOS[row])
    if row == "MB moved to dockerd after the edit":
        share = ours / medians["of the image's MB"]["bazel"]
        return "0.01 of the image", f"{_verdict(share <= 0.01)} ({share:.4f})"
    return "", ""


def _verdict(met: bool) -> str:
    return "yes" if met else "no"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
