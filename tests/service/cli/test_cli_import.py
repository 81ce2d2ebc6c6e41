"""`null-face import`: sends a folder or a ZIP file and watches the server enrol it."""

import csv
from pathlib import Path

import httpx
import pytest
from conftest import Run
from zips import Importing, people

from service.cli import bulk_import


@pytest.fixture
def importing(client: httpx.Client, gallery: str) -> Importing:
    return Importing(client, gallery)


def test_a_folder_is_sent_and_watched_to_the_end(
    run: Run, importing: Importing, album: Path, tmp_path: Path
) -> None:
    (album / "person-0" / "text.jpg").write_bytes(b"not an image")
    report = tmp_path / "report.csv"

    result = run("import", album, "--gallery", importing.gallery, "--report", report)

    assert result.exit_code == 0, result.output
    assert "done: 6 enrolled, 0 there already, 1 refused" in result.output
    assert importing.templates() == {"person-0": 2, "person-1": 2, "person-2": 2}
    with report.open(newline="") as file:
        assert sum(row["code"] == "enrolled" for row in csv.DictReader(file)) == 6


def test_broken_off_and_run_again_it_watches_the_same_job(
    run: Run, importing: Importing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "people.zip"
    archive.write_bytes(people(1, 2))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(bulk_import, "_watched", interrupted)
        assert run("import", archive, "--gallery", importing.gallery).exit_code == 130
    again = run("import", archive, "--gallery", importing.gallery)

    assert again.exit_code == 0, again.output
    assert "Uploading" not in again.output
    jobs = importing.client.get(f"/galleries/{importing.gallery}/imports").json()["jobs"]
    assert len(jobs) == 1
