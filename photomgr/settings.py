"""One file, grouped by service. Every environment variable is read here and nowhere else.

environment.toml declares them with their defaults; docs/settings.md lists them. A value that cannot be
parsed stops the start with the variable's name in the message.
"""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from django.conf.global_settings import PASSWORD_HASHERS
from environs import EnvError

from photomgr import aws
from photomgr.environment import env, read_file
from photomgr.private_files import private_database, private_folder
from photomgr.secret_key import read_or_make

BASE_DIR = Path(__file__).resolve().parent.parent

read_file(BASE_DIR / ".env")

# Files ------------------------------------------------------------------------------------------

DATA_DIR = Path(env("PHOTOMGR_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
private_folder(DATA_DIR)

# Django -----------------------------------------------------------------------------------------

SECRET_KEY = env("SECRET_KEY") or read_or_make(DATA_DIR / "secret_key")
DEBUG = env("DEBUG")
HOST = env("HOST")
PORT = env("PORT")
WEB_PROCESSES = env("WEB_PROCESSES")
SITE_URL = env("SITE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
ROOT_URLCONF = "photomgr.urls"
WSGI_APPLICATION = "photomgr.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "photomgr.accounts.audit.AuditedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "django_q",
    "photomgr.accounts",
    "labels",
    "alarms",
]

MIDDLEWARE = [
    # First: what comes after asks for the scheme and the address of the client.
    "photomgr.accounts.proxies.TrustedProxyMiddleware",
    "labels.views.probes.ProbesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "photomgr.bad_requests.RefuseNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "photomgr.accounts.second_factor.SecondFactorMiddleware",
    "photomgr.accounts.sessions.SeenMiddleware",
    "photomgr.bad_requests.RefuseNulInFormMiddleware",
    "photomgr.bad_requests.RefuseHugeNumbersInAdminMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "labels.views.errors.StorageUnavailableMiddleware",
    # Last: it puts its page in place of the one that says that a password was wrong.
    "axes.middleware.AxesMiddleware",
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
TIME_ZONE = env("TIME_ZONE")
USE_TZ = True

# Buckets ----------------------------------------------------------------------------------------

PHOTOS_BUCKET = env("PHOTOS_BUCKET")
BUNDLES_BUCKET = env("BUNDLES_BUCKET")
PHOTOS_STORAGE_CLASS = env("PHOTOS_STORAGE_CLASS")
S3_ENCRYPTION = env("S3_ENCRYPTION")
DIRECT_UPLOAD = bool(PHOTOS_BUCKET) and env("DIRECT_UPLOAD")

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
if find_spec("argon2"):
    PASSWORD_HASHERS = ["photomgr.accounts.hashers.Argon2", *PASSWORD_HASHERS]
SESSION_ENGINE = "photomgr.accounts.sessions"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_FAILURES = AXES_FAILURE_LIMIT = env("LOGIN_FAILURES")
LOGIN_LOCK_MINUTES = env("LOGIN_LOCK_MINUTES")
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_LOCK_MINUTES)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "photomgr.accounts.proxies.client_network"
AXES_LOCKOUT_PARAMETERS = "photomgr.accounts.lockout.what_counts"
AXES_LOCKOUT_CALLABLE = "photomgr.accounts.lockout.locked"
AXES_VERBOSE = False
STAFF_SECOND_FACTOR = env("STAFF_SECOND_FACTOR")
OTP_TOTP_ISSUER = f"photomgr {urlsplit(SITE_URL).hostname}"
AXES_ENABLE_ADMIN = False
RESETS_PER_HOUR = env("RESETS_PER_HOUR")
RESETS_PER_HOUR_EACH_ADDRESS = env("RESETS_PER_HOUR_EACH_ADDRESS")
TRUSTED_PROXIES = env("TRUSTED_PROXIES")
HSTS_SECONDS = env("HSTS_SECONDS")
_is_https = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https
# TrustedProxyMiddleware takes this header from everybody else.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# TLS ends at the proxy: unless that is known, each request seems to come by http, redirected for ever.
SECURE_SSL_REDIRECT = _is_https and bool(TRUSTED_PROXIES)
SECURE_HSTS_SECONDS = HSTS_SECONDS if _is_https else 0
# Subdomains and the preload list: only the owner of the domain knows whether all its names have TLS.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_PHOTOS_ORIGIN = [aws.bucket_origin(PHOTOS_BUCKET)] if PHOTOS_BUCKET else []
_BUNDLES_ORIGIN = [aws.bucket_origin(BUNDLES_BUCKET)] if BUNDLES_BUCKET else []
SECURITY_REPORTS_URL = env("SECURITY_REPORTS_URL")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "manifest-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        # blob: is the preview of a picture that is still being uploaded; data: the admin's icons.
        "img-src": ["'self'", "blob:", "data:", *_BUNDLES_ORIGIN],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *_PHOTOS_ORIGIN],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        **({"report-uri": [SECURITY_REPORTS_URL]} if SECURITY_REPORTS_URL else {}),
    }
}

