"""Attributes of people that somebody wrote down: a CSV of subjects, a column for each attribute."""

import csv
from importlib.resources import files
from pathlib import Path

from training.evaluation.protocols.trial import Attribute, DataMissingError

SUBJECT = "subject"
BY_SIGHT = (
    "by sight, from the photos: one pass by one annotator, a language model that sees images; "
    "apparent, not what people say of themselves; left empty where in doubt"
)


def own_annotations(protocol: str) -> tuple[Attribute, ...]:
    """What we wrote down of the people of a test, because no copy of the set at hand says it."""
    text = files("training.evaluation.protocols").joinpath(f"{protocol}.csv").read_text("utf-8")
    return _attributes(text, BY_SIGHT, protocol)


def annotations(path: Path) -> tuple[Attribute, ...]:
    """The attributes of a user's file; none where there is no file.

    Raises:
        DataMissingError: the file has no column `subject`.
    """
    if not path.is_file():
        return ()
    return _attributes(path.read_text("utf-8-sig"), path.name, str(path))


def _attributes(text: str, told_by: str, name: str) -> tuple[Attribute, ...]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = list(reader.fieldnames or ())
    if SUBJECT not in columns:
        raise DataMissingError(f"{name}: the first line must name a column `{SUBJECT}`.")
    rows = list(reader)
    return tuple(
        Attribute(
            column,
            told_by,
            {row[SUBJECT]: value for row in rows if (value := (row[column] or "").strip())},
        )
        for column in columns
        if column != SUBJECT
    )
