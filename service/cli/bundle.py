"""null-face bundle: what a model bundle says of itself."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from faces.bundle import MANIFEST, Bundle, MetricFields, load_bundle
from service.cli.output import out
from service.settings import Settings

LONGEST = 200

app = typer.Typer(help="Look at model bundles.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at model bundles."""


@app.command()
def show(
    path: Annotated[
        Path | None, typer.Argument(help="Folder of a bundle; the settings' one by default.")
    ] = None,
) -> None:
    """Verify a bundle, and show what it encodes, how well, and what it was trained on."""
    bundle = load_bundle(path or Settings().bundle)
    out.print(_facts(bundle))
    if bundle.manifest.metrics:
        out.print(_metrics(bundle.manifest.metrics))


def _facts(bundle: Bundle) -> Table:
    manifest = bundle.manifest
    crop = manifest.crop
    table = Table(show_header=False, title=f"Bundle {manifest.name}", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "folder": str(bundle.folder),
        "identity": bundle.identity,
        "created": f"{manifest.created}, from revision {manifest.git_revision}",
        "crop": f"{crop.size} x {crop.size}, {crop.colour}",
        "vector": f"{manifest.dimension} numbers",
        "encoders": ", ".join(f"{name}: {one.file}" for name, one in manifest.encoders.items()),
        "locator": ", ".join(filter(None, (manifest.locator, manifest.landmarks))) or "none",
        "calibrated": ", ".join(
            f"{name} ({one.source})" for name, one in manifest.calibration.items()
        )
        or "no modality",
    }
    rows |= {f"training: {name}": _short(str(value)) for name, value in manifest.training.items()}
    for name, value in rows.items():
        table.add_row(name, Text(value))
    for name in sorted(manifest.files):
        size = bundle.path(name).stat().st_size
        table.add_row(name, f"{size:,} bytes, sha256 as listed")
    return table


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... (see {MANIFEST})"


def _metrics(metrics: list[MetricFields]) -> Table:
    table = Table("protocol", "metric", "value", "interval", "n", "date", title="Measured")
    for one in metrics:
        interval = "" if one.interval is None else f"{one.interval[0]:.3f} to {one.interval[1]:.3f}"
        count = "" if one.n is None else f"{one.n:,}"
        table.add_row(one.protocol, one.metric, f"{one.value:.3f}", interval, count, one.date)
    return table
