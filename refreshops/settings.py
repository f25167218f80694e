"""Settings, read from the environment here and nowhere else.

A missing or senseless value stops the start with one sentence that says which and why.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.http.request import validate_host

from refreshops.environment import (
    database,
    fernet_keys,
    flag,
    is_loopback,
    log_level,
    mail,
    number,
    page_url,
    phrase,
    provider_url,
    public_url,
    read_env_file,
    refuse,
    root_url,
    sender,
    text,
    whole,
    words,
    zone,
)

BASE_DIR = Path(__file__).resolve().parent.parent
read_env_file(default=BASE_DIR / ".env")

DEBUG = flag("DEBUG", default=False)
SECRET_KEY = text("SECRET_KEY")
if len(SECRET_KEY) < 50:
    raise refuse("SECRET_KEY", "must be at least 50 characters of chance (make key prints one).")
HTTPS_ONLY = flag("HTTPS_ONLY", default=True)
ALLOWED_HOSTS = [host.strip() for host in text("ALLOWED_HOSTS").split(",") if host.strip()]
if not ALLOWED_HOSTS:
    raise refuse("ALLOWED_HOSTS", "must name at least one host, separated by commas.")
if not all(is_loopback(host.strip("[]")) for host in ALLOWED_HOSTS):
    if DEBUG:
        raise refuse("DEBUG", "may be true only where ALLOWED_HOSTS names this machine alone.")
    if not HTTPS_ONLY:
        raise refuse(
            "HTTPS_ONLY", "may be false only where ALLOWED_HOSTS names this machine alone."
        )
CSRF_TRUSTED_ORIGINS = [
    origin.strip() for origin in text("CSRF_TRUSTED_ORIGINS", "").split(",") if origin.strip()
]

DATABASES = {"default": database("DATABASE_URL", folder=BASE_DIR / "var")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = zone("TIME_ZONE", "America/Toronto")
USE_TZ = True
LANGUAGE_CODE = "en-ca"
USE_I18N = True

FIELD_ENCRYPTION_KEYS = fernet_keys("FIELD_ENCRYPTION_KEYS")

FLINKS_API_URL = provider_url("FLINKS_API_URL")
FLINKS_CUSTOMER_ID = text("FLINKS_CUSTOMER_ID")
if set(FLINKS_CUSTOMER_ID) <= {"."}:
    raise refuse("FLINKS_CUSTOMER_ID", "is no customer id: it is written into the address.")
FLINKS_SECRET_KEY = text("FLINKS_SECRET_KEY", "")
FLINKS_X_API_KEY = text("FLINKS_X_API_KEY", "")
FLINKS_BEARER_SECRET = text("FLINKS_BEARER_SECRET", "")
FLINKS_WEBHOOK_KEY = text("FLINKS_WEBHOOK_KEY", "")
if FLINKS_WEBHOOK_KEY and len(FLINKS_WEBHOOK_KEY) < 16:
    raise refuse("FLINKS_WEBHOOK_KEY", "must be at least 16 characters: a shorter one is guessed.")
FLINKS_CONNECT_URL = page_url("FLINKS_CONNECT_URL")

# Empty: Flanks is not used, and no screen speaks of it.
FLANKS_API_URL = root_url("FLANKS_API_URL")
FLANKS_CLIENT_ID = text("FLANKS_CLIENT_ID", None if FLANKS_API_URL else "")
FLANKS_CLIENT_SECRET = text("FLANKS_CLIENT_SECRET", None if FLANKS_API_URL else "")
FLANKS_PLATFORM_URL = root_url("FLANKS_PLATFORM_URL")
FLANKS_PRODUCTS = words("FLANKS_PRODUCTS", "account,portfolio,investment,card,liability")
FLANKS_IGNORE_DATA_ERRORS = flag("FLANKS_IGNORE_DATA_ERRORS", default=True)

# Where customers reach us. Empty: no links are offered.
PUBLIC_URL = public_url("PUBLIC_URL")
LENDER_NAME = phrase("LENDER_NAME", "your lender", longest=80)
LINK_DAYS = whole("LINK_DAYS", 7, low=1, high=60)
# How much of the provider's limit customers with links may take from the daily run.
CONNECT_SHARE_PERCENT = whole("CONNECT_SHARE_PERCENT", 20, low=1, high=90)
# After so many days without a click a customer is reminded by mail; 0: never.
REMIND_AFTER_DAYS = whole("REMIND_AFTER_DAYS", 0, low=0, high=60)
CASE_SWITCH_OFF_DAYS = whole("CASE_SWITCH_OFF_DAYS", 30, low=1, high=3650)

_mail = mail("EMAIL_URL", "consolemail://")
vars().update(_mail)
EMAIL_TIMEOUT = 20
if PUBLIC_URL and HTTPS_ONLY:
    if not validate_host(urlsplit(PUBLIC_URL).hostname or "", ALLOWED_HOSTS):
        raise refuse("PUBLIC_URL", "must name a host of ALLOWED_HOSTS: we answer to no other.")
    if "console" in _mail["EMAIL_BACKEND"]:
        raise refuse(
            "EMAIL_URL", "must not print mails: the links in them are keys, and a log is read."
        )
DEFAULT_FROM_EMAIL = sender("DEFAULT_FROM_EMAIL", "refreshops@localhost")

LOGINS_PER_MINUTE = whole("LOGINS_PER_MINUTE", 20, low=1, high=10_000)
THROTTLE_WINDOW_SECONDS = number("THROTTLE_WINDOW_SECONDS", 60, low=0.1, high=3600)
POLL_SECONDS = number("POLL_SECONDS", 10, low=0.05, high=600)
POLL_LIMIT_SECONDS = number("POLL_LIMIT_SECONDS", 1800, low=0.1, high=86_400)
if POLL_LIMIT_SECONDS < POLL_SECONDS:
    raise refuse("POLL_LIMIT_SECONDS", "must not be shorter than POLL_SECONDS.")
LEASE_SECONDS = number("LEASE_SECONDS", 10, low=0.5, high=3600)
CONCURRENCY = whole("CONCURRENCY", 4, low=1, high=64)
CALL_DEADLINE_SECONDS = number("CALL_DEADLINE_SECONDS", 240, low=0.2, high=240)
# Shortens waits after silence for rehearsals against the simulator.
WAIT_SCALE = number("WAIT_SCALE", 1, low=0.0001, high=1)
CALL_RETENTION_DAYS = whole("CALL_RETENTION_DAYS", 90, low=1, high=36_500)
SNAPSHOT_RETENTION_DAYS = whole("SNAPSHOT_RETENTION_DAYS", 90, low=1, high=36_500)
# An order of a person over more logins than this waits for a second person.
APPROVAL_ABOVE = whole("APPROVAL_ABOVE", 100, low=1, high=1_000_000)
ATTEMPT_RETENTION_DAYS = whole("ATTEMPT_RETENTION_DAYS", 400, low=1, high=36_500)

# Only for `make run`: the password of the demo people; empty means a new one at each start.
DEMO_PASSWORD = text("DEMO_PASSWORD", "")

INSTALLED_APPS = [
    "refreshops.console.apps.ConsoleAdminConfig",
    "refreshops.console",
    "refreshops.logins",
    "refreshops.routine",
    "refreshops.tracing",
    "refreshops.bankdata",
    "refreshops.runtime",
    "refreshops.simulator",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "refreshops.console.plain_pages.plain_pages",
]

ROOT_URLCONF = "refreshops.urls"
WSGI_APPLICATION = "refreshops.wsgi.application"

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
            ],
        },
    },
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# WhiteNoise warns about a folder that is not there.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Without a `collectstatic` (make run, tests) files are served from where they lie.
WHITENOISE_USE_FINDERS = not any(STATIC_ROOT.iterdir())
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # No manifest: the first `collectstatic` could not write one with the storage chosen before it.
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = ["refreshops.console.permissions.OneQueryBackend"]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

SESSION_COOKIE_AGE = 10 * 3600
SESSION_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "refreshops.console.refusals.form_too_old"
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS_ONLY and flag("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
# "Select all" of a large register posts many ids (fault D7).
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
# The first one refuses what is too large before a byte of it is kept (fault E1).
FILE_UPLOAD_HANDLERS = [
    "refreshops.console.upload_limit.SmallFilesOnly",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# One for each provider, so that none waits for another, and one for everything else.
WORKERS = whole("WORKERS", 3 if FLANKS_API_URL else 2, low=1, high=32)
# Why each value: reference/dependencies.md section 2. A call may last 230 s, a driving slice 30 s.
Q_CLUSTER: dict[str, Any] = {
    "name": "refreshops",
    "orm": "default",
    "workers": WORKERS,
    "timeout": 300,
    "retry": 900,
    "queue_limit": WORKERS,
    "bulk": 1,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": -1,
    "recycle": 200,
    "max_rss": 400_000,
    "poll": 0.5,
    "time_zone": TIME_ZONE,
    "label": "Queue",
    "log_level": "WARNING",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "refreshops.runtime.log_lines.PlainLines",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": log_level("LOG_LEVEL", "INFO")},
    "loggers": {
        # These print URLs, which hold the customer id.
        "urllib3": {"level": "ERROR"},
        "requests": {"level": "ERROR"},
        # At INFO it writes three lines for each ping.
        "django-q": {"level": "WARNING"},
    },
}
