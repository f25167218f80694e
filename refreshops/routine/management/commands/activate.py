"""Switch the nightly refresh on at the provider: the twin of the action on the logins page."""

from django.db.models import Q

from refreshops.logins.models import LoginStatus, Nightly
from refreshops.routine.management.commands._switching import OrderCommand
from refreshops.rules.lifecycle import Purpose


class Command(OrderCommand):
    help = (
        "Order the nightly refresh on for logins or whole customers, and drive the order. "
        "Nothing shows as on before the provider said so. Exit 0 confirmed, 3 still waiting."
    )
    purpose = Purpose.SWITCH_ON
    wanted = Nightly.ON
    status = LoginStatus.ACTIVE
    done = Q(status=LoginStatus.ACTIVE, nightly=Nightly.ON)
    done_words = "on at the provider already"
