"""A pasted list: every word ends in exactly one class, whatever was pasted."""

import random
import uuid

import pytest
from django.db.models import Q

from refreshops import wiring
from refreshops.logins.models import Customer, Login, LoginStatus, Nightly
from refreshops.logins.pasted import Ends, match
from refreshops.logins.pasted_words import SIZE_CAP, WORD_CAP, lines_of, text_of
from refreshops.logins.register_file import Unreadable
from tests.builders import NOON, make_customer, make_login, make_logins

OFF = {"status": LoginStatus.INACTIVE, "nightly": Nightly.OFF, "nightly_verified_at": NOON}
DONE = Q(status=LoginStatus.INACTIVE, nightly=Nightly.OFF, nightly_verified_at__isnull=False)

pytestmark = pytest.mark.django_db


def matched(text, *, logins=None, customers=None):
    return match(
        text,
        logins=Login.objects.all() if logins is None else logins,
        customers=Customer.objects.all() if customers is None else customers,
        canonical=wiring.CANONICAL,
        done=DONE,
    )


def ends(text):
    return [(word.line, word.text, word.ends) for word in matched(text).words]


def test_a_login_is_found_in_any_spelling():
    login = make_login(login_id="f427f369-7b0f-45ce-5fe2-08d6386fe6b5")
    spellings = ["F427F369-7B0F-45CE-5FE2-08D6386FE6B5", "{f427f3697b0f45ce5fe208d6386fe6b5}"]

    for spelling in spellings:
        assert matched(f"  {spelling} ").keys == [login.pk]


def test_a_reference_stands_for_all_logins_of_the_customer():
    logins = make_logins(3, customer=make_customer("C-7"))
    make_login(customer=make_customer("C-8"))

    found = matched("C-7")

    assert sorted(found.keys) == [login.pk for login in logins]
    assert found.counts[Ends.FOUND] == 1


@pytest.mark.parametrize("between", [",", ";", "\t", " ", "\n", "\r\n", ", ", " ; ", "\r"])
def test_words_may_stand_between_any_marks(between):
    wanted = [make_login(customer=make_customer(f"C-{n}")) for n in (1, 2, 3)]

    assert matched(between.join(["C-1", "C-2", "C-3"])).keys == [login.pk for login in wanted]


def test_a_reference_may_hold_spaces_and_commas():
    make_login(customer=make_customer("Maple Foods, Ltd"))
    make_login(customer=make_customer("Birch 7"))

    assert ends("Maple Foods, Ltd\nBirch 7,Birch 8") == [
        (1, "Maple Foods, Ltd", Ends.FOUND),
        (2, "Birch 7", Ends.FOUND),
        (2, "Birch 8", Ends.UNKNOWN),
    ]


def test_an_unknown_text_with_spaces_stays_one_word():
    assert ends("Nobody At All") == [(1, "Nobody At All", Ends.UNKNOWN)]


def test_unknown_words_beside_a_known_one_are_told_apart():
    make_login(customer=make_customer("C-1"))

    assert [row[1:] for row in ends("C-0 C-1")] == [("C-0", Ends.UNKNOWN), ("C-1", Ends.FOUND)]


def test_what_is_done_already_is_told_apart_from_what_is_to_do():
    customer = make_customer("C-1")
    done, left = make_login(customer=customer, **OFF), make_login(customer=customer)
    off = make_login(customer=make_customer("C-2"), **OFF)

    found = matched("C-1\nC-2")

    first, second = found.words
    assert (first.ends, first.logins, first.already) == (Ends.FOUND, (left.pk,), 1)
    assert (second.ends, second.logins) == (Ends.ALREADY, (off.pk,))
    assert done.pk not in found.keys


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"nightly": Nightly.ON}, id="still-on-there"),
        pytest.param({"nightly_verified_at": None}, id="never-verified"),
        pytest.param({"status": LoginStatus.ACTIVE}, id="active-here"),
    ],
)
def test_only_what_is_proven_off_counts_as_off_already(fields):
    login = make_login(**(OFF | fields))

    assert matched(login.login_id).counts[Ends.FOUND] == 1


def test_the_same_word_again_is_a_duplicate_of_its_first_line():
    login = make_login()

    words = matched(f"{login.login_id}\n\nnobody\n{login.login_id.upper()}\nnobody").words

    assert [(word.line, word.ends, word.above) for word in words] == [
        (1, Ends.FOUND, 0),
        (3, Ends.UNKNOWN, 0),
        (4, Ends.DUPLICATE, 1),
        (5, Ends.DUPLICATE, 3),
    ]


def test_a_login_of_a_customer_named_above_is_a_duplicate():
    login = make_login(customer=make_customer("C-1"))

    assert [row[2] for row in ends(f"C-1\n{login.login_id}")] == [Ends.FOUND, Ends.DUPLICATE]
    assert [row[2] for row in ends(f"{login.login_id}\nC-1")] == [Ends.FOUND, Ends.DUPLICATE]


