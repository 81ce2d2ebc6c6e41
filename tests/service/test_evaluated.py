"""`null-face evaluate --server` against the real service, over real HTTP."""

from pathlib import Path

import httpx
import pytest
from drawn import jpeg, photo
from guarded import guarded
from rich.console import Console

from faces.bundle import Bundle
from faces.modality import Modality
from training.evaluation.commands import evaluate_server
from training.evaluation.comparisons import MISS
from training.evaluation.protocols import Trial
from training.evaluation.protocols.paired import photo_sketch_trial
from training.evaluation.server import Refusal, ServerError, run_trial

PEOPLE = (1, 2, 3)


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """Three drawn people; the sketch of the third shows nobody."""
    for kind in (Modality.VIS, Modality.SKETCH):
        (tmp_path / kind).mkdir()
        for person in PEOPLE:
            empty = kind is Modality.SKETCH and person == 3
            image = photo(style=kind) if empty else photo(person, style=kind)
            (tmp_path / kind / f"{person}.jpg").write_bytes(jpeg(image))
    return photo_sketch_trial("drawn", tmp_path, "drawn")


def galleries(client: httpx.Client) -> set[str]:
    return {one["gallery"] for one in client.get("/galleries").json()["galleries"]}


def test_the_service_answers_a_trial_and_keeps_nothing_of_it(
    client: httpx.Client, trial: Trial
) -> None:
    before = galleries(client)
    served = run_trial(trial, client)
    assert served.searches.rank.tolist() == [1, 1, MISS]
    assert served.searches.acquired.tolist() == [True, True, False]
    assert served.refusals == (Refusal("3.jpg", "no_face", is_probe=True),)
    assert served.model == "drawn"
    assert galleries(client) == before


def test_it_sends_the_key_to_a_service_that_asks_for_one(
    database: str, bundle: Bundle, trial: Trial, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with guarded(database, bundle.folder, access="keys") as service:
        token = service.token("measures")
        with pytest.raises(ServerError, match="unauthorised"):
            evaluate_server([trial], service.url, out, Console(quiet=True))
        evaluate_server([trial], service.url, out, Console(quiet=True), token)

    assert (out / "served.json").is_file()
