"""The HTTP evaluation against a small service that keeps the contract of DESIGN section 7."""

import io

import numpy as np
import pytest
from fastapi import FastAPI, Form, Response, UploadFile
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from PIL import Image

from training.evaluation.comparisons import MISS
from training.evaluation.metrics import cmc
from training.evaluation.protocols import cufs, trials_of
from training.evaluation.server import Refusal, ServerError, read_candidates, run_trial


def problem(status, code):
    return JSONResponse({"status": status, "code": code, "detail": code}, status)


def vector(upload):
    pixels = Image.open(io.BytesIO(upload.file.read())).convert("L").resize((4, 5))
    return np.asarray(pixels, dtype=np.float64)


class SmallService:
    """Galleries in a dict; a black image has no face."""

    def __init__(self):
        self.galleries = {}
        self.requests = []
        self.busy_answers = 0
        app = FastAPI()
        app.post("/galleries", status_code=201)(self.create)
        app.delete("/galleries/{gallery}", status_code=204)(self.delete)
        app.post("/enroll", status_code=201)(self.enroll)
        app.post("/identify")(self.identify)
        self.client = TestClient(app, raise_server_exceptions=False)

    def create(self, body: dict[str, str]):
        self.galleries[body["gallery"]] = []
        return body

    def delete(self, gallery: str):
        del self.galleries[gallery]
        return Response(status_code=204)

    def enroll(
        self,
        image: UploadFile,
        gallery: str = Form(),
        subject_id: str = Form(),
        modality: str = Form(),
        face_policy: str = Form(),
    ):
        self.requests.append(("enroll", modality, face_policy))
        seen = vector(image)
        if not seen.any():
            return problem(422, "no_face")
        self.galleries[gallery].append((subject_id, seen))
        return {"subject": {"subject_id": subject_id}, "templates": [{}], "rejected": []}

    def identify(
        self,
        image: UploadFile,
        gallery: str = Form(),
        modality: str = Form(),
        face_policy: str = Form(),
        top_k: int = Form(),
    ):
        self.requests.append(("identify", modality, top_k))
        if self.busy_answers:
            self.busy_answers -= 1
            return Response(status_code=503, headers={"Retry-After": "0"})
        seen = vector(image)
        if not seen.any():
            return problem(422, "no_face")
        near = sorted(
            ((-float(np.abs(seen - other).sum()), name) for name, other in self.galleries[gallery]),
            reverse=True,
        )
        candidates = [
            {"rank": n, "subject_id": name, "score": score}
            for n, (score, name) in enumerate(near[:top_k], 1)
        ]
        return {"model": "small", "candidates": candidates}


@pytest.fixture
def service():
    return SmallService()


def test_the_gallery_is_enrolled_searched_and_deleted(data, service):
    student = trials_of(cufs(data))[1]
    served = run_trial(student, service.client)
    assert cmc(served.searches, 1).tolist() == [1.0]
    assert served.model == "small"
    assert served.refusals == ()
    assert service.galleries == {}
    assert service.requests[0] == ("enroll", "vis", "largest")
    assert service.requests[-1] == ("identify", "sketch", 200)


def test_refusals_are_misses_and_are_listed_by_code(data, service):
    Image.new("L", (64, 80)).save(data / "cufs/ar/test/sketch/ar-002.png")
    Image.new("RGB", (64, 80)).save(data / "cufs/ar/test/vis/ar-008.png")
    served = run_trial(trials_of(cufs(data))[2], service.client)
    assert served.searches.rank.tolist() == [1, MISS, MISS]
    assert served.searches.acquired.tolist() == [True, False, True]
    assert set(served.refusals) == {
        Refusal("ar-002.png", "no_face", is_probe=True),
        Refusal("ar-008.png", "no_face", is_probe=False),
    }


def test_a_busy_service_is_asked_again(data, service):
    service.busy_answers = 2
    assert cmc(run_trial(trials_of(cufs(data))[2], service.client).searches, 1).tolist() == [1.0]


def test_any_other_error_stops_the_run_and_still_deletes_the_gallery(data, service):
    service.client.app.router.routes = [
        route for route in service.client.app.router.routes if route.path != "/identify"
    ]
    with pytest.raises(ServerError, match="POST /identify answered 404"):
        run_trial(trials_of(cufs(data))[2], service.client)
    assert service.galleries == {}


def test_a_crowd_at_the_same_score_goes_before_the_own_subject():
    answer = read_candidates(
        [
            {"rank": 1, "subject_id": "ada", "score": 0.8},
            {"rank": 2, "subject_id": "ben", "score": 0.8},
            {"rank": 3, "subject_id": "cyd", "score": 0.7},
        ],
        "ada",
    )
    assert (answer.rank, answer.mated, answer.nonmated) == (2, 0.8, 0.8)


def test_a_subject_beyond_the_list_is_a_miss():
    answer = read_candidates([{"rank": 1, "subject_id": "ben", "score": 0.8}], "ada")
    assert (answer.rank, answer.acquired) == (MISS, True)
