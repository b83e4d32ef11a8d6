from labels.models.bundle import Bundle, BundleChunk, BundleContent, BundlePart, BundlePhoto
from labels.models.change import Change, Renaming, ReplacedVerdict, Verdict
from labels.models.detection import DetectionRun
from labels.models.direct_upload import DirectUpload
from labels.models.heartbeat import Heartbeat
from labels.models.label import Label, LabelAlias, LabelCount, PhotoLabel
from labels.models.notice import Delivery, Notice
from labels.models.phone import Phone, PhoneCode, SmsCount
from labels.models.photo import Photo
from labels.models.region import Budget, RegionQuota, Residency, Spending
from labels.models.rule import LabelRule, RuleRun, RuleVersion
from labels.models.saved_selection import SavedSelection
from labels.models.share import Share
from labels.models.summary import LibraryVersion, PhotoSummary
from labels.models.sweep_failure import SweepFailure
