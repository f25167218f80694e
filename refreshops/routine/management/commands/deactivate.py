"""Switch the nightly refresh off at the provider: the twin of the action on the logins page."""

from django.db.models import Q

from refreshops.logins.models import LoginStatus, Nightly
from refreshops.routine.management.commands._switching import OrderCommand
from refreshops.rules.lifecycle import Purpose


class Command(OrderCommand):
    help = (
        "Order the nightly refresh off for logins or whole customers, and drive the order. "
        "Nothing shows as off before the provider said so. Exit 0 confirmed, 3 still waiting."
    )
    purpose = Purpose.SWITCH_OFF
    wanted = Nightly.OFF
    status = LoginStatus.INACTIVE
    # Verified once is enough: a further look would only keep the login alive there.
    done = Q(status=LoginStatus.INACTIVE, nightly=Nightly.OFF, nightly_verified_at__isnull=False)
    done_words = "off at the provider already, verified"
