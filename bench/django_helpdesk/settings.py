"""The least Django project that django-helpdesk's `get_email` runs in; environment variables say where it lies."""

import os
from pathlib import Path

FOLDER = Path(os.environ["HELPDESK_FOLDER"])
TUNED = os.environ.get("HELPDESK_TUNED") == "1"

SECRET_KEY = "for-measuring-only"  # noqa: S105 - nothing is served
DEBUG = False
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.humanize",
    "rest_framework",
    "helpdesk",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "helpdesk.sqlite3",
        # https://www.sqlite.org/pragma.html: what a busy site would set
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"} if TUNED else {},
    }
}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
MEDIA_ROOT = FOLDER / "media"
SITE_ID = 1
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
ROOT_URLCONF = "bench.django_helpdesk.urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
LANGUAGE_CODE = "en"

# Without the optional teams: https://github.com/django-helpdesk/django-helpdesk/blob/main/docs/teams.rst
HELPDESK_TEAMS_MODE_ENABLED = False
HELPDESK_TEAMS_MODEL = "auth.User"
HELPDESK_TEAMS_MIGRATION_DEPENDENCIES: list[tuple[str, str]] = []
