"""The use cases on a server, over HTTP."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from faces.locate import FacePolicy
from faces.modality import Modality
from service.api.answers import EnrollOut, IdentifyOut, VerifyOut
from service.api.gallery_answers import GalleryOut
from service.api.schemas import SubjectPageOut
from service.cli.errors import CommandError, Refused, TryAgain, Unreachable
from service.core.access import is_loopback
from service.core.enroll import EnrollRequest
from service.core.identify import Search
from service.core.verify import Reference, Threshold

A = TypeVar("A", bound=BaseModel)
Files = dict[str, tuple[str, bytes]]

TIMEOUT = httpx.Timeout(120.0, connect=5.0)
PAGE = 1000
RETRY_AFTER = 1.0


class RemoteTarget:
    """Obeys `service.cli.target.Target`."""

    def __init__(self, address: str, connections: int = 1, key: str | None = None) -> None:
        self.place = address.rstrip("/")
        try:
            url = httpx.URL(self.place)
        except httpx.InvalidURL as error:
            raise CommandError(f"{address} is not an address: {error}.") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise CommandError(f"{address} is not an address such as http://127.0.0.1:8000.")
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=connections),
            trust_env=not is_loopback(url.host),  # a proxy could not reach this machine
        )

    def close(self) -> None:
        """Let everything go."""
        self._client.close()

    def gallery(self, name: str) -> GalleryOut:
        """See `Target`."""
        try:
            return self.ask(GalleryOut, "GET", f"/galleries/{quote(name, safe='')}")
        except Refused as error:
            if error.code != "unknown_gallery":
                raise
            return self.ask(GalleryOut, "POST", "/galleries", json={"gallery": name})

    def templates(self, gallery: str) -> Mapping[str, int]:
        """See `Target`."""
        found: dict[str, int] = {}
        path = f"/galleries/{quote(gallery, safe='')}/subjects"
        query: dict[str, str | int] = {"limit": PAGE}
        while True:
            page = self.ask(SubjectPageOut, "GET", path, params=query)
            found |= {subject.subject_id: subject.template_count for subject in page.subjects}
            if page.next_cursor is None:
                return found
            query["cursor"] = page.next_cursor

    def enroll(self, request: EnrollRequest) -> EnrollOut:
        """See `Target`."""
        fields = {
            "gallery": request.gallery,
            "modality": request.modality,
            "face_policy": request.policy,
        }
        if request.subject_id is not None:
            fields["subject_id"] = request.subject_id
        headers = {"Idempotency-Key": request.key} if request.key else {}
        files = {"image": ("image", request.images[0]())}
        return self.ask(EnrollOut, "POST", "/enroll", data=fields, files=files, headers=headers)

    def identify(self, data: bytes, search: Search) -> IdentifyOut:
        """See `Target`."""
        fields = {
            "gallery": search.gallery,
            "modality": search.modality or "auto",
            "face_policy": search.policy,
            "top_k": search.top_k,
            "min_score": search.min_score,
            "target_fpir": search.target_fpir,
            "purpose": search.purpose,
            "filter": search.wanted and json.dumps(search.wanted.any_of),
        }
        return self.ask(
            IdentifyOut, "POST", "/identify", data=_set(fields), files={"image": ("image", data)}
        )

    def verify(
        self,
        data: bytes,
        modality: Modality | None,
        policy: FacePolicy,
        reference: Reference,
        at: Threshold,
    ) -> VerifyOut:
        """See `Target`."""
        fields = {
            "modality": modality or "auto",
            "reference_modality": reference.modality or "auto",
            "face_policy": policy,
            "min_score": at.min_score,
            "target_fmr": at.target_fmr,
        }
        files: Files = {
            "image": ("image", data),
            "reference": ("reference", reference.image or b""),
        }
        return self.ask(VerifyOut, "POST", "/verify", data=_set(fields), files=files)

    def ask(self, shape: type[A], method: str, path: str, **sent: Any) -> A:
        """The answer to a request, which must have a shape; raises CommandError."""
        answer = self.send(method, path, **sent)
        try:
            return shape.model_validate_json(answer.content)
        except ValidationError as error:
            raise CommandError(f"What answers at {self.place} is not null-face.") from error

    def send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Send a request; raises Refused, TryAgain, Unreachable."""
        try:
            answer = self._client.request(method, path, **sent)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(
                f"No server answers at {self.place}: start one with `null-face serve`, "
                "or use --local."
            ) from error
        except httpx.TransportError as error:
            raise Unreachable(f"{self.place} broke off: {error or 'no answer'}.") from error
        if answer.is_success:
            return answer
        raise _refusal(answer)

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """An answer that is read as it comes; raises as `send` does, and httpx.TransportError."""
        with self._client.stream("GET", path, headers=headers) as answer:
            if not answer.is_success:
                answer.read()
                raise _refusal(answer)
            yield answer


def _refusal(answer: httpx.Response) -> CommandError:
    try:
        problem = answer.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "internal_error", f"HTTP {answer.status_code} {answer.reason_phrase}"
    in_use = code == "idempotency_conflict"  # keys are ours alone: our own earlier try still runs
    if answer.status_code in (429, 502, 503, 504) or in_use:
        return TryAgain(detail, _seconds(answer.headers.get("Retry-After")))
    return Refused(code, detail)


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.1, float(retry_after or RETRY_AFTER))
    except ValueError:  # a date
        return RETRY_AFTER


def _set(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
