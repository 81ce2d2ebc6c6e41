"""The page about a run: whole in itself, honest about what is missing, safe to open."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from faces.modality import Modality
from faces.similarity import Calibration
from training.evaluation.analysis import Analysis, Breakdown, NamedLeak
from training.evaluation.groups import by_group
from training.evaluation.leaks import Leak
from training.evaluation.plane import principal_plane
from training.evaluation.protocols import Attribute, cufs, trials_of
from training.evaluation.record import write_json
from training.evaluation.reliability import reliability
from training.evaluation.report import Report, write_report
from training.evaluation.report.pictures import montage, pictures_section, shrink
from training.evaluation.run import evaluate
from training.evaluation.systems import on_crops
from training.evaluation.trained import TrainedRun

HAIR = Attribute(
    "hair", "drawn", {f"cufs/student-test-{n:03d}": "long" if n < 3 else "short" for n in range(5)}
)
LEAK = Leak(rate=0.9, interval=(0.85, 0.94), chance=0.5, images=14)


def means(crops, modality):
    return crops[:, 2::6, 4::8].reshape(len(crops), -1) - 0.5


def blind(crops, modality):
    return np.ones((len(crops), 3), dtype=np.float32)


def run_of(domains=(Modality.VIS, Modality.SKETCH)):
    """A run whose decoder returns the style image darkened, and whose s is a mean grey."""

    def translate(x, i, y, j):
        return (y[:, ::2, ::2] / 2).astype(np.float32)

    def style(crops, modality):
        return crops.reshape(len(crops), -1).mean(axis=1, keepdims=True)

    return TrainedRun("a run", tuple(domains), (), style, translate)


@pytest.fixture(scope="module")
def evaluation(draw_data, recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    data = draw_data(folder / "data")
    Image.new("L", (64, 80)).save(data / "cufs/ar/test/sketch/ar-002.png")
    trial = trials_of(cufs(data))[0]
    systems = [on_crops("sees <b>", means), on_crops("blind", blind)]
    return evaluate("cufs", [trial], systems, recipe, cache=folder / "cache")


@pytest.fixture(scope="module")
def analysis(evaluation):
    """All that an analysis can hold; seven people are too few to compute it from."""
    scores = evaluation.outcomes[0].scores
    table = Calibration(np.array([0.0, 0.5, 0.9]), np.array([0.5, 0.1, 0.01]))
    return Analysis(
        (NamedLeak("cufs", "sees <b>", LEAK),),
        (NamedLeak("cufs", "s of a run", LEAK),),
        (reliability("cufs", scores, table),),
        (Breakdown("cufs", "sees <b>", {"hair": "<i>drawn</i>"}, by_group([HAIR], scores)),),
    )


@pytest.fixture(scope="module")
def page(evaluation, analysis, tmp_path_factory):
    report = Report("a <i>run</i>", {"code": "abc"}, evaluation, analysis, run_of())
    return write_report(report, tmp_path_factory.mktemp("page") / "out")


class Tags(HTMLParser):
    """Every tag with its attributes, and whether all that opens also closes."""

    VOID = ("img", "meta", "br")

    def __init__(self, text):
        super().__init__()
        self.seen, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_loads_nothing_from_anywhere_else(page):
    tags = Tags(page.read_text())
    links = [
        value for _, attrs in tags.seen for key, value in attrs.items() if key in ("src", "href")
    ]
    assert links
    assert all(link.startswith(("data:image/", "#")) for link in links)
    assert {tag for tag, _ in tags.seen} & {"script", "link", "iframe", "object"} == set()
    assert "default-src 'none'" in page.read_text()
    assert "url(" not in page.read_text()


def test_every_tag_closes_and_every_picture_says_what_it_shows(page):
    tags = Tags(page.read_text())
    assert tags.open == []
    assert all(attrs["alt"] for tag, attrs in tags.seen if tag == "img")


def test_the_page_says_that_it_shows_people_and_git_ignores_its_folder(page):
    assert (page.parent / ".gitignore").read_text() == "*\n"
    assert "faces of real people" in page.read_text()


def test_results_stand_by_group_and_it_says_who_told_the_groups(page):
    text = page.read_text()
    assert "By group: sees &lt;b&gt;" in text
    assert re.search(r"hair</th><td>long</td><td>2</td>", text)
    assert re.search(r"<th scope=\"row\"></th><td>short</td>", text)
    assert "&lt;i&gt;drawn&lt;/i&gt;" in text


def test_names_are_text_not_markup(page):
    text = page.read_text()
    assert "sees &lt;b&gt;" in text
    assert "sees <b>" not in text
    assert "<i>run" not in text


def test_every_part_of_the_page_is_there(page):
    text = page.read_text()
    headings = [re.sub("<.*?>", "", h) for h in re.findall(r"<h[234]>(.*?)</h", text)]
    assert headings == [
        "cufs: 7 probes against 7 references",
        "Rank-1 of sees &lt;b&gt; less that of the others",
        "Curves",
        "By group: sees &lt;b&gt;",
        "Calibration: stated and observed",
        "Content vectors of sees &lt;b&gt;",
        "Modality leak",
        "Identity leak of s",
        "Translations and style swaps by a run",
        "Best and worst matches of sees &lt;b&gt;",
        "Best",
        "Worst",
        "Refused images",
        "Published rank-1 of the NULL paper",
    ]


def test_published_rows_are_marked_and_stand_apart_from_measured_ones(page):
    text = page.read_text()
    measured, published = text.split('id="published"')
    assert "84.23" in published
    assert published.count('class="badge">published') == 3
    assert "84.23" not in measured
    assert "never compare across protocols" in published


def test_what_cannot_be_measured_says_so(page):
    assert 'class="absent">n/m' in page.read_text()


def test_refused_images_are_named(page):
    text = page.read_text()
    assert "no_face" in text
    assert "ar-002.png" in text.split("Refused images")[1]


def test_chance_stands_beside_a_leak(page):
    leak = page.read_text().split("Modality leak")[1].split("</table>")[0]
    assert "90.0" in leak
    assert "chance, %" in leak
    assert "50.0" in leak


def test_a_run_that_does_not_know_a_modality_draws_nothing(evaluation):
    outcome = evaluation.outcomes[0]
    assert pictures_section(evaluation, outcome, run_of())
    assert not pictures_section(evaluation, outcome, run_of([Modality.VIS]))


def test_the_same_run_makes_the_same_page(evaluation, analysis, page, tmp_path):
    report = Report("a <i>run</i>", {"code": "abc"}, evaluation, analysis, run_of())
    assert write_report(report, tmp_path).read_bytes() == page.read_bytes()


def test_json_holds_what_the_page_tells_and_no_picture(evaluation, analysis, tmp_path):
    path = tmp_path / "results.json"
    write_json(
        path,
        "cufs",
        evaluation.results,
        evaluation.differences,
        analysis=analysis,
        facts={"code": "abc"},
    )
    document = json.loads(path.read_text())
    first = document["results"][0]
    assert (first["system"], first["probes"], first["fta"]) == ("sees <b>", 7, 1)
    assert first["searches"][0]["rank"] == 1
    assert first["cmc"][0].keys() == {"x", "y", "interval"}
    assert document["differences"][0]["theirs"] == "blind"
    assert document["analysis"]["modality_leaks"][0]["leak"]["chance"] == 0.5
    assert document["analysis"]["reliability"][0]["fmr"][0].keys() >= {"stated", "observed"}
    assert document["facts"] == {"code": "abc"}
    assert "data:image" not in path.read_text()


# Pieces


def test_a_montage_keeps_pictures_in_their_rows_and_columns():
    black, white = np.zeros((2, 4, 4), np.float32), np.ones((2, 4, 4), np.float32)
    made = montage([black, white])
    assert made.shape == (16, 16)
    assert made[4, 4] == 0
    assert made[12, 4] == 255
    assert made[0, 0] == 255  # the gap


def test_shrinking_takes_means_over_squares():
    crops = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    assert shrink(crops, 2).tolist() == [[[2.5, 4.5], [10.5, 12.5]]]


def test_the_principal_plane_finds_the_two_axes_of_most_variance():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 5)) * [0.1, 5, 0.1, 2, 0.1]
    places, (first, second) = principal_plane(vectors)
    assert abs(np.corrcoef(places[:, 0], vectors[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(places[:, 1], vectors[:, 3])[0, 1]) > 0.99
    assert first == pytest.approx(25 / 29, abs=0.05)
    assert 0.99 < first + second <= 1


def test_the_principal_plane_of_equal_vectors_is_a_point():
    places, shares = principal_plane(np.ones((4, 3)))
    assert np.abs(places).max() < 1e-9
    assert shares == (0, 0) or sum(shares) <= 1
