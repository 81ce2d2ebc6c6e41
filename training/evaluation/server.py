"""A trial over HTTP: enrol the gallery for real, identify every probe, delete the gallery."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from rich.console import Console
from rich.progress import track

from training.evaluation.comparisons import MISS, Searches
from training.evaluation.protocols import Sample, Trial

TOP_K = 200
REFUSALS = frozenset(
    {"no_face", "several_faces", "low_quality", "unsupported_image", "image_too_large", "duplicate"}
)
"""Codes that say something about the image. Any other refusal says something about the set-up."""

BUSY_TRIES = 30
BUSY_PAUSE_SECONDS = 1.0


class ServerError(Exception):
    """The service did not do what its contract says; the message holds its answer."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An image that the service would not take."""

    file: str
    code: str
    is_probe: bool


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A trial as the service answered it. `model` is what the service calls its bundle."""

    model: str
    searches: Searches
    refusals: tuple[Refusal, ...]
    enroll_seconds: float
    identify_seconds: float


@dataclass(frozen=True, slots=True)
class _Answer:
    """One probe's candidate list, read off."""

    rank: int
    mated: float
    nonmated: float
    acquired: bool


MISSED = _Answer(MISS, -np.inf, -np.inf, acquired=False)


def run_trial(trial: Trial, client: httpx.Client, *, console: Console | None = None) -> Served:
    """Enrol, identify, delete.

    Raises:
        ServerError: it cannot be reached, or an answer is neither success nor a refusal of an
            image.
    """
    try:
        return _run(trial, client, console or Console(stderr=True))
    except httpx.HTTPError as error:
        raise ServerError(f"{client.base_url}: {error}") from error


def _run(trial: Trial, client: httpx.Client, console: Console) -> Served:
    refusals: list[Refusal] = []
    with _fresh_gallery(client) as gallery:
        start = time.perf_counter()
        for sample in track(trial.gallery, f"{trial.name}: enrolling", console=console):
            refusals += _enroll(client, gallery, sample)
        enrolled = time.perf_counter()
        models: set[str] = set()
        answers: list[_Answer] = []
        for sample in track(trial.probes, f"{trial.name}: identifying", console=console):
            answers.append(_identify(client, gallery, sample, refusals, models))
        done = time.perf_counter()
    return Served(
        model=", ".join(sorted(models)) or "unknown",
        searches=_searches(trial.probes, trial, answers),
        refusals=tuple(refusals),
        enroll_seconds=enrolled - start,
        identify_seconds=done - enrolled,
    )


@contextmanager
def _fresh_gallery(client: httpx.Client) -> Iterator[str]:
    name = f"evaluation-{uuid.uuid4().hex[:12]}"
    _expect(client.post("/galleries", json={"gallery": name}), 200, 201)
    try:
        yield name
    finally:
        _expect(client.delete(f"/galleries/{name}"), 200, 202, 204)


def _enroll(client: httpx.Client, gallery: str, sample: Sample) -> list[Refusal]:
    fields = {
        "gallery": gallery,
        "subject_id": sample.subject,
        "modality": str(sample.modality),
        "face_policy": "largest",
    }
    answer = _send(client, "/enroll", sample, fields)
    code = _refusal_code(answer)
    if code:
        return [Refusal(sample.path.name, code, is_probe=False)]
    rejected = _expect(answer, 201)["rejected"]
    return [Refusal(sample.path.name, each["code"], is_probe=False) for each in rejected]


def _identify(
    client: httpx.Client,
    gallery: str,
    sample: Sample,
    refusals: list[Refusal],
    models: set[str],
) -> _Answer:
    fields = {
        "gallery": gallery,
        "modality": str(sample.modality),
        "face_policy": "largest",
        "top_k": str(TOP_K),
    }
    answer = _send(client, "/identify", sample, fields)
    code = _refusal_code(answer)
    if code:
        refusals.append(Refusal(sample.path.name, code, is_probe=True))
        return MISSED
    document = _expect(answer, 200)
    models.add(str(document["model"]))
    return read_candidates(document["candidates"], sample.subject)


def read_candidates(candidates: Sequence[dict[str, Any]], subject: str) -> _Answer:
    """Rank of `subject` in a candidate list by the scores in it, ties counted against us."""
    own = [c["score"] for c in candidates if c["subject_id"] == subject]
    others = [c["score"] for c in candidates if c["subject_id"] != subject]
    nonmated = max(others, default=-np.inf)
    if not own:
        return _Answer(MISS, -np.inf, nonmated, acquired=True)
    mated = max(own)
    return _Answer(1 + sum(s >= mated for s in others), mated, nonmated, acquired=True)


def _send(client: httpx.Client, url: str, sample: Sample, fields: dict[str, str]) -> httpx.Response:
    """POST one image; wait and try again while the service says it is busy."""
    for _ in range(BUSY_TRIES):
        with sample.path.open("rb") as image:
            answer = client.post(url, data=fields, files={"image": (sample.path.name, image)})
        if answer.status_code not in (429, 503):
            return answer
        time.sleep(float(answer.headers.get("Retry-After", BUSY_PAUSE_SECONDS)))
    return answer


def _refusal_code(answer: httpx.Response) -> str | None:
    """The code of a problem that is about the image; None for anything else."""
    if answer.status_code not in (409, 413, 415, 422):
        return None
    code = answer.json().get("code")
    return code if code in REFUSALS else None


def _expect(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    if answer.status_code not in statuses:
        request = f"{answer.request.method} {answer.request.url.path}"
        raise ServerError(f"{request} answered {answer.status_code}: {answer.text[:500]}")
    return dict(answer.json()) if answer.content else {}


def _searches(probes: Sequence[Sample], trial: Trial, answers: Sequence[_Answer]) -> Searches:
    subjects = np.array(sorted(trial.subjects))
    return Searches(
        subject=np.searchsorted(subjects, [sample.subject for sample in probes]),
        rank=np.array([answer.rank for answer in answers], dtype=np.int64),
        mated=np.array([answer.mated for answer in answers]),
        nonmated=np.array([answer.nonmated for answer in answers]),
        acquired=np.array([answer.acquired for answer in answers]),
        weight=np.ones(len(answers)),
    )
