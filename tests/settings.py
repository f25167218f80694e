"""The product's settings under fixed test values; nothing is read from a developer's .env."""

import atexit
import os
import shutil
import tempfile

FIXED = {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver.localhost,testserver,connect.lender.example",
    "HTTPS_ONLY": "true",
    "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "FLINKS_API_URL": "http://127.0.0.1:9/v3/",
    "FLINKS_CUSTOMER_ID": "43387ca6-0391-4c82-857d-70d95f087ecb",
    "FLANKS_API_URL": "http://127.0.0.1:9/",
    "FLANKS_CLIENT_ID": "client-of-the-tests",
    "FLANKS_CLIENT_SECRET": "secret-of-the-tests",
    "PUBLIC_URL": "https://connect.lender.example",
    "EMAIL_URL": "smtp://127.0.0.1:9",
}
for _name, _value in FIXED.items():
    os.environ.setdefault(_name, _value)

from refreshops.settings import *  # noqa: E402, F403

# A file, not memory: worker threads and processes share the test database.
if "sqlite3" in DATABASES["default"]["ENGINE"]:  # noqa: F405
    _folder = tempfile.mkdtemp(prefix="refreshops-tests-")
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}  # noqa: F405
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECURE_SSL_REDIRECT = False
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
# Every test client would look through all static files once; those are served in the browser tests.
WHITENOISE_USE_FINDERS = False
