"""One self-contained HTML page about a run. It shows faces: keep it out of version control."""

from training.evaluation.report.page import Report, write_report

__all__ = ["Report", "write_report"]
