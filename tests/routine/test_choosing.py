"""How commands find the logins they are told: by id, customer or list, at one provider or both."""

import pytest
from django.core.management import CommandError

from refreshops.logins.models import Provider
from refreshops.routine.management.commands import _choosing
from tests.builders import make_customer, make_login, make_provider

pytestmark = pytest.mark.django_db

GUID = "46d5f682-e9dd-46ba-8cf6-3e5eff34f600"
TOKEN = "Credentials-Token_01"


@pytest.fixture
def flinks():
    return make_provider()


@pytest.fixture
def flanks():
    return Provider.objects.create(name="flanks")


@pytest.fixture
def known(flinks, flanks):
    """One customer with a login at each."""
    customer = make_customer("REFERENCE-1")
    return {
        "flinks": make_login(provider=flinks, login_id=GUID, customer=customer),
        "flanks": make_login(provider=flanks, login_id=TOKEN, customer=customer),
    }


@pytest.fixture
def chosen(tmp_path):
    """Return what words name, given as ids or in a file."""

    def choose(*words, way="login_id", provider=None):
        options = {"login_id": None, "customer": None, "file": None, "provider": provider}
        if way == "file":
            path = tmp_path / "list.txt"
            path.write_text("\n".join(words), encoding="utf-8")
            options["file"] = path
        else:
            options[way] = list(words)
        return {row.provider.name for row in _choosing.chosen(options)}

    return choose


@pytest.mark.parametrize("way", ["login_id", "file"])
@pytest.mark.parametrize(
    ("word", "found"),
    [
        pytest.param(GUID, {"flinks"}, id="as-the-register-has-it"),
        pytest.param(f"{{{GUID.upper()}}}", {"flinks"}, id="as-windows-writes-it"),
        pytest.param(GUID.upper(), {"flinks"}, id="in-capitals"),
        pytest.param(TOKEN, {"flanks"}, id="of-the-second-provider"),
        pytest.param("REFERENCE-1", {"flinks", "flanks"}, id="a-reference-spelled-like-an-id"),
    ],
)
def test_an_id_is_looked_up_at_every_provider_that_would_write_it_so(
    known, chosen, way, word, found
):
    assert chosen(word, way=way) == found


@pytest.mark.parametrize("way", ["login_id", "file"])
def test_capitals_matter_where_the_provider_says_so(known, chosen, way):
    with pytest.raises(CommandError, match="Not in the register, nothing was changed"):
        chosen(TOKEN.upper(), way=way)


@pytest.mark.parametrize("way", ["login_id", "file"])
@pytest.mark.parametrize("provider", ["flinks", "flanks"])
def test_an_id_that_both_know_is_refused_until_somebody_says_whose(
    flinks, flanks, chosen, way, provider
):
    for row in (flinks, flanks):
        make_login(provider=row, login_id=GUID)

    with pytest.raises(CommandError, match=f"--provider.*{GUID}"):
        chosen(GUID, way=way)
    assert chosen(GUID, way=way, provider=provider) == {provider}


@pytest.mark.parametrize("way", ["login_id", "file"])
def test_an_id_of_the_other_provider_is_unknown_at_the_one_that_was_named(known, chosen, way):
    with pytest.raises(CommandError, match="Not in the register"):
        chosen(TOKEN, way=way, provider="flinks")


@pytest.mark.parametrize("way", ["customer", "file"])
def test_a_customer_stands_for_the_logins_at_the_provider_that_was_named(known, chosen, way):
    assert chosen("REFERENCE-1", way=way, provider="flanks") == {"flanks"}
    assert chosen("REFERENCE-1", way=way) == {"flinks", "flanks"}


def test_an_unknown_provider_is_refused(known, chosen):
    with pytest.raises(CommandError, match="No provider is called 'flunks'"):
        chosen(GUID, provider="flunks")


def test_one_word_that_names_nothing_refuses_all(known, chosen):
    with pytest.raises(CommandError, match="nothing was changed: NOBODY-1"):
        chosen(GUID, "NOBODY-1")
