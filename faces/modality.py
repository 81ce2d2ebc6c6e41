"""The three kinds of face image that share one content space."""

from enum import StrEnum


class Modality(StrEnum):
    """How a face image came to be: visible light, near infrared, or by an artist's hand."""

    VIS = "vis"
    NIR = "nir"
    SKETCH = "sketch"