# Database ---------------------------------------------------------------------------------------

DATABASES = {"default": env("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
# django-q2 reconnects on every queue operation unless connections are kept (ten times slower).
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASE_POOL_SIZE = env("DATABASE_POOL_SIZE")
# What photomgr/wsgi.py changes in a web process; a qcluster forks, which a pool would not survive.
WEB_DATABASE = {}
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # A restarted server has closed all connections: each is tested before a request or a task.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    # Shown in pg_stat_activity.
    WEB_DATABASE = {"CONN_MAX_AGE": 0, "OPTIONS": {"application_name": "photomgr web", **_options}}
    _options.setdefault("application_name", "photomgr")
    # One for each of the web server's threads would use up most of PostgreSQL's usual 100 connections.
    WEB_DATABASE["OPTIONS"]["pool"] = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 10}
    # As long as SQLite's timeout below, instead of no limit; the page is then a 503.
    WEB_DATABASE["OPTIONS"].setdefault("options", "-c lock_timeout=30s")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if DATABASES["default"]["NAME"] != ":memory:":
        private_database(Path(DATABASES["default"]["NAME"]))
    DATABASES["default"]["OPTIONS"] = {
        # A deferred transaction that reads and then writes fails at once with "database is locked";
        # an immediate one waits.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

# Storage ----------------------------------------------------------------------------------------


def _folder(name, backend="django.core.files.storage.FileSystemStorage"):
    return {
        "BACKEND": backend,
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
            "bucket_name": bucket,
            "location": name,
            "object_parameters": {name: value for name, value in parameters.items() if value},
            # Keys are random: to ask first whether one is taken would be a request more.
            "file_overwrite": True,
            # Buckets block public access, and an ACL with it.
            "default_acl": None,
        },
    }


STORAGES = {
    "originals": in_bucket(PHOTOS_BUCKET, "originals", StorageClass=PHOTOS_STORAGE_CLASS)
    if PHOTOS_BUCKET
    else _folder("originals", "labels.storage.folder.OriginalsFolder"),
    "renditions": in_bucket(BUNDLES_BUCKET, "renditions") if BUNDLES_BUCKET else _folder("renditions"),
    "bundles": in_bucket(BUNDLES_BUCKET, "bundles") if BUNDLES_BUCKET else _folder("bundles"),
    **({"incoming": in_bucket(PHOTOS_BUCKET, "incoming")} if PHOTOS_BUCKET else {}),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Files that browsers ask for by fixed names, whatever a page says.
WHITENOISE_ROOT = BASE_DIR / "static" / "root"
WHITENOISE_USE_FINDERS = DEBUG

# Uploads ----------------------------------------------------------------------------------------

# Beside the originals: the system's /tmp is often small and in memory.
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "tmp"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
FILE_UPLOAD_HANDLERS = ["labels.intake.upload_handlers.LimitedUploadHandler"]
# Each file of a request is an open file of the process. With JavaScript each photo is a request of its own.
DATA_UPLOAD_MAX_NUMBER_FILES = 500
REQUEST_MAX_BYTES = env("REQUEST_MAX_BYTES")
UPLOAD_MAX_BYTES = env("UPLOAD_MAX_BYTES")
UPLOAD_MAX_PIXELS = env("UPLOAD_MAX_PIXELS")
UPLOADS_PER_MINUTE = env("UPLOADS_PER_MINUTE")
UPLOAD_QUOTA_BYTES = env("UPLOAD_QUOTA_BYTES")
UPLOAD_MAX_MEMORY = env("UPLOAD_MAX_MEMORY")

# Queue ------------------------------------------------------------------------------------------

# django-q2 only delivers: retries, attempts and timeouts are in our rows (photomgr/claim.py).
# ack_failures: a task that raised is not delivered again by the queue. retry must exceed
# timeout * (1 + ceil((queue_limit + 1) / workers)), because waiting in memory counts against it.
QUEUE_URL = env("QUEUE_URL")
_queue = urlsplit(QUEUE_URL)
SQS_REGION, SQS_PREFIX = _queue.hostname, _queue.path.strip("/") or "photomgr"
_BROKERS = {
    "orm": {"orm": "default", "broker_class": "labels.workers.brokers.database.DatabaseBroker"},
    "redis": {"redis": QUEUE_URL, "broker_class": "labels.workers.brokers.redis.RedisBroker"},
    "sqs": {"broker_class": "labels.workers.brokers.sqs.SqsBroker"},
}
_BROKERS["rediss"] = _BROKERS["redis"]
if _queue.scheme not in _BROKERS:
    raise EnvError("QUEUE_URL begins with orm://, redis://, rediss:// or sqs://.")
QUEUE_WORKERS = env("QUEUE_WORKERS")
BUNDLE_WORKERS = env("BUNDLE_WORKERS")
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
        # Building an archive takes minutes and must not delay thumbnails and labels.
        "bundles": {
            "workers": BUNDLE_WORKERS,
            "queue_limit": BUNDLE_WORKERS,
            "timeout": 3600,
            "retry": 14_400,
        },
    },
}
CLAIM_LEASE_SECONDS = env("CLAIM_LEASE_SECONDS")
MAX_ATTEMPTS = env("MAX_ATTEMPTS")

