"""Whose turn a job is: one worker's, another's once that one is dead, nobody's at last."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from workers import MODEL, Worker

from faces.locate import FacePolicy
from faces.modality import Modality
from service.adapters.sql_jobs import SqlJobs
from service.core import galleries
from service.core.enroll import EnrollRequest, enroll
from service.core.errors import TurnLost
from service.core.gallery import Gallery
from service.core.jobs import Job, JobState, NewFile, NewJob, Step, Turn

pytestmark = pytest.mark.every_database

GONE = timedelta(seconds=-1)
"""The lease of a worker that dies at once."""


@pytest.fixture
def worker(database: str) -> Iterator[Worker]:
    made = Worker(database)
    yield made
    made.close()


@pytest.fixture
def gallery(worker: Worker) -> Gallery:
    return galleries.create(worker.store, "day", MODEL).gallery


@pytest.fixture
def job(worker: Worker, gallery: Gallery) -> Job:
    files = [NewFile(f"{number}.jpg", f"person-{number}", {}) for number in (1, 2)]
    new = NewJob("0" * 32, Modality.VIS, FacePolicy.LARGEST, None, None)
    return worker.parts.imports.jobs.create(gallery, new, files)


def claimed(jobs: SqlJobs) -> Turn:
    turn = jobs.claim(lambda job: True)
    assert turn is not None
    return turn


def do(worker: Worker, turn: Turn, position: int) -> None:
    images = [lambda: f"{position} {turn.token}".encode()]  # never the image of another turn
    who, step = f"person-{position}", Step(turn, position)
    policy = FacePolicy.LARGEST
    enroll(EnrollRequest(images, "day", who, {}, Modality.VIS, policy, step=step), worker.parts)


def test_of_many_workers_one_gets_the_job(worker: Worker, job: Job) -> None:
    jobs, turns = SqlJobs(worker.engine), []
    threads = [
        threading.Thread(target=lambda: turns.append(jobs.claim(lambda job: True)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(turn is not None for turn in turns) == 1


def test_a_dead_workers_job_is_taken_over_and_no_file_enrolled_twice(
    worker: Worker, job: Job
) -> None:
    dead, alive = SqlJobs(worker.engine, GONE), SqlJobs(worker.engine)
    first = claimed(dead)
    do(worker, first, 1)
    second = claimed(alive)

    assert [file.position for file in alive.pending(second, 0, 10)] == [2]
    for turn, position in ((first, 2), (second, 1)):
        with pytest.raises(TurnLost):
            do(worker, turn, position)
    do(worker, second, 2)
    alive.finish(second)
    counted = alive.job(job.job_id)
    assert (counted.state, counted.enrolled, counted.refused) == (JobState.DONE, 2, 0)


def test_a_cancelled_job_and_an_erased_subject_enrol_nothing_more(
    worker: Worker, gallery: Gallery, job: Job
) -> None:
    jobs = SqlJobs(worker.engine)
    turn = claimed(jobs)
    worker.enroll("person-1", "7", gallery="day")
    worker.store.delete_subject(gallery, "person-1")
    with pytest.raises(TurnLost):
        do(worker, turn, 1)
    jobs.cancel(job.job_id)
    with pytest.raises(TurnLost):
        do(worker, turn, 2)

    assert worker.store.subjects(gallery, 0, 10).items == ()
    assert [file.code for file in jobs.files(job, 0, 10).items] == ["erased", None]


def test_a_job_of_which_every_worker_dies_fails(worker: Worker, job: Job) -> None:
    jobs = SqlJobs(worker.engine, GONE)
    for _ in range(5):
        claimed(jobs)

    assert jobs.claim(lambda job: True) is None
    assert jobs.job(job.job_id).state is JobState.FAILED
