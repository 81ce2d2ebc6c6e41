"""GET /metrics."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Response
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service import metrics
from service.api.deps import PartsDep
from service.api.guard import GuardedRoute, needs
from service.core.gallery import Gallery
from service.core.ports import Parts

MOST_GALLERIES = 1_000

router = APIRouter(route_class=GuardedRoute)


@router.get("/metrics", include_in_schema=False, openapi_extra=needs())
def get_metrics(parts: PartsDep) -> Response:
    """For Prometheus. A key that is for some galleries sees the sizes of these only."""
    return Response(metrics.exposed(State(parts)), media_type=metrics.MEDIA_TYPE)


@dataclass(frozen=True)
class State(Collector):
    """What is so at this moment, from this process's index and two small queries."""

    parts: Parts

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        parts = self.parts
        yield _of_one("null_face_info", "What runs here.", _about(parts), 1)
        galleries = parts.store.galleries(after=0, limit=MOST_GALLERIES).items
        yield from _of_galleries(parts, galleries)


def _about(parts: Parts) -> dict[str, str]:
    return {
        "model": parts.model.name,
        "provider": parts.about.provider,
        "database": parts.about.database,
    }


def _of_one(name: str, text: str, labels: dict[str, str], value: float) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _of_galleries(parts: Parts, galleries: Iterable[Gallery]) -> Iterator[Metric]:
    held = {**parts.index.standing(), **(parts.upcoming.index.standing() if parts.upcoming else {})}
    templates = GaugeMetricFamily(
        "null_face_gallery_templates",
        "Templates of a gallery in the index of the process that answers.",
        labels=["gallery"],
    )
    lag = GaugeMetricFamily(
        "null_face_index_lag",
        "Changes in the log of a gallery that this process's index has not seen. A search "
        "brings it to 0 first.",
        labels=["gallery"],
    )
    for gallery in galleries:
        if gallery.id in held:
            standing = held[gallery.id]
            templates.add_metric([gallery.name], standing.templates)
            lag.add_metric([gallery.name], max(0, gallery.head - standing.applied))
    yield templates
    yield lag
