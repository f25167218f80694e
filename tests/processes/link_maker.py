"""Make a connect link, print its address: link_maker.py LOGIN_ID | link_maker.py new REFERENCE."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "refreshops.settings"
django.setup()

from refreshops import wiring  # noqa: E402
from refreshops.connect import links  # noqa: E402
from refreshops.logins.models import Customer, Login, ReconnectCase  # noqa: E402

login = case = None
if sys.argv[1] == "new":
    customer, _ = Customer.objects.get_or_create(reference=sys.argv[2])
else:
    login = Login.objects.get(login_id=sys.argv[1])
    customer = login.customer
    case = ReconnectCase.objects.filter(login=login, closed_at__isnull=True).first()
link = links.make(
    provider=login.provider if login else wiring.provider_row(),
    customer=customer,
    by=None,
    now=wiring.clock(),
    lives=wiring.link_lives(),
    login=login,
    case=case,
)
print(links.address(link, public_url=wiring.public_url()))
