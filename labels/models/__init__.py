from labels.models.bundle import Bundle, BundleChunk, BundlePart, BundlePhoto
from labels.models.change import Change, Renaming, Verdict
from labels.models.detection import DetectionRun
from labels.models.incoming import Incoming
from labels.models.label import Label, LabelAlias, LabelCount, PhotoLabel
from labels.models.notice import Announcement, Notice, TextMessage
from labels.models.phone import Phone, PhoneCode, TextCount
from labels.models.photo import Photo
from labels.models.recipe import Recipe
from labels.models.region import Budget, RegionQuota, Residency, Spending
from labels.models.rule import LabelRule, PolicyVersion, Replay
from labels.models.summary import LibraryVersion, PhotoSummary
from labels.models.worker import WorkerSeen

__all__ = [
    "Verdict",
    "Replay",
    "Renaming",
    "PolicyVersion",
    "LabelRule",
    "LabelAlias",
    "Change",
    "Announcement",
    "Budget",
    "Bundle",
    "BundleChunk",
    "BundlePart",
    "BundlePhoto",
    "DetectionRun",
    "Incoming",
    "Label",
    "LabelCount",
    "Notice",
    "Phone",
    "PhoneCode",
    "Photo",
    "PhotoLabel",
    "LibraryVersion",
    "PhotoSummary",
    "Recipe",
    "RegionQuota",
    "Residency",
    "Spending",
    "TextCount",
    "TextMessage",
    "WorkerSeen",
]
