from rich.console import Console

from training.evaluation.results import Difference, Figure, Result
from training.evaluation.screen import difference_text, figure_text, show


def result(*figures):
    return Result(
        system="HOG 64x64 root",
        trial="fs2k",
        people=337,
        probes=337,
        references=337,
        fta=2,
        fte=1,
        folds=1,
        figures=figures,
        rank_1_wilson=(0.485, 0.59),
        cmc=(),
        roc=(),
        open_set=(),
        searches=(),
    )


def test_a_figure_is_shown_in_percent_with_its_interval():
    assert figure_text(Figure("rank-1", 0.5372, (0.484, 0.5899))) == "53.7 48.4-59.0"


def test_a_figure_that_is_not_measurable_says_so():
    assert figure_text(Figure("VR@FMR=0.01%", None, None)) == "n/m"


def test_d_prime_is_no_percentage():
    assert figure_text(Figure("d'", 2.345, (2.1, 2.5))) == "2.35 2.10-2.50"


def test_a_difference_names_both_systems_and_its_sign():
    found = Difference("cufs", "ours", "HOG", -0.02, (-0.05, 0.01), 0.25)
    assert difference_text(found) == (
        "cufs: rank-1 of ours less HOG: -2.0 (-5.0 to +1.0), McNemar p = 0.25"
    )


def test_the_table_fits_80_characters_and_marks_the_paper_as_published():
    console = Console(width=80, record=True)
    full = (1.0, 1.0)
    show(
        console,
        [
            result(
                Figure("rank-1", 1.0, full),
                Figure("rank-5", 1.0, full),
                Figure("VR@FMR=1.00%", 1.0, full),
                Figure("VR@FMR=0.10%", 1.0, full),
                Figure("FNIR@FPIR=10%", 1.0, full),
            )
        ],
    )
    text = console.export_text()
    assert "…" not in text
    assert "100.0-100.0" in text
    assert "2/1" in text
    assert "CASIA NIR-VIS 2.0 (published)" in text


def test_what_a_service_cannot_be_measured_for_has_no_column():
    console = Console(width=80, record=True)
    show(console, [result(Figure("rank-1", 0.84, (0.8, 0.88)))])
    text = console.export_text()
    assert "84.0" in text
    assert "VR@FMR" not in text
