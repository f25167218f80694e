"""Deleting credentials, the switch that is none, and the list of all that Flanks holds."""

import pytest

from refreshops.providers.contract import Answer, Done, Subject
from refreshops.providers.flanks.conversations import Forget, HereOnly, Listing
from refreshops.providers.flanks.listing import MOST_PAGES
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flanks.spoken import (
    DELETED,
    HTML_200,
    HTML_502,
    LOGIN_ID,
    NETWORK,
    NOON,
    OTHER_LOGIN_ID,
    SECRET,
    SUBJECT,
    TERMS,
    TONIGHT_AT,
    UNKNOWN,
    Play,
    refused,
)

NOBODY = Subject("")


def forget():
    return Play(Forget(**TERMS))


class TestForget:
    def test_a_yes_means_deleted(self):
        play = forget().hear(DELETED)

        assert [(c.method, c.endpoint) for c in play.asked] == [("DELETE", "credentials")]
        assert play.asked[0].body == {"credentials_token": LOGIN_ID}
        assert (play.end.outcome, play.end.nightly) == (Outcome.FRESH, False)

    @pytest.mark.parametrize("silence", [NETWORK, HTML_200, HTML_502])
    def test_unknown_after_a_silence_means_deleted_by_the_first_order(self, silence):
        end = forget().hear(silence, UNKNOWN).end

        assert (end.outcome, end.reason, end.nightly) == (Outcome.FRESH, Reason.NONE, False)

    def test_unknown_at_once_means_that_it_never_was_there(self):
        end = forget().hear(UNKNOWN).end

        assert (end.outcome, end.reason) == (Outcome.LOGIN_GONE, Reason.UNKNOWN_LOGIN)
        assert end.nightly is None

    @pytest.mark.parametrize(
        "answer",
        [
            refused(40001, text="Invalid credentials_token"),
            refused(20002),
            refused(60001),
            Answer(202, {"message": "Accepted"}),
            Answer(200, "ok"),
            Answer(200, {"error": "no"}),
        ],
    )
    def test_anything_else_is_no_deletion(self, answer):
        play = forget()
        while not isinstance(play.step, Done):
            play.hear(answer)

        assert play.end.outcome is not Outcome.FRESH
        assert play.end.nightly is not False


class TestASwitchThatIsNone:
    @pytest.mark.parametrize("on", [True, False])
    @pytest.mark.parametrize(
        ("held", "state"), [(None, DataState.NONE), (TONIGHT_AT, DataState.STALE_USABLE)]
    )
    def test_it_ends_at_once_without_a_call_and_says_so(self, on, held, state):
        step = HereOnly(on=on, **TERMS).begin(Subject(LOGIN_ID, held_as_of=held))

        assert isinstance(step, Done)
        result = step.result
        assert (result.outcome, result.reason) == (Outcome.FRESH, Reason.HERE_ONLY)
        assert result.data_state is state
        assert result.nightly is None
        assert not result.verified
        assert "no switch" in result.message

    def test_whatever_is_heard_ends_it(self):
        script = HereOnly(on=False, **TERMS)

        step = script.heard(SUBJECT, {"step": "status"}, Answer(200, {}), now=NOON)

        assert step.result.reason is Reason.HERE_ONLY


def page(*login_ids, pages=1, number=None):
    """A page of the list; the real one says its `number`, too."""
    items = [{"credentials_token": i, "bank": "x", "status": "ok"} for i in login_ids]
    told = {} if number is None else {"page": number}
    return Answer(200, {"items": items, "pages": pages, **told})


