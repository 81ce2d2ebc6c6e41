"""The vector index by itself: exact, level with a log, and whole while it is searched."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from workers import DIMENSION

from service.adapters.faiss_index import FaissIndex
from service.core.gallery import Change, Changes, Mark

GALLERY = 1


class ListedLog:
    """A log in a list; obeys `service.core.ports.Log`."""

    def __init__(self) -> None:
        self.entries: list[Change] = []
        self.gone: set[int] = set()
        self.reads = 0

    def add(self, template: int, vector: np.ndarray) -> None:
        self.entries.append(Change(len(self.entries) + 1, template, vector))

    def remove(self, template: int) -> None:
        """As a store does: the entry that added the template has no vector any more."""
        self.entries = [
            Change(one.seq, one.template, None if one.template == template else one.vector)
            for one in self.entries
        ]
        self.entries.append(Change(len(self.entries) + 1, template, None))

    def head(self, gallery: int) -> int:
        return 0 if gallery in self.gone else len(self.entries)

    def changes(self, gallery: int, after: int, limit: int) -> Changes:
        self.reads += 1
        entries = [] if gallery in self.gone else self.entries[after : after + limit]
        return Changes(entries, self.head(gallery), 0, is_last=len(entries) < limit)

    def marks(self, galleries: Sequence[int]) -> dict[int, Mark]:
        there = set(galleries) - self.gone
        return {one: Mark(self.head(one), 0, 0, 0) for one in there}

    def token(self, gallery: int, seq: int) -> int | None:
        return None


def unit(random: np.random.Generator) -> np.ndarray:
    vector = random.standard_normal(DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("page", [1, 7, 5000])
def test_it_finds_what_a_full_sort_finds(page: int) -> None:
    random = np.random.default_rng(0)
    log, index = ListedLog(), FaissIndex(DIMENSION, page)
    held: dict[int, np.ndarray] = {}
    for template in range(300):
        held[template] = unit(random)
        log.add(template, held[template])
        if template % 3 == 0:
            removed = int(random.choice(list(held)))
            held.pop(removed)
            log.remove(removed)
        if template % 10 == 0:
            index.catch_up(log, GALLERY)
    index.catch_up(log, GALLERY)

    for k in (1, 5, 50, len(held), 1000):
        probe = unit(random)
        found = index.search(GALLERY, probe, k)
        scores = {template: float(vector @ probe) for template, vector in held.items()}
        best = sorted(scores, key=lambda template: -scores[template])[:k]
        assert [hit.template for hit in found.hits][:k] == best
        assert len(found.hits) >= min(k, len(held))
        assert found.searched == len(held)


def test_it_reads_the_log_only_when_there_is_something_new() -> None:
    log, index = ListedLog(), FaissIndex(DIMENSION)
    log.add(1, unit(np.random.default_rng(0)))
    for _ in range(3):
        index.catch_up(log, GALLERY)

    assert log.reads == 1


def test_a_gallery_that_nobody_opened_is_empty() -> None:
    found = FaissIndex(DIMENSION).search(GALLERY, unit(np.random.default_rng(0)), 5)

    assert (list(found.hits), found.searched) == ([], 0)


def test_galleries_deleted_by_another_process_are_let_go() -> None:
    log, index = ListedLog(), FaissIndex(DIMENSION)
    vector = unit(np.random.default_rng(0))
    log.add(1, vector)
    index.catch_up(log, GALLERY)
    log.gone.add(GALLERY)

    index.refresh(log)

    assert index.search(GALLERY, vector, 5).searched == 0


def test_a_removed_vector_is_overwritten_in_memory() -> None:
    log, index = ListedLog(), FaissIndex(DIMENSION)
    random = np.random.default_rng(0)
    vectors = [unit(random) for _ in range(3)]
    for template, vector in enumerate(vectors):
        log.add(template, vector)
    index.catch_up(log, GALLERY)
    log.remove(1)
    index.catch_up(log, GALLERY)

    held = index._shelves[GALLERY].level.view.vectors.tobytes()

    assert vectors[0].tobytes() in held
    assert vectors[1].tobytes() not in held


def test_searches_are_right_while_another_thread_catches_up() -> None:
    """A template that stays must be found by every search, first and with its score."""
    random = np.random.default_rng(0)
    log, index = ListedLog(), FaissIndex(DIMENSION, page=20)
    stays = unit(random)
    log.add(0, stays)
    index.catch_up(log, GALLERY)
    failures: list[str] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            found = index.search(GALLERY, stays, 3)
            best = max(found.hits, key=lambda hit: hit.score)
            if best.template != 0 or abs(best.score - 1) > 1e-5:
                failures.append(f"{best}")

    def catch_up() -> None:
        while not done.is_set():
            index.catch_up(log, GALLERY)

    threads = [threading.Thread(target=work) for work in (search, search, catch_up, catch_up)]
    for thread in threads:
        thread.start()
    for template in range(1, 600):
        log.add(template, unit(random))
        if template > 20 and template % 2:
            log.remove(template - 20)
    done.set()
    for thread in threads:
        thread.join()
    index.catch_up(log, GALLERY)

    assert failures == []
    assert (
        index.search(GALLERY, stays, 1).searched
        == 600 - sum(1 for e in log.entries[::-1] if e.vector is None) // 2
    )
