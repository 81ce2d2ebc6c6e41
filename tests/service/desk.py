"""A clerk who enrols and identifies drawn people in one gallery."""

import httpx
from drawn import jpeg, photo


class Desk:
    """Enrols and identifies drawn people in one gallery."""

    def __init__(self, client: httpx.Client, gallery: str) -> None:
        self.client, self.gallery = client, gallery

    def enroll(
        self, subject_id: str | None = None, *images: bytes, key: str | None = None, **fields: str
    ) -> httpx.Response:
        data = {"gallery": self.gallery, **fields}
        if subject_id is not None:
            data["subject_id"] = subject_id
        files = [("image", ("image", image)) for image in images]
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post("/enroll", data=data, files=files, headers=headers)

    def enroll_person(self, person: int, subject_id: str | None = None) -> str:
        """Enrols a photo of a drawn person; gives the subject's id."""
        answer = self.enroll(subject_id or f"person-{person}", jpeg(photo(person)))
        assert answer.status_code == 201, answer.text
        return answer.json()["subject"]["subject_id"]

    def identify(self, image: bytes, **fields: object) -> httpx.Response:
        data = {"gallery": self.gallery, **{name: str(value) for name, value in fields.items()}}
        return self.client.post("/identify", data=data, files={"image": ("image", image)})

    def found(self, image: bytes, **fields: object) -> list[str]:
        """Ids of the subjects listed, best first."""
        answer = self.identify(image, **fields)
        assert answer.status_code == 200, answer.text
        return [candidate["subject_id"] for candidate in answer.json()["candidates"]]

    def at(self, *path: str) -> str:
        return "/".join(["/galleries", self.gallery, *path])
