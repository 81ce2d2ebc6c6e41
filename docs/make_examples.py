"""Draw the people of docs/examples, whom the README enrols and finds: nobody real is shown.

Run from the root: .venv-dev/bin/python docs/make_examples.py
"""

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import drawn_faces  # noqa: E402 - the tests draw the same people

EXAMPLES = ROOT / "docs" / "examples"
NAMES = ("ada", "ben", "cleo", "dan", "eva", "finn")
FIRST = 100
PROBES = {"ada": "sketch", "ben": "nir"}


def main() -> None:
    """Write a photo of everybody, a sketch of Ada and a near-infrared frame of Ben."""
    for seed, name in enumerate(NAMES, FIRST):
        who = drawn_faces.person(seed)
        _save(EXAMPLES / "people" / name / "photo.jpg", drawn_faces.photo(who))
        if PROBES.get(name) == "sketch":
            _save(EXAMPLES / "sketch-of-ada.jpg", drawn_faces.sketch(who))
        if PROBES.get(name) == "nir":
            _save(EXAMPLES / "nir-frame-of-ben.jpg", drawn_faces.near_infrared(who))


def _save(path: Path, image: drawn_faces.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, quality=88)


if __name__ == "__main__":
    main()
