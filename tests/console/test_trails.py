"""The way back above a confirmation page: real names, the list and the row the order is about."""

import re

import pytest
from django.utils.html import strip_tags

from refreshops.console.addresses import page
from tests.builders import make_customer, make_login
from tests.console.conftest import make_run, page_of


def trail(answer) -> list[str]:
    """Return the names above a page, in order, and that they lead where they say."""
    (found,) = re.findall(r'<div class="breadcrumbs">(.*?)</div>', answer.content.decode())
    return [" ".join(strip_tags(name).split()) for name in found.split("&rsaquo;")]


def order(client, login, *, referer=""):
    form = {"action": "switch_off", "_selected_action": [login.pk]}
    headers = {"referer": f"http://testserver{referer}"} if referer else {}
    return client.post("/logins/login/", form, headers=headers)


def test_a_step_of_a_run_names_the_run(signed_in, people):
    run = make_run(origin="daily", planned=1)

    answer = signed_in("ops").get(f"/routine/run/{run.pk}/order/pause/")

    assert trail(answer)[:3] == ["Home", "Runs", f"Run {run.pk}"]


def test_an_order_names_the_list_with_its_filters(signed_in, people):
    back = "/logins/login/?institution=TD"

    answer = order(signed_in("ops"), make_login(institution="TD"), referer=back)

    assert trail(answer)[:2] == ["Home", "Logins"]
    assert len(trail(answer)) == 3
    assert f'<a href="{back}">Logins</a>' in answer.content.decode()


def test_an_order_from_a_page_names_the_row_and_keeps_the_filters_of_its_list(signed_in, people):
    login = make_login(institution="TD", customer=make_customer("C-1", name="Maple <b> Foods"))
    back = f"{page_of(login)}?_changelist_filters=outcome%3Dstale"

    answer = order(signed_in("ops"), login, referer=back)

    assert trail(answer)[:3] == ["Home", "Logins", str(login)]
    assert '<a href="/logins/login/?outcome=stale">Logins</a>' in answer.content.decode()


@pytest.mark.parametrize("name", ["privacy", "admin"])
def test_an_erasure_names_the_customer(signed_in, people, name):
    customer = make_customer("C-1", name="Maple Foods")

    answer = signed_in(name).get(f"/logins/customer/{customer.pk}/erase/")

    assert trail(answer)[:3] == ["Home", "Customers", str(customer)]


def test_a_look_again_names_the_page_it_came_from(signed_in, people):
    make_login()

    assert trail(signed_in("ops").get("/leaks/check/"))[:2] == ["Home", "Leaks"]


def test_a_row_of_somebody_else_is_not_named(signed_in, people):
    foreign = make_login(customer=make_customer("FOR-1", account_manager=people["other"]))
    own = make_login(customer=make_customer("OWN-1", account_manager=people["manager"]))

    answer = order(signed_in("manager"), own, referer=page_of(foreign))

    assert trail(answer)[:2] == ["Home", "Logins"]
    assert foreign.login_id[:8] not in answer.content.decode()


@pytest.mark.parametrize(
    "referer",
    ["/nowhere/", "/morning.json", "/schedule/", "/logins/login/x/change/", page("auth_user", 0)],
)
def test_what_has_no_name_is_left_out(signed_in, people, referer):
    answer = order(signed_in("ops"), make_login(), referer=referer)

    assert answer.status_code == 200
    assert "Back" not in trail(answer)
