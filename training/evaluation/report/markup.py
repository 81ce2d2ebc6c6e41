"""The few pieces of HTML that the page is made of. What is not `Html` yet gets escaped."""

import base64
import html
import io
from collections.abc import Sequence
from typing import NewType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Html = NewType("Html", str)
"""Safe to stand in a page as it is."""

JPEG_QUALITY = 90


def text(value: object) -> Html:
    """Any value as text."""
    return Html(html.escape(str(value)))


def join(parts: Sequence[Html]) -> Html:
    """One after the other."""
    return Html("\n".join(parts))


def element(tag: str, *content: Html, **attributes: str) -> Html:
    """`<tag key="value">content</tag>`; a trailing underscore of a key is dropped (`class_`)."""
    keys = "".join(f' {key.rstrip("_")}="{text(value)}"' for key, value in attributes.items())
    return Html(f"<{tag}{keys}>{''.join(content)}</{tag}>")


def section(level: int, title: str, *content: Html, anchor: str = "") -> Html:
    """A heading and what is under it."""
    heading = element(f"h{level}", text(title))
    return element("section", heading, *content, **({"id": anchor} if anchor else {}))


def note(words: str) -> Html:
    """A line of small print."""
    return element("p", text(words), class_="note")


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[Html]],
    *,
    ours: int | None = None,
    class_: str = "",
) -> Html:
    """A table whose first column names each row; row number `ours` stands out."""
    header = element("tr", *(element("th", text(cell), scope="col") for cell in head))
    body = [_row(row, class_="ours" if number == ours else "") for number, row in enumerate(rows)]
    whole = element("table", element("thead", header), element("tbody", *body), class_=class_)
    return element("div", whole, class_="wide")


def _row(cells: Sequence[Html], class_: str) -> Html:
    first, *others = cells
    row = [element("th", first, scope="row"), *(element("td", cell) for cell in others)]
    return element("tr", *row, class_=class_)


def figure(content: Html, caption: str) -> Html:
    """A picture and the words under it."""
    return element("figure", content, element("figcaption", text(caption)))


def drawing(svg: str, alt: str) -> Html:
    """A plot, isolated from the page and from other plots."""
    return _image("image/svg+xml", svg.encode(), alt, "plot")


def photo(pixels: NDArray[np.uint8], alt: str, class_: str = "face") -> Html:
    """Grey or RGB pixels."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=JPEG_QUALITY)
    return _image("image/jpeg", file.getvalue(), alt, class_)


def _image(kind: str, data: bytes, alt: str, class_: str) -> Html:
    encoded = base64.b64encode(data).decode()
    return Html(
        f'<img alt="{text(alt)}" class="{text(class_)}" src="data:{kind};base64,{encoded}">'
    )
