"""The journal saves time and is never believed against the server."""

from contextlib import closing
from pathlib import Path

import pytest

from service.cli.bulk import Outcome
from service.cli.journal import Journal
from service.cli.photos import Photo, photos_in

ABOUT = {"gallery": "default", "model": "a"}


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "1.jpg").write_bytes(b"1")
    return photos_in(tmp_path)[0]


def noted(path: Path, *outcomes: Outcome) -> None:
    with closing(Journal(path, ABOUT)) as journal:
        for outcome in outcomes:
            journal.note(outcome)


def recalled(path: Path, photo: Photo, about: dict[str, str] = ABOUT, **templates: int) -> str:
    with closing(Journal(path, about)) as journal:
        journal.trust(templates)
        outcome = journal.recall(photo)
        return outcome.code if outcome else "unknown"


def test_it_remembers_what_the_server_still_has(tmp_path: Path, photo: Photo) -> None:
    path = tmp_path / "journal"
    noted(path, Outcome(photo, "enrolled"))
    assert recalled(path, photo, ada=1) == "enrolled"


def test_it_forgets_a_subject_of_whom_the_server_has_less(tmp_path: Path, photo: Photo) -> None:
    path = tmp_path / "journal"
    noted(path, Outcome(photo, "enrolled"))
    assert recalled(path, photo) == "unknown"
    assert recalled(path, photo, ada=1) == "enrolled", "the file itself is left as it was"


def test_it_remembers_refusals(tmp_path: Path, photo: Photo) -> None:
    path = tmp_path / "journal"
    noted(path, Outcome(photo, "no_face", "No face."))
    assert recalled(path, photo) == "no_face"


def test_a_changed_file_is_unknown(tmp_path: Path, photo: Photo) -> None:
    path = tmp_path / "journal"
    noted(path, Outcome(photo, "enrolled"))
    photo.path.write_bytes(b"another")
    assert recalled(path, photo, ada=1) == "unknown"


def test_a_run_of_another_kind_starts_anew(tmp_path: Path, photo: Photo) -> None:
    path = tmp_path / "journal"
    noted(path, Outcome(photo, "enrolled"))
    assert recalled(path, photo, {**ABOUT, "model": "b"}, ada=1) == "unknown"


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_a_torn_last_line_loses_that_line_only(tmp_path: Path, photo: Photo, cut: int) -> None:
    path = tmp_path / "journal"
    (tmp_path / "ben.jpg").write_bytes(b"2")
    ben = photos_in(tmp_path)[1]
    noted(path, Outcome(photo, "enrolled"), Outcome(ben, "enrolled"))
    path.write_bytes(path.read_bytes()[:-cut])

    noted(path, Outcome(ben, "no_face"))

    assert recalled(path, photo, ada=1, ben=1) == "enrolled"
    assert recalled(path, ben, ada=1, ben=1) == "no_face"
