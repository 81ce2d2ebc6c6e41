"""Whatever happens in whatever order, a search equals a search of everything by hand."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from workers import Worker, vector_of

from service.core import galleries
from service.core.errors import NothingEnrolled
from service.core.gallery_settings import Fusion, SettingsChange
from service.core.metadata_filter import MetadataFilter

NUMBERS = st.integers(0, 29)
SUBJECTS = st.sampled_from(["ada", "ben", "cyd", "dot", "eve"])
WORKERS = st.integers(0, 1)
FUSIONS = st.sampled_from(Fusion)
SOME_SUBJECTS = st.none() | st.sets(SUBJECTS, min_size=1)


@dataclass
class Held:
    """A template as the model knows it."""

    subject_id: str
    template_id: str
    number: int


class GalleryMachine(RuleBasedStateMachine):
    """Two workers with an index each on one database, beside a plain list of what is enrolled."""

    templates = Bundle("templates")
    database: ClassVar[str]

    @initialize()
    def start(self) -> None:
        self.snapshots = tempfile.TemporaryDirectory()
        self.workers = [self.new_worker(), self.new_worker()]
        self.held: list[Held] = []
        self.serial = 0
        self.erase_gallery(0)  # of the example before

    def teardown(self) -> None:
        for worker in self.workers:
            worker.close()
        self.snapshots.cleanup()

    def new_worker(self) -> Worker:
        return Worker(self.database, Path(self.snapshots.name))

    @rule(
        target=templates,
        worker=WORKERS,
        subject_id=SUBJECTS,
        numbers=st.lists(NUMBERS, min_size=1, max_size=4),
    )
    def enroll(self, worker: int, subject_id: str, numbers: list[int]):
        self.serial += 1
        images = [f"{number} {self.serial} {place}" for place, number in enumerate(numbers)]
        enrolment = self.workers[worker].enroll(subject_id, *images)
        made = [
            Held(subject_id, template.template_id, number)
            for template, number in zip(enrolment.templates, numbers, strict=True)
        ]
        self.held += made
        return multiple(*(one.template_id for one in made))

    @rule(worker=WORKERS, subject_id=SUBJECTS)
    def enroll_the_same_image_twice(self, worker: int, subject_id: str) -> None:
        self.serial += 1
        image = f"{self.serial % 30} {self.serial} again"
        made = self.workers[worker].enroll(subject_id, image, image)
        assert [one.code for one in made.rejected] == ["duplicate"]
        self.held.append(Held(subject_id, made.templates[0].template_id, self.serial % 30))
        with pytest.raises(NothingEnrolled) as refusal:
            self.workers[1 - worker].enroll(subject_id, image)
        assert refusal.value.rejected[0].code == "duplicate"

    @rule(worker=WORKERS, subject_id=SUBJECTS)
    def erase_subject(self, worker: int, subject_id: str) -> None:
        there = any(one.subject_id == subject_id for one in self.held)
        if there:
            galleries.delete_subject(self.workers[worker].store, "default", subject_id)
        self.held = [one for one in self.held if one.subject_id != subject_id]

    @rule(worker=WORKERS, template_id=consumes(templates))
    def erase_template(self, worker: int, template_id: str) -> None:
        if any(one.template_id == template_id for one in self.held):
            galleries.delete_template(self.workers[worker].store, "default", template_id)
        self.held = [one for one in self.held if one.template_id != template_id]

    @rule(worker=WORKERS)
    def erase_gallery(self, worker: int) -> None:
        owner = self.workers[worker]
        galleries.opened(owner.parts, "default")
        galleries.delete(owner.parts, "default")
        self.held = []
        self.fusion = Fusion.BEST

    @rule(worker=WORKERS, fusion=FUSIONS)
    def fuse(self, worker: int, fusion: Fusion) -> None:
        owner = self.workers[worker]
        galleries.opened(owner.parts, "default")
        galleries.change(owner.store, "default", SettingsChange(fusion=fusion))
        self.fusion = fusion

    @rule(worker=WORKERS)
    def crash_and_start_again(self, worker: int) -> None:
        self.workers[worker].close()
        self.workers[worker] = self.new_worker()

    @rule(worker=WORKERS)
    def keep_up(self, worker: int) -> None:
        """What the upkeep does: refresh the index, write its snapshots, shorten the log."""
        self.workers[worker].index.refresh(self.workers[worker].store)
        self.workers[worker].store.tidy()

    @rule(worker=WORKERS, number=NUMBERS, top_k=st.integers(1, 6), among=SOME_SUBJECTS)
    def search(self, worker: int, number: int, top_k: int, among: set[str] | None) -> None:
        self.compare(self.workers[worker], number, top_k, among)

    @invariant()
    def both_workers_agree_with_the_list(self) -> None:
        for worker in self.workers:
            self.compare(worker, self.serial % 30, 3)

    def compare(
        self, worker: Worker, number: int, top_k: int, among: set[str] | None = None
    ) -> None:
        wanted = MetadataFilter({"id": tuple(sorted(among))}) if among else None
        found = worker.identify(number, top_k, wanted=wanted)
        held = [one for one in self.held if among is None or one.subject_id in among]
        subjects = {one.subject_id for one in held}
        assert found.searched == len(subjects if self.fusion is Fusion.MEAN else held)
        ranked = self.by_mean if self.fusion is Fusion.MEAN else self.by_best
        expected = ranked(held, number)[:top_k]
        assert [one.subject_id for one in found.candidates] == [name for name, _, _ in expected]
        assert [one.template_id for one in found.candidates] == [name for _, name, _ in expected]
        scores = [score for _, _, score in expected]
        assert np.allclose([one.score for one in found.candidates], scores, atol=1e-6)

    def by_mean(self, held: list[Held], number: int) -> list[tuple[str, str, float]]:
        """Each subject by the mean of their templates, with their best template; best first."""
        best = self.by_best(held, number)
        fused = []
        for subject_id, template_id, _ in best:
            own = [vector_of(one.number) for one in held if one.subject_id == subject_id]
            mean = np.mean(own, axis=0)
            score = float(mean @ vector_of(number) / np.linalg.norm(mean))
            fused.append((subject_id, template_id, score))
        order = {one.template_id: place for place, one in enumerate(self.held)}
        return sorted(fused, key=lambda one: (-round(one[2], 6), order[one[1]]))

    def by_best(self, held: list[Held], number: int) -> list[tuple[str, str, float]]:
        """Best template of each subject, best first; of equal ones, that enrolled first."""
        probe = vector_of(number)
        scored = [(one, float(vector_of(one.number) @ probe)) for one in held]
        scored.sort(key=lambda pair: -round(pair[1], 6))
        best: dict[str, tuple[str, str, float]] = {}
        for one, score in scored:
            best.setdefault(one.subject_id, (one.subject_id, one.template_id, score))
        return list(best.values())


@pytest.mark.every_database
def test_any_sequence_of_events_leaves_searches_right(database: str, backend: str) -> None:
    class Machine(GalleryMachine):
        pass

    Machine.database = database
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=15 if backend == "sqlite" else 8,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
