"""What the settings say about `make run`: everything on this machine, with the simulator."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from refreshops import wiring
from refreshops.environment import is_loopback


@dataclass(frozen=True)
class Demo:
    """What the settings say about `make run`; the keys are the simulator's to expect.

    It serves the providers in `simulated`; those that are `elsewhere` have an address of their own.
    """

    simulator_port: int
    simulated: tuple[str, ...]
    elsewhere: tuple[str, ...]
    https_only: bool
    hosts: tuple[str, ...]
    public_url: str
    lender: str
    mails_are_printed: bool
    mail_folder: Path
    password: str = field(repr=False)
    keys: dict[str, str] = field(repr=False)


def demo() -> Demo:
    """Return what a start of everything on this machine needs to know."""
    keys = {
        "customer_id": settings.FLINKS_CUSTOMER_ID,
        "secret_key": settings.FLINKS_SECRET_KEY,
        "x_api_key": settings.FLINKS_X_API_KEY,
        "bearer": settings.FLINKS_BEARER_SECRET,
        "webhook_key": settings.FLINKS_WEBHOOK_KEY,
        "flanks_client_id": settings.FLANKS_CLIENT_ID,
        "flanks_client_secret": settings.FLANKS_CLIENT_SECRET,
    }
    port = urlsplit(settings.FLINKS_API_URL).port or 80
    second = urlsplit(settings.FLANKS_API_URL)
    apart = second.netloc and not (is_loopback(second.hostname or "") and second.port == port)
    elsewhere = ("flanks",) if apart else ()
    database = settings.DATABASES["default"]
    on_sqlite = "sqlite" in database["ENGINE"] and Path(database["NAME"]).is_absolute()
    beside = Path(database["NAME"]).parent if on_sqlite else Path(settings.BASE_DIR) / "var"
    return Demo(
        simulator_port=port,
        simulated=tuple(name for name in wiring.provider_names() if name not in elsewhere),
        elsewhere=elsewhere,
        https_only=settings.HTTPS_ONLY,
        hosts=tuple(settings.ALLOWED_HOSTS),
        public_url=settings.PUBLIC_URL,
        lender=settings.LENDER_NAME,
        mails_are_printed=settings.EMAIL_BACKEND.endswith(".console.EmailBackend"),
        mail_folder=beside / "mail",
        password=settings.DEMO_PASSWORD,
        keys={name: value for name, value in keys.items() if value},
    )
