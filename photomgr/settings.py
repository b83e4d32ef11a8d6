"""One file, grouped by service. Every environment variable is read here and nowhere else.

A checkout runs with none of them set; `.env.example` lists them all. A value that cannot be read
stops the start with the variable's name in the message (environs).
"""

from pathlib import Path
from urllib.parse import urlsplit

from environs import Env, EnvError

from photomgr import aws
from photomgr.secret_key import read_or_make

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)

# Files ------------------------------------------------------------------------------------------

DATA_DIR = Path(env.str("PHOTOMGR_DATA_DIR", str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)

# Django -----------------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", "") or read_or_make(DATA_DIR / "secret_key")
DEBUG = env.bool("DEBUG", False)
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
SITE_URL = env.str("SITE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = [SITE_URL]
ROOT_URLCONF = "photomgr.urls"
WSGI_APPLICATION = "photomgr.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_q",
    "labels",
    "alarms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "labels.views.errors.StorageTroubleMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "labels.context_processors.frame",
            ],
        },
    },
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True

# Buckets ----------------------------------------------------------------------------------------

# Set: photos and archives lie in S3, and the browser fetches and sends them there. Unset: in files.
PHOTOS_BUCKET = env.str("PHOTOS_BUCKET", "")
BUNDLES_BUCKET = env.str("BUNDLES_BUCKET", "")
# Other makers' S3 may know only their own classes and no encryption by header: set these to nothing.
PHOTOS_STORAGE_CLASS = env.str("PHOTOS_STORAGE_CLASS", "INTELLIGENT_TIERING")
S3_ENCRYPTION = env.str("S3_ENCRYPTION", "AES256")
# Where the storage takes no forms from browsers (POST), they send to the application, as without buckets.
DIRECT_UPLOAD = bool(PHOTOS_BUCKET) and env.bool("DIRECT_UPLOAD", True)

# Accounts and security --------------------------------------------------------------------------

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "photos"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_PHOTOS_ORIGIN = [aws.bucket_origin(PHOTOS_BUCKET)] if PHOTOS_BUCKET else []
_BUNDLES_ORIGIN = [aws.bucket_origin(BUNDLES_BUCKET)] if BUNDLES_BUCKET else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        # blob: is the preview of a picture that is still being uploaded; data: the admin's icons.
        "img-src": ["'self'", "blob:", "data:", *_BUNDLES_ORIGIN],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *_PHOTOS_ORIGIN],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# Database ---------------------------------------------------------------------------------------

DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
# django-q2 reconnects on every queue operation unless connections are kept (ten times slower).
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 8)
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # A server that was started anew has ended all connections: asked before each request and task.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    _web = env.bool("PHOTOMGR_WEB", False)
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    # For who looks into pg_stat_activity.
    _options.setdefault("application_name", "photomgr web" if _web else "photomgr")
    # Kept for each thread, the web server's 64 would leave little of PostgreSQL's usual 100 connections.
    # Only the web server has a pool (photomgr/wsgi.py says so): a qcluster forks, which no pool survives.
    if _web:
        DATABASES["default"]["CONN_MAX_AGE"] = 0
        _options["pool"] = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 10}
        # As long as SQLite below, instead of for ever; the page is then a 503.
        _options.setdefault("options", "-c lock_timeout=30s")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # A deferred transaction that reads and then writes fails at once with "database is locked";
        # an immediate one waits its turn.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

# Storage ----------------------------------------------------------------------------------------


def _folder(name):
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        # Only the application's own account may read people's photos.
        "OPTIONS": {
            "location": DATA_DIR / name,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }


def in_bucket(bucket, name, **parameters):
    parameters = {"ServerSideEncryption": S3_ENCRYPTION, **parameters}
    return {
        "BACKEND": "labels.storage.bucket.BucketStorage",
        "OPTIONS": {
            "bucket": bucket,
            "prefix": f"{name}/",
            "parameters": {name: value for name, value in parameters.items() if value},
        },
    }


