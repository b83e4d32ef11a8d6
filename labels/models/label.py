from django.conf import settings
from django.db import models

from labels.rules import engine, resolve
from labels.text.names import fold


class LabelQuerySet(models.QuerySet):
    def named(self, names):
        """Return the labels with these names, however they are spelled."""
        return self.filter(key__in={fold(name) for name in names})


class Label(models.Model):
    # Categories of what is so by measurement or by EXIF, and says little about what a photo shows.
    FACTS = ("Photo Facts", "Colors and Visual Composition")

    name = models.CharField(max_length=100)
    # Folding makes up to three letters of one.
    key = models.CharField(max_length=300, unique=True, editable=False)
    category = models.CharField(max_length=100, blank=True, help_text="Of the detector that named it first.")
    parents = models.ManyToManyField(
        "self",
        symmetrical=False,
        related_name="children",
        blank=True,
        help_text="All labels above it. They are learnt from what detectors answer.",
    )
    parents_fixed = models.BooleanField(
        default=False, help_text="The parents are as a person set them; answers add none."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LabelQuerySet.as_manager()

    class Meta:
        ordering = ["key"]

    def __str__(self):
        return self.name

    def save(self, **options):
        self.key = fold(self.name)
        super().save(**options)


class LabelAlias(models.Model):
    """Another name of a label, learnt from answers: it is found by it, and no label of its own."""

    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=300, unique=True, editable=False)

    class Meta:
        verbose_name_plural = "label aliases"
        ordering = ["key"]

    def __str__(self):
        return self.name


class PhotoLabelQuerySet(models.QuerySet):
    def visible(self):
        """Return what people count, search and download by: the one definition of it."""
        return self.filter(status__in=PhotoLabel.VISIBLE)


class PhotoLabel(models.Model):
    class Source(models.TextChoices):
        AUTO = resolve.AUTO, "detector"
        RULE = resolve.BY_RULE, "a rule"
        CHILD = resolve.BY_CHILD, "a label below it"
        PERSON = resolve.BY_PERSON, "a person"

    class Status(models.TextChoices):
        ACTIVE = engine.ACTIVE, "active"
        SUGGESTED = engine.SUGGESTED, "suggested"
        REVIEW = engine.REVIEW, "kept for review"
        HIDDEN = engine.HIDDEN, "hidden"
        CONFIRMED = resolve.CONFIRMED, "confirmed"
        REJECTED = resolve.REJECTED, "rejected"

    VISIBLE = resolve.VISIBLE

    photo = models.ForeignKey("labels.Photo", on_delete=models.CASCADE, related_name="photo_labels")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="photo_labels")
    confidence = models.FloatField(help_text="Percent, as the detector gave it.")
    source = models.CharField(max_length=8, choices=Source, default=Source.AUTO)
    status = models.CharField(max_length=10, choices=Status)
    run = models.ForeignKey(
        "labels.DetectionRun", on_delete=models.SET_NULL, null=True, related_name="photo_labels"
    )
    rule = models.ForeignKey("labels.LabelRule", on_delete=models.SET_NULL, null=True, related_name="+")
    why = models.CharField(max_length=200, blank=True, help_text="What the rule did, in words.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PhotoLabelQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["photo", "label"], name="label_once_per_photo")]
        indexes = [
            # "Photos with this label": the tag list, the grid, the planner and the zip.
            models.Index(fields=["label", "status", "photo"], name="photolabel_by_label"),
            # The review queue.
            models.Index(
                fields=["status", "photo"],
                name="photolabel_review",
                condition=models.Q(status__in=("review", "suggested")),
            ),
        ]

    def __str__(self):
        return f"{self.label} ({self.confidence:.0f} %)"

    @property
    def is_visible(self):
        return self.status in self.VISIBLE


class LabelCount(models.Model):
    """How many of the owner's photos show the label. Written only by labels/labelling/counts.py."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="label_counts")
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="counts")
    count = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "label"], name="count_once_per_owner_and_label"),
            models.CheckConstraint(condition=models.Q(count__gte=0), name="count_not_negative"),
        ]
        # The tag list, most frequent first.
        indexes = [models.Index(fields=["owner", "-count"], name="labelcount_list")]

    def __str__(self):
        return f"{self.label}: {self.count}"
