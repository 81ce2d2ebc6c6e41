"""The figures of a run as JSON, for machines and for tables elsewhere."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from training.evaluation.analysis import Analysis
from training.evaluation.results import Difference, Result


def write_json(
    path: Path,
    protocol: str,
    results: Sequence[Result],
    differences: Sequence[Difference] = (),
    *,
    analysis: Analysis | None = None,
    facts: Mapping[str, str] | None = None,
) -> None:
    """Figures, curves, per-probe ranks and what was measured with what; no image in it."""
    document = {
        "protocol": protocol,
        "date": datetime.now(UTC).date().isoformat(),
        "facts": dict(facts or {}),
        "results": [asdict(result) for result in results],
        "differences": [asdict(difference) for difference in differences],
        "analysis": asdict(analysis) if analysis else None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
