import hashlib
import json

import pytest
from django.core.management import CommandError, call_command

from labels import detectors
from labels.labelling import detection
from labels.models import DetectionRun, LabelRule
from labels.rules import versions
from tests import detect_labels, factory
from tests.commands.tools import run
from tests.factory import BLUE, RED

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

GREEN, CYAN, MAGENTA = (0, 200, 0), (0, 255, 255), (255, 0, 255)


@pytest.fixture
def folder(tmp_path):
    """Photos the fake detector calls Red, Blue, Red, and what a person says is on them."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    add(folder / "a.png", RED)
    add(folder / "b.png", BLUE)
    add(folder / "sub" / "c.png", (220, 10, 10))
    (folder / "truth.csv").write_text(
        "file,source,red,blue,snow,perhaps\na.png,me,1,0,0,1\nb.png,me,0,1,?,0\nsub/c.png,me,0,0,0,1\n"
    )
    return folder


def add(path, colour):
    path.write_bytes(factory.picture(colour, format="PNG").read())


def evaluate(folder, *arguments, truth="truth.csv"):
    truth = truth if truth == "file-names" else folder / truth
    return run("evaluate_labels", folder, "--truth", truth, "--detector", "fake", *arguments)


def test_each_label_gets_its_figures_with_and_without_the_rules(folder):
    code, document = evaluate(folder)

    assert code == 0
    assert (document["detector"], document["version"], document["photos"]) == ("fake", "fake-1", 3)
    assert document["ignored_columns"] == ["source"]
    rows = {row["label"]: row for row in document["labels"]}
    figures = {"said": 2, "right": 1, "precision": 0.5, "recall": 1.0, "average_precision": 0.5}
    assert rows["Red"] == {
        "label": "Red",
        "present": 1,
        "judged": 3,
        "without_rules": figures,
        "with_rules": figures,
    }
    assert rows["Blue"]["with_rules"]["precision"] == 1.0
    assert (rows["Snow"]["judged"], rows["Snow"]["with_rules"]["recall"]) == (2, None)


def test_rules_change_what_counts_as_said_and_the_plain_answers_stay(folder):
    LabelRule.objects.create(name="No red", action=LabelRule.Action.HIDE, patterns="Red")
    LabelRule.objects.create(name="Blue is snow", action="replace", patterns="Blue", target="Snow")
    version = versions.put_in_force(None)

    _, document = evaluate(folder)

    assert document["rules_version"] == version.pk
    rows = {row["label"]: row for row in document["labels"]}
    assert (rows["Red"]["without_rules"]["said"], rows["Red"]["with_rules"]["said"]) == (2, 0)
    # Nothing of it is in sight: all three photos tie at no confidence.
    assert rows["Red"]["with_rules"]["average_precision"] == pytest.approx(1 / 3)
    assert (rows["Blue"]["without_rules"]["said"], rows["Blue"]["with_rules"]["said"]) == (1, 0)
    assert rows["Snow"]["without_rules"]["said"] == 0


def test_a_suggestion_is_not_said_but_its_confidence_counts(folder):
    _, document = evaluate(folder, "--columns", "perhaps")

    (row,) = document["labels"]
    assert row["without_rules"]["said"] == 0
    assert row["without_rules"]["average_precision"] == pytest.approx(2 / 3)


def test_labels_the_truth_knows_nothing_of_are_counted(folder):
    _, document = evaluate(folder, "--columns", "red", "blue=Blue")

    assert document["not_in_truth"]["labels"] == {"Colour": 3, "Dark": 3}


def test_a_column_may_stand_for_a_label_of_another_name(folder):
    _, document = evaluate(folder, "--columns", "snow=Colour")

    assert [row["label"] for row in document["labels"]] == ["Colour"]
    assert document["labels"][0]["with_rules"]["said"] == 2


def test_photos_missing_on_either_side_are_findings_and_the_rest_is_measured(folder):
    (folder / "b.png").unlink()
    add(folder / "d.png", GREEN)

    code, document = evaluate(folder)

    assert code == 2
    assert document["not_in_folder"] == ["b.png"]
    assert document["not_in_truth"]["files"] == ["d.png"]
    assert document["photos"] == 2


def test_a_photo_that_cannot_be_read_or_is_refused_is_a_finding_with_its_reason(folder):
    (folder / "a.png").write_bytes(b"no picture")
    add(folder / "b.png", MAGENTA)

    code, document = evaluate(folder)

    assert code == 2
    reasons = {one["name"]: one["reason"] for one in document["refused"]}
    assert reasons["b.png"] == "The fake detector refuses magenta."
    assert "a.png is not a photo" in reasons["a.png"]
    assert document["photos"] == 1


def test_a_detector_that_is_away_stops_it(folder):
    add(folder / "b.png", CYAN)

    with pytest.raises(
        CommandError, match="fake cannot answer now: The fake detector is away over cyan. What"
    ):
        evaluate(folder)

    assert DetectionRun.objects.count() == 1


def test_what_was_answered_once_is_not_requested_again(folder):
    evaluate(folder)
    DetectionRun.objects.update(response=json.dumps({"Labels": [{"Name": "Snow", "Confidence": 80}]}))

    _, document = evaluate(folder)

    assert DetectionRun.objects.count() == 3
    assert document["not_in_truth"]["labels"] == {}
    assert {row["label"]: row["with_rules"]["said"] for row in document["labels"]}["Snow"] == 2


def test_flags_are_judged_by_their_names(folder):
    (folder / "truth.csv").unlink()

    code, document = evaluate(folder, truth="file-names")

    assert code == 0
    assert [(row["label"], row["present"], row["judged"]) for row in document["labels"]] == [
        ("Flag", 3, 3),
        ("American Flag", 0, 3),
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param(
            "file,red\nb.png,0\na.png,maybe\n", "truth.csv: line 3, column 'red': 'maybe' is none", id="word"
        ),
        pytest.param("name,red\na.png,1\n", "truth.csv: line 1: no column is called `file`", id="no file"),
    ],
)
def test_a_table_that_is_wrong_is_named_with_its_line(folder, table, message):
    (folder / "truth.csv").write_text(table)

    with pytest.raises(CommandError, match=message):
        evaluate(folder)


def test_places_that_are_not_there_are_named(folder, tmp_path):
    with pytest.raises(CommandError, match="nowhere.csv cannot be read: No such file or directory."):
        evaluate(folder, truth="nowhere.csv")
    with pytest.raises(CommandError, match="nowhere does not exist."):
        run("evaluate_labels", tmp_path / "nowhere", "--truth", folder / "truth.csv")
    with pytest.raises(CommandError, match="--columns goes with a CSV file"):
        evaluate(folder, "--columns", "red", truth="file-names")


def test_people_get_a_table(folder, capsys):
    (folder / "b.png").rename(folder / "b\x1b.png")

    with pytest.raises(SystemExit):
        call_command("evaluate_labels", folder, "--truth", folder / "truth.csv", "--detector", "fake")

    lines = capsys.readouterr().out.splitlines()
    red = next(line for line in lines if line.startswith("Red"))
    assert " ".join(red.split()) == "Red 1 of 2 0.50 1.00 0.50 0.50 1.00 0.50"
    assert "b.png: in the truth, not in the folder" in lines
    assert "b\\x1b.png: in the folder, not in the truth" in lines


def test_the_local_detector_counts_the_photos_it_was_trained_on(shared, tmp_path):
    known = next(iter(sorted((shared / "photos").glob("*.jpg"))))
    (tmp_path / "known.jpg").write_bytes(known.read_bytes())
    (tmp_path / "new.jpg").write_bytes(factory.picture(RED).read())
    (tmp_path / "truth.csv").write_text("file,sky\nknown.jpg,0\nnew.jpg,0\n")

    _, document = run("evaluate_labels", tmp_path, "--truth", tmp_path / "truth.csv", "--detector", "local")

    assert document["learnt_from"] == 1


def test_the_rules_that_are_shipped_count_for_answers_in_amazons_shape(folder):
    fake = detectors.detector_named("fake")
    flags = {"US": ("us drawing", RED), "CU": ("cuba", BLUE), "IT": ("italy", GREEN)}
    for country, (case, colour) in flags.items():
        add(folder / f"{country}.png", colour)
        DetectionRun.objects.create(
            content_sha256=hashlib.sha256((folder / f"{country}.png").read_bytes()).hexdigest(),
            detector="fake",
            version=fake.version,
            params_hash=detection.params_hash(fake.params),
            response=json.dumps(detect_labels.FLAGS[case]),
        )
    for name in ("a.png", "b.png", "sub/c.png", "truth.csv"):
        (folder / name).unlink()

    _, document = evaluate(folder, truth="file-names")

    rows = {row["label"]: row for row in document["labels"]}
    american, flag = rows["American Flag"], rows["Flag"]
    assert (american["without_rules"]["said"], american["without_rules"]["right"]) == (3, 1)
    assert american["with_rules"]["said"] == 0
    assert (flag["with_rules"]["said"], flag["with_rules"]["precision"]) == (3, 1.0)