# Mail -------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("DEFAULT_FROM_EMAIL")
MAIL_DIR = DATA_DIR / "mail"
EMAIL_BACKEND = "labels.notices.mail_files.EmailBackend"
EMAIL_TIMEOUT = env("EMAIL_TIMEOUT")
if _mail_url := env("EMAIL_URL"):
    if _mail_url.startswith("ses://"):
        EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
        ANYMAIL = {
            "AMAZON_SES_CLIENT_PARAMS": {
                "region_name": urlsplit(_mail_url).hostname,
                "config": aws.config("sesv2", EMAIL_TIMEOUT),
            }
        }
    else:
        _mail = env("EMAIL_URL", type="mail_server")
        # ?timeout= in the URL goes before EMAIL_TIMEOUT.
        _mail["EMAIL_TIMEOUT"] = _mail.get("EMAIL_TIMEOUT") or EMAIL_TIMEOUT
        vars().update({name: value for name, value in _mail.items() if name != "DEFAULT_FROM_EMAIL"})

SNS_TOPIC_ARN = env("SNS_TOPIC_ARN")

# Text messages ----------------------------------------------------------------------------------

SMS_REGION = env("SMS_REGION")
# Fraudsters request codes for numbers in countries where a text is expensive, and share in its price.
SMS_COUNTRIES = env("SMS_COUNTRIES")
# Codes count as texts.
SMS_DAILY_LIMIT = env("SMS_DAILY_LIMIT")
SMS_DAILY_LIMIT_EACH = env("SMS_DAILY_LIMIT_EACH")

# Labels -----------------------------------------------------------------------------------------

LABELS_DETECTOR = env("LABELS_DETECTOR")
LABELS_MIN_CONFIDENCE = env("LABELS_MIN_CONFIDENCE")

# Amazon Rekognition -----------------------------------------------------------------------------

REKOGNITION_REGIONS = env("REKOGNITION_REGIONS")
REKOGNITION_ALSO = env("REKOGNITION_ALSO")
REKOGNITION_IMAGE = env("REKOGNITION_IMAGE")
REKOGNITION_TIMEOUT = env("REKOGNITION_TIMEOUT")
REKOGNITION_RESIDENCY = env("REKOGNITION_RESIDENCY")
REKOGNITION_DAILY_BUDGET = env("REKOGNITION_DAILY_BUDGET")
REKOGNITION_MONTHLY_BUDGET = env("REKOGNITION_MONTHLY_BUDGET")

# Downloads --------------------------------------------------------------------------------------

X_ACCEL_REDIRECT = env("X_ACCEL_REDIRECT").rstrip("/")
BUNDLE_KEEP_HOURS = env("BUNDLE_KEEP_HOURS")
SHARING = env("SHARING")
SHARE_MAX_DAYS = env("SHARE_MAX_DAYS")
BUNDLES_AT_ONCE = env("BUNDLES_AT_ONCE")
BUNDLES_PER_HOUR = env("BUNDLES_PER_HOUR")
BUNDLES_MAX_BYTES = env("BUNDLES_MAX_BYTES")
BUNDLE_PART_BYTES = env("BUNDLE_PART_BYTES")
# Writing one takes a tenth of a second on a local disk. In S3 it is one part of a multipart upload, of which
# several are in memory at once; S3 accepts no part below 5 MiB (but the last), nor more than 10,000.
BUNDLE_CHUNK_BYTES = env("BUNDLE_CHUNK_BYTES", default=6 * 1024**2 if BUNDLES_BUCKET else None)

# Alarms -----------------------------------------------------------------------------------------

ALARMS_BACKEND = env("ALARMS_BACKEND")
ALARMS_MAIL_TO = env("ALARMS_MAIL_TO")
ALARMS_NAMESPACE = env("ALARMS_NAMESPACE")
ALARMS_CALLS_PER_SECOND = env("ALARMS_CALLS_PER_SECOND")

# Logging ----------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL")},
    # They log every photo, process and sign-in; errors are kept in our rows.
    "loggers": {name: {"level": "WARNING"} for name in ("django-q", "botocore", "axes")},
}
