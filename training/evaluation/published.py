"""Rank-1 rates printed in the NULL paper. Nothing here was measured by this project."""

from dataclasses import dataclass

NOTE = (
    "published: taken from the NULL paper, not measured here, on other images. CUFSF rank-1 "
    "depends on the gallery's size (494, 694 or 944), so never compare across protocols."
)
METHODS = ("k-means", "base", "+VAE", "+LGAN", "+VAE+LGAN")


@dataclass(frozen=True, slots=True)
class Published:
    """One data set's row: percent by the order of `METHODS`, None where the paper has none."""

    dataset: str
    rank_1: tuple[float | None, ...]


PUBLISHED = (
    Published("CASIA NIR-VIS 2.0", (24.61, 69.41, 75.70, 79.82, 84.23)),
    Published("Oulu-CASIA NIR-VIS", (None, 65.25, 71.06, 76.07, 80.59)),
    Published("CUFSF", (None, 65.92, 71.45, 75.91, 80.03)),
)
