"""The errors of this domain, each with a stable code.

FaceError
├── ImageError
│   ├── UnsupportedImage    not one still JPEG, PNG, WebP or BMP image, or damaged
│   └── ImageTooLarge       more bytes or more pixels than the limits allow
├── NoFace                  the locator finds no face
├── SeveralFaces            more faces than the face policy accepts; carries their boxes
├── LowQuality              a face is there, but too small to encode
└── BundleError             a model bundle is missing, altered or of another format

Which HTTP status a code becomes is the service's business.
"""

from typing import ClassVar

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels of the upright image."""


class FaceError(Exception):
    """Root of the domain's errors; `detail` is fit to be shown to the caller."""

    code: ClassVar[str] = "face_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ImageError(FaceError):
    """The bytes cannot be used as an image."""

    code = "unsupported_image"


class UnsupportedImage(ImageError):
    """Not one still image in a supported format, or damaged."""


class ImageTooLarge(ImageError):
    """More bytes or pixels than the limits allow; raised before the pixels are decoded."""

    code = "image_too_large"


class NoFace(FaceError):
    """The locator finds no face."""

    code = "no_face"


class SeveralFaces(FaceError):
    """More faces than the policy accepts."""

    code = "several_faces"

    def __init__(self, detail: str, boxes: list[Box]) -> None:
        super().__init__(detail)
        self.boxes = boxes


class LowQuality(FaceError):
    """A face was found, but it is too poor to encode."""

    code = "low_quality"


class BundleError(FaceError):
    """A model bundle is missing, altered or of a format this version does not read."""

    code = "bundle_invalid"