class TestTheList:
    def listing(self):
        return Play(Listing(**TERMS), subject=NOBODY)

    def test_all_pages_make_one_report(self):
        play = self.listing().hear(
            page(LOGIN_ID, OTHER_LOGIN_ID, pages=2), page(OTHER_LOGIN_ID, "third-token", pages=2)
        )

        assert [call.body for call in play.asked] == [{"page": 1}, {"page": 2}]
        assert play.end.outcome is Outcome.FRESH
        assert play.end.report == {
            "complete": True,
            "logins": [
                {"login_id": i, "state": "ok", "last_refresh_at": None, "code": ""}
                for i in (LOGIN_ID, OTHER_LOGIN_ID, "third-token")
            ],
        }

    def test_pages_are_put_together_in_their_order(self):
        answers = [page(f"token-{n:04}", pages=12) for n in range(12)]

        logins = self.listing().hear(*answers).end.report["logins"]

        assert [login["login_id"] for login in logins] == [f"token-{n:04}" for n in range(12)]

    def test_a_page_that_answers_for_another_leaves_the_list_unbelieved(self):
        play = self.listing().hear(
            page(LOGIN_ID, pages=2, number=1), page(LOGIN_ID, pages=2, number=1)
        )

        assert play.end.report["complete"] is False

    @pytest.mark.parametrize("odd", ["a b", "", 5, None])
    def test_a_row_without_a_usable_id_leaves_the_list_unbelieved(self, odd):
        play = self.listing().hear(page(LOGIN_ID, odd, pages=2), page("third-token", pages=2))

        assert play.end.report["complete"] is False
        assert len(play.end.report["logins"]) == 2

    def test_pages_that_say_their_number_are_believed(self):
        play = self.listing().hear(
            page(LOGIN_ID, pages=2, number=1), page("third-token", pages=2, number=2)
        )

        assert play.end.report["complete"] is True

    @pytest.mark.parametrize(
        "answers",
        [
            [page(LOGIN_ID, pages=3), page("third-token", pages=2)],
            [page(LOGIN_ID, pages=2), page("third-token", pages=1)],
            [page(LOGIN_ID, pages=3), page(pages=3), page("third-token", pages=3)],
            [page(LOGIN_ID, pages=2), page(pages=2)],
        ],
        ids=["a-page-less", "the-last-page-less", "an-empty-one-between", "an-empty-last-one"],
    )
    def test_a_list_that_lost_rows_while_it_was_read_is_not_whole(self, answers):
        assert self.listing().hear(*answers).end.report["complete"] is False

    def test_a_list_that_grew_while_it_was_read_is_whole(self):
        answers = [
            page(LOGIN_ID, pages=2),
            page(OTHER_LOGIN_ID, pages=3),
            page("third-to", pages=3),
        ]

        assert self.listing().hear(*answers).end.report["complete"] is True

    def test_an_empty_list_is_whole(self):
        assert self.listing().hear(page(pages=0)).end.report == {"complete": True, "logins": []}

    def test_where_the_number_of_pages_is_not_said_an_empty_one_is_the_last(self):
        play = self.listing().hear(page(LOGIN_ID, pages=None), page(pages=None))

        assert play.end.report["complete"] is True
        assert len(play.end.report["logins"]) == 1

    def test_a_list_without_end_is_not_whole(self):
        play = self.listing()
        while not isinstance(play.step, Done):
            play.hear(page(LOGIN_ID, pages=10**6))

        assert len(play.asked) == MOST_PAGES
        assert play.end.report["complete"] is False

    def test_a_page_that_does_not_come_leaves_no_report(self):
        play = self.listing().hear(page(LOGIN_ID, pages=2), NETWORK, NETWORK, NETWORK)

        assert play.end.report is None
        assert play.end.reason is Reason.NETWORK

    def test_what_is_no_id_is_left_out_and_no_key_gets_in(self):
        items = [
            {"credentials_token": SECRET, "status": "ok"},
            {"credentials_token": LOGIN_ID, "status": f"key {SECRET}"},
            {"credentials_token": None},
        ]

        end = self.listing().hear(Answer(200, {"items": items, "pages": 1})).end

        assert [login["login_id"] for login in end.report["logins"]] == [LOGIN_ID]
        assert SECRET not in repr(end)
