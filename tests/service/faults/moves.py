"""A gallery that is taken over to the other of two models and back, while workers serve it."""

import random
import time
from collections import Counter
from pathlib import Path

import httpx
from nursery import Worker

from faces.bundle import Bundle

SECONDS = 120.0


class Moves:
    """What became of each process that was to take the gallery over."""

    def __init__(self, bundles: tuple[Bundle, Bundle]) -> None:
        self._folders = {bundle.identity: bundle.folder for bundle in bundles}
        self._target = ""
        self._mover: Worker | None = None
        self._killed = False
        self.ends: Counter[str] = Counter()

    def target(self, client: httpx.Client) -> Path:
        """The bundle that the gallery is not of."""
        [self._target] = self._folders.keys() - {self._model(client)}
        return self._folders[self._target]

    def begun(self, mover: Worker) -> None:
        """It is under way."""
        self._mover, self._killed = mover, False

    def victim(self, choice: random.Random) -> list[Worker]:
        """Whom to kill of it."""
        if self._mover is None or choice.random() < 0.4:
            return []
        self._killed = True
        return [self._mover]

    def finish(self, client: httpx.Client) -> None:
        """Wait until nobody moves it; one that was not killed has done so."""
        if self._mover is None:
            return
        deadline = time.monotonic() + SECONDS
        while self._mover.is_alive:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        moved = self._model(client) == self._target
        assert moved or self._killed, "it ended, and the gallery is of the old model"
        self.ends[self._how(client, moved=moved)] += 1
        self._mover = None

    def _how(self, client: httpx.Client, *, moved: bool) -> str:
        if moved:
            return "switched, then killed" if self._killed else "done"
        at = client.get("/galleries/default/reembedding").raise_for_status().json()
        return "killed at the start" if at["next_model"] is None else "killed half-way"

    def _model(self, client: httpx.Client) -> str:
        answer = client.get("/galleries/default").raise_for_status()
        return str(answer.json()["model_identity"])