STORAGES = {
    "originals": in_bucket(PHOTOS_BUCKET, "originals", StorageClass=PHOTOS_STORAGE_CLASS)
    if PHOTOS_BUCKET
    else _folder("originals"),
    "renditions": in_bucket(BUNDLES_BUCKET, "renditions") if BUNDLES_BUCKET else _folder("renditions"),
    "bundles": in_bucket(BUNDLES_BUCKET, "bundles") if BUNDLES_BUCKET else _folder("bundles"),
    **({"incoming": in_bucket(PHOTOS_BUCKET, "incoming")} if PHOTOS_BUCKET else {}),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG

# Uploads ----------------------------------------------------------------------------------------

# Beside the originals: the system's own /tmp is often a small one in memory.
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "tmp"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
FILE_UPLOAD_HANDLERS = ["labels.intake.upload_handlers.LimitedUploadHandler"]
# Each file of a request is an open file of the process. With JavaScript every photo is a request.
DATA_UPLOAD_MAX_NUMBER_FILES = 500
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", 100 * 1024**2)
UPLOAD_MAX_PIXELS = env.int("UPLOAD_MAX_PIXELS", 200_000_000)

# Queue ------------------------------------------------------------------------------------------

# django-q2 is a doorbell: retries, attempts and timeouts live in our rows (photomgr/claim.py).
# ack_failures: a task that raised is not delivered again by the queue. retry must exceed
# timeout * (1 + ceil((queue_limit + 1) / workers)), because waiting in memory counts against it.
QUEUE_URL = env.str("QUEUE_URL", "orm://")
_queue = urlsplit(QUEUE_URL)
SQS_REGION, SQS_PREFIX = _queue.hostname, _queue.path.strip("/") or "photomgr"
_BROKERS = {
    "orm": {"orm": "default"},
    "redis": {"redis": QUEUE_URL},
    "rediss": {"redis": QUEUE_URL},
    "sqs": {"broker_class": "labels.workers.brokers.SqsBroker"},
}
if _queue.scheme not in _BROKERS:
    raise EnvError("QUEUE_URL begins with orm://, redis://, rediss:// or sqs://.")
QUEUE_WORKERS = env.int("QUEUE_WORKERS", 2)
BUNDLE_WORKERS = env.int("BUNDLE_WORKERS", 2)
Q_CLUSTER = {
    "name": "labels",
    **_BROKERS[_queue.scheme],
    "workers": QUEUE_WORKERS,
    "queue_limit": QUEUE_WORKERS,
    "bulk": 1,
    "poll": 0.2,
    "timeout": 120,
    "retry": 600,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "recycle": 200,
    "label": "Queue",
    "ALT_CLUSTERS": {
        # Building an archive takes minutes; it must not hold up thumbnails and labels.
        "bundles": {
            "workers": BUNDLE_WORKERS,
            "queue_limit": BUNDLE_WORKERS,
            "timeout": 3600,
            "retry": 14_400,
        },
    },
}
# How long a worker may hold a photo or a bundle without a sign of life.
CLAIM_LEASE_SECONDS = env.int("CLAIM_LEASE_SECONDS", 60)
MAX_ATTEMPTS = env.int("MAX_ATTEMPTS", 5)

# Mail -------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", "photomgr <photomgr@localhost>")
MAIL_DIR = DATA_DIR / "mail"
EMAIL_BACKEND = "labels.notices.mail_files.EmailBackend"
if env.str("EMAIL_URL", ""):
    # environs checks the form of an address, and knows no "ses".
    if env.str("EMAIL_URL").startswith("ses://"):
        EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
        _region = urlsplit(env.str("EMAIL_URL")).hostname
        ANYMAIL = {"AMAZON_SES_CLIENT_PARAMS": {"region_name": _region, "config": aws.config("sesv2")}}
    else:
        _mail = env.dj_email_url("EMAIL_URL")
        vars().update({name: value for name, value in _mail.items() if name != "DEFAULT_FROM_EMAIL"})

# Topic ------------------------------------------------------------------------------------------

# Told how every download ends, beside the mail to its owner.
SNS_TOPIC_ARN = env.str("SNS_TOPIC_ARN", "")

# Text messages ----------------------------------------------------------------------------------

# Set: people may have a text sent to their phone when a download ends, by Amazon SNS in this Region.
SMS_REGION = env.str("SMS_REGION", "")
# Country codes that may be texted ("+44"), empty = all. Fraudsters ask for codes to numbers in
# countries where a text is dear, and share in its price.
SMS_COUNTRIES = env.list("SMS_COUNTRIES", [])
# Texts of a day, codes included: of the whole installation, and of one account.
SMS_DAILY_LIMIT = env.int("SMS_DAILY_LIMIT", 200)
SMS_DAILY_LIMIT_EACH = env.int("SMS_DAILY_LIMIT_EACH", 20)

# Labels -----------------------------------------------------------------------------------------

LABELS_DETECTOR = env.str("LABELS_DETECTOR", "local")
LABELS_MIN_CONFIDENCE = env.float("LABELS_MIN_CONFIDENCE", 55.0)

# Amazon Rekognition -----------------------------------------------------------------------------


@env.parser_for("regions")
def _regions(text):
    """Return {Region: calls per second, None for the published quota} of "us-east-1=50,us-west-2"."""
    pairs = (item.strip().partition("=") for item in text.split(",") if item.strip())
    return {region: float(rate) if rate else None for region, _, rate in pairs}


REKOGNITION_REGIONS = env.regions("REKOGNITION_REGIONS", "")
# Further questions about each photo, each paid for: DetectModerationLabels, DetectText, RecognizeCelebrities.
REKOGNITION_ALSO = env.list("REKOGNITION_ALSO", [])
# bytes: the 1280 px rendition, to any Region; s3object: the original, where it lies.
REKOGNITION_IMAGE = env.str("REKOGNITION_IMAGE", "bytes")
# Seconds without a word after which a Region counts as away.
REKOGNITION_TIMEOUT = env.float("REKOGNITION_TIMEOUT", 15.0)
# Accounts without a residency of their own: the group of Regions their photos may be sent to; empty = all.
REKOGNITION_RESIDENCY = env.str("REKOGNITION_RESIDENCY", "")
# US dollars, unset = no limit. What is over waits for the next day or month.
REKOGNITION_DAILY_BUDGET = env.decimal("REKOGNITION_DAILY_BUDGET", None)
REKOGNITION_MONTHLY_BUDGET = env.decimal("REKOGNITION_MONTHLY_BUDGET", None)

# Downloads --------------------------------------------------------------------------------------

BUNDLE_KEEP_HOURS = env.int("BUNDLE_KEEP_HOURS", 24)
# Of one account: how many may be in the making, and how many bytes may be kept at once.
BUNDLES_AT_ONCE = env.int("BUNDLES_AT_ONCE", 5)
BUNDLES_MAX_BYTES = env.int("BUNDLES_MAX_BYTES", 200 * 1024**3)
BUNDLE_PART_BYTES = env.int("BUNDLE_PART_BYTES", 4 * 1024**3)
# What a worker makes at a time, and at most makes again after a kill: a tenth of a second on a local
# disk, or one part of an upload to S3, of which several are in memory at once. S3 takes no part below
# 5 MiB (but the last), nor more than 10,000.
BUNDLE_CHUNK_BYTES = env.int("BUNDLE_CHUNK_BYTES", (6 if BUNDLES_BUCKET else 32) * 1024**2)

# Alarms -----------------------------------------------------------------------------------------

ALARMS_BACKEND = env.str("ALARMS_BACKEND", "local")
# Who is written to when an alarm of the local backend rings; unset: the superusers.
ALARMS_MAIL_TO = env.list("ALARMS_MAIL_TO", [])
# Under which name the application publishes its own metrics.
ALARMS_NAMESPACE = env.str("ALARMS_NAMESPACE", "photomgr")
# What CloudWatch takes of changes to alarms; questions go at three times that pace.
ALARMS_CALLS_PER_SECOND = env.float("ALARMS_CALLS_PER_SECOND", 3.0)

# Logging ----------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.log_level("LOG_LEVEL", "INFO")},
    # They write a line for every photo and every process; what went wrong stands in our rows.
    "loggers": {"django-q": {"level": "WARNING"}, "botocore": {"level": "WARNING"}},
}