def test_a_customer_whose_other_logins_stood_above_brings_the_rest():
    customer = make_customer("C-1")
    first, second = make_logins(2, customer=customer)

    found = matched(f"{first.login_id}\nC-1")

    assert [word.logins for word in found.words] == [(first.pk,), (second.pk,)]


def test_a_customer_without_logins_is_said_to_have_none():
    make_customer("C-1")

    assert ends("C-1") == [(1, "C-1", Ends.EMPTY)]


def test_what_the_reader_may_not_see_is_unknown_like_what_is_not_there():
    foreign = make_login(customer=make_customer("FOR-1"))
    text = f"FOR-1\n{foreign.login_id}\nNOT-THERE\n{uuid.uuid4()}"

    found = matched(text, logins=Login.objects.none(), customers=Customer.objects.none())

    assert {word.ends for word in found.words} == {Ends.UNKNOWN}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        pytest.param("login_id,institution", "{id},TD", id="our-own-register"),
        pytest.param("institution;LoginId", "TD;{id}", id="semicolons-and-the-screen-s-word"),
        pytest.param("name\tReference", "Maple, Foods\tC-1", id="tabs"),
        pytest.param("reference", "C-1", id="one-column"),
        pytest.param('"customer","name"', '"C-1","Foods, ""Maple"" Ltd"', id="quoted"),
        pytest.param("customer,login_id", "C-1 Maple Foods,{id}", id="the-id-before-the-customer"),
        pytest.param("login_id,customer", ",C-1", id="the-customer-where-there-is-no-id"),
    ],
)
def test_a_table_with_a_header_is_read_by_its_column(header, row):
    login = make_login(customer=make_customer("C-1"))

    found = matched(f"\ufeff{header}\n{row.format(id=login.login_id)}\n")

    assert [(word.line, word.ends) for word in found.words] == [(2, Ends.FOUND)]
    assert found.keys == [login.pk]


def test_rows_of_a_table_keep_their_physical_lines():
    make_login(customer=make_customer("C-1"))

    assert [row[:2] for row in ends('name,reference\n"two\nlines",X\n\nn,C-1\n')] == [
        (2, "X"),
        (5, "C-1"),
    ]


def test_an_open_quotation_mark_in_a_table_is_refused():
    with pytest.raises(Unreadable, match="line 2"):
        matched('reference,name\nC-1,"open\n')


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        pytest.param("C-1\nC-2".encode("utf-16"), "UTF-16", id="utf-16"),
        pytest.param(b"C-1\0", "NUL", id="nul"),
        pytest.param(b"PK\x03\x04rest", "spreadsheet", id="xlsx"),
        pytest.param(b"Caf\xe9", "UTF-8", id="latin-1"),
        pytest.param(b"x" * (SIZE_CAP + 1), "larger than 8 MB", id="too-large"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_a_sentence(raw, why):
    with pytest.raises(Unreadable, match=why):
        text_of(raw)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param(" \n\t\r\n,;", "empty", id="only-marks"),
        pytest.param("a\0b", "NUL", id="nul"),
        pytest.param("x " * (WORD_CAP + 1), "more than 100000", id="words-on-one-line"),
        pytest.param("x\n" * (WORD_CAP + 1), "more than 100000", id="lines"),
    ],
)
def test_a_text_that_is_no_list_is_refused_with_a_sentence(text, why):
    with pytest.raises(Unreadable, match=why):
        lines_of(text)


def test_invisible_marks_hide_no_word():
    make_login(customer=make_customer("C-1"))

    assert ends("\u200bC-1\u202e\u00a0") == [(1, "C-1", Ends.FOUND)]


@pytest.mark.parametrize("seed", range(25))
def test_every_word_ends_in_exactly_one_class_and_no_login_comes_twice(seed):
    chance = random.Random(seed)
    customers = [make_customer(f"C {n}" if n % 3 else f"C-{n}") for n in range(6)]
    logins = [
        make_login(customer=chance.choice(customers), **(OFF if chance.random() < 0.3 else {}))
        for _ in range(12)
    ]
    known = [row.login_id for row in logins] + [row.reference for row in customers]
    pool = [*known, "nobody", str(uuid.uuid4()), "No Body", "x" * 70]
    pieces = [chance.choice(pool) for _ in range(chance.randrange(1, 40))]
    text = "".join(piece + chance.choice([",", "\n", ";", "\t", "\r\n"]) for piece in pieces)

    found = matched(text)

    assert len(found.words) == len(pieces)
    assert sum(found.counts.values()) == len(pieces)
    assert len(set(found.keys)) == len(found.keys)
    named = {row.pk for row in logins if row.login_id in pieces or row.customer.reference in pieces}
    done = set(Login.objects.filter(DONE).values_list("pk", flat=True))
    assert set(found.keys) == named - done
    for word in found.words:
        assert (word.ends is Ends.DUPLICATE) == bool(word.above)
        assert word.above <= word.line


def test_a_long_list_takes_few_queries(django_assert_max_num_queries):
    make_logins(5)
    text = "\n".join(str(uuid.UUID(int=n)) for n in range(9000)) + "\nC-1"

    with django_assert_max_num_queries(8):
        assert len(matched(text).keys) == 5
