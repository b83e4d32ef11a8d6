from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from labels import detectors
from labels.detectors.base import DetectorUnavailable
from labels.evaluation import comparison, ground_truth
from labels.intake import sources
from labels.rules import versions
from photomgr.json_command import JsonCommand, printable

FILE_NAMES = "file-names"


class Command(JsonCommand):
    help = "Measure how right a detector is about photos whose content is known. Needs no account."

    def add_arguments(self, parser):
        parser.add_argument("folder", help="A folder (with its sub-folders) or a zip file of photos.")
        parser.add_argument(
            "--truth",
            required=True,
            help="A CSV file: column `file`, and one a label with 1 (there), 0 (not) or ? (not judged). "
            f"Or `{FILE_NAMES}`, for flags named by region code: all are a Flag, US and UM an American Flag.",
        )
        parser.add_argument(
            "--columns",
            nargs="+",
            metavar="COLUMN[=LABEL]",
            help="Only these columns of the CSV, and what the detector calls them.",
        )
        parser.add_argument("--detector", choices=detectors.NAMES, default=settings.LABELS_DETECTOR)

    def run(self, folder, truth, columns, detector, **options):
        try:
            files = sources.find(folder)
        except ValueError as error:
            raise CommandError(str(error)) from None
        pictures = {name: opener for name, opener in files if comparison.is_picture(name)}
        truth = _read_ground_truth(truth, columns, pictures)
        detector = detectors.detector_named(detector)
        # A file in the ground truth is tried whatever its extension says.
        known = [(name, opener) for name, opener in files if name in truth.annotations]
        results, refused, trained_on = self._detect(known, detector)
        rules = versions.in_force()
        rows, others = comparison.compare(results, truth, rules)
        document = {
            "detector": detector.name,
            "version": detector.version,
            "rules_version": rules.version,
            "min_confidence": rules.min_confidence,
            "photos": len(results),
            "learnt_from": trained_on,
            "labels": [_flat(row) for row in rows],
            "not_in_truth": {"files": sorted(set(pictures) - set(truth.annotations)), "labels": others},
            "not_in_folder": sorted(set(truth.annotations) - {name for name, _ in files}),
            "refused": refused,
            "ignored_columns": list(truth.ignored),
        }
        findings = document["not_in_truth"]["files"] or document["not_in_folder"] or refused
        return document, bool(findings)

    def _detect(self, files, detector):
        """Return {file: FileResult}, what was refused and why, and how many the detector was trained on."""
        results, refused, trained_on = {}, [], 0
        try:
            for result in self.progress(comparison.detect_files(files, detector), len(files), "photos"):
                if result.run is None:
                    refused.append({"name": result.name, "reason": result.reason})
                else:
                    results[result.name] = result
                    trained_on += result.photo.sha256 in detector.trained_on
        except DetectorUnavailable as error:
            raise CommandError(
                f"{detector.name} cannot answer now: {error.reason} What it answered so far is kept; "
                "run this again later."
            ) from None
        return results, refused, trained_on

    def as_text(self, document):
        way = "precis.  recall  av.prec."
        lines = [f"{document['detector']} {document['version']}, {document['photos']} photos", ""]
        lines += [f"{'':24} {'':>12}   {'without rules':26}     with rules"]
        lines += [f"{'label':24} {'there':>12}   {way}   {way}"]
        lines += [*map(_line, document["labels"]), ""]
        if count := document["learnt_from"]:
            lines.append(f"The detector was trained on {count} of these photos and is worse on others.")
        missing, unknown = document["not_in_folder"], document["not_in_truth"]["files"]
        lines += [f"{name}: in the truth, not in the folder" for name in missing]
        lines += [f"{name}: in the folder, not in the truth" for name in unknown]
        lines += [f"{refused['name']}: {refused['reason']}" for refused in document["refused"]]
        return "\n".join(map(printable, lines)).rstrip()


def _read_ground_truth(place, columns, pictures):
    if place == FILE_NAMES:
        if columns:
            raise CommandError(f"--columns goes with a CSV file, not with --truth {FILE_NAMES}.")
        if not pictures:
            raise CommandError("The folder holds no photo.")
        return ground_truth.from_flag_names(pictures)
    # COLUMN or COLUMN=LABEL
    pairs = [text.partition("=") for text in columns or ()]
    labels = {column: label or ground_truth.as_label(column) for column, _, label in pairs}
    try:
        return ground_truth.from_csv(Path(place).read_bytes(), labels or None)
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {error.strerror}.") from None
    except ground_truth.InvalidGroundTruth as error:
        raise CommandError(f"{place}: {error}.") from None


def _flat(row):
    ruled = row["with_rules"]
    figures = {way: _figures(row[way]) for way in ("without_rules", "with_rules")}
    return {"label": row["label"], "present": ruled.present, "judged": ruled.known, **figures}


def _figures(score):
    return {
        "said": score.predicted,
        "right": score.correct,
        "precision": score.precision,
        "recall": score.recall,
        "average_precision": score.average_precision,
    }


def _line(row):
    cells = [
        "    ".join(_rounded(row[way][name]) for name in ("precision", "recall", "average_precision"))
        for way in ("without_rules", "with_rules")
    ]
    return f"{row['label']:24} {row['present']:>4} of {row['judged']:<4}   {'       '.join(cells)}"


def _rounded(value):
    return "   -" if value is None else f"{value:4.2f}"
