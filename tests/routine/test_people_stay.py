"""Who ordered or approved stands on receipts for years."""

import pytest
from django.contrib.auth.models import User
from django.db.models import ProtectedError
from django.utils import timezone

from tests.console.conftest import make_run


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["opened_by", "approved_by"])
def test_a_person_on_a_receipt_cannot_be_deleted(field):
    person = User.objects.create_user("left-long-ago")
    approved = {"approved_at": timezone.now()} if field == "approved_by" else {}
    make_run(purpose="switch_off", **{field: person}, **approved)

    with pytest.raises(ProtectedError):
        person.delete()
