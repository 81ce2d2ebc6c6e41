"""The crop that this project's encoders are trained on.

The five points are the median shape of the training photos, mirror-symmetric, with 36 pixels
between the eyes. That is looser than the usual 40 of 128: hair line, ears and chin stay in, which
sketches draw with care. Chosen on training people (docs/science.md).
"""

from faces.align import CropSpec

CROP = CropSpec(
    size=128,
    template=((45.5, 56.3), (81.5, 56.3), (63.5, 77.7), (47.6, 93.3), (79.4, 93.3)),
)
