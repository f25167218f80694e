"""Deleting here what the provider has deleted there: bank data, words in the trace, the person.

Runs in the transaction that ends a `forget` attempt, so that nobody ever sees half of it.
"""

from datetime import datetime, timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from refreshops.bankdata import retention, snapshots
from refreshops.bankdata.models import BankAccount
from refreshops.logins.models import (
    Customer,
    Language,
    Login,
    LoginStatus,
    Nightly,
    Note,
    Upload,
)
from refreshops.routine import unlinking
from refreshops.routine.models import Attempt, Run
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import AttemptState, Purpose
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing import erasure
from refreshops.tracing.events import BY_ITSELF, Action, note

ENDED = (AttemptState.DONE.value, AttemptState.CANCELLED.value)
CALLED_OFF = "Called off: the login is to be forgotten."
DELETED_THERE = Outcome.FRESH.value
NEVER_KNOWN_THERE = (Outcome.LOGIN_GONE.value, Reason.UNKNOWN_LOGIN.value)
# "Unknown" from a provider that has known no login of ours for so long proves nothing.
KNOWN_WITHIN = timedelta(days=2)
NOTHING_ERASED = (
    "The provider says that it does not know this login, but lately it has known none of ours: "
    "nothing was erased. Check the customer id, let a run end well, then retry."
)


def forgotten_logins() -> Q:
    """Return the condition of logins that were forgotten, and of which nobody has spoken since."""
    outcome, reason = NEVER_KNOWN_THERE
    ended = Attempt.objects.filter(
        Q(outcome=DELETED_THERE) | Q(outcome=outcome, outcome_reason=reason),
        login=OuterRef("pk"),
        purpose=Purpose.FORGET.value,
        state=AttemptState.DONE.value,
    )
    return Q(Exists(ended), gone_at__isnull=False)


def forgotten(attempt: Attempt, *, now: datetime) -> None:
    """Erase what is held here about the login of a `forget` attempt that has ended well.

    "Well" is also a login that the provider does not know, as long as it knows others of ours:
    nothing is left there. Under a wrong customer id it would know none. Any other attempt changes
    nothing. Call it after the attempt is done and the login has been taught, holding the login's
    row, in the same transaction. When it was the last login of a customer whose erasure was asked,
    the customer is erased too.
    """
    login = attempt.login
    ended = (attempt.outcome, attempt.outcome_reason)
    well = attempt.outcome == DELETED_THERE or ended == NEVER_KNOWN_THERE
    if login is None or attempt.purpose != Purpose.FORGET.value or not well:
        return
    if ended == NEVER_KNOWN_THERE and not _knows_us(attempt, login, now=now):
        _doubt(attempt, login)
        return
    _blank_the_journal_of_accounts(login)
    snapshots.drop(login.pk)
    Note.objects.filter(login=login).delete()
    unlinking.forget_login(login)
    erasure.strip(provider=login.provider.name, login_id=login.login_id)
    _silence_attempts(login, now=now)
    Login.objects.filter(pk=login.pk).update(
        status=LoginStatus.INACTIVE,
        nightly=Nightly.OFF,
        nightly_seen_at=now,
        nightly_verified_at=None,
        gone_at=now,
        drops_out_at=None,
        data_as_of=None,
        data_state=DataState.NONE.value,
    )
    settle(login.customer_id, now=now)
    _then_empty_the_log()


def _knows_us(attempt: Attempt, login: Login, *, now: datetime) -> bool:
    """Tell whether the provider has lately spoken of another login as of one it knows."""
    lately = Run.objects.filter(
        provider_id=attempt.run.provider_id, opened_at__gte=now - KNOWN_WITHIN
    )
    others = Attempt.objects.filter(
        run__in=lately.values("pk"), state=AttemptState.DONE.value, login__isnull=False
    ).exclude(login=login)
    unsure = [Outcome.LOGIN_GONE.value, Outcome.OUR_CONFIG.value, Outcome.PROVIDER_FAULT.value]
    # What changed only what we do was never asked.
    asked = others.exclude(outcome_reason=Reason.HERE_ONLY.value)
    return asked.exclude(outcome__in=unsure).exists()


def _doubt(attempt: Attempt, login: Login) -> None:
    """Count the attempt as ours to fix, so that it can be retried."""
    attempt.outcome, attempt.outcome_reason = Outcome.OUR_CONFIG.value, Reason.FLOW.value
    attempt.message = NOTHING_ERASED
    attempt.save(update_fields=["outcome", "outcome_reason", "message"])
    Login.objects.filter(pk=login.pk).update(gone_at=None)


def _silence_attempts(login: Login, *, now: datetime) -> None:
    """Call off what still waits for a login that is gone, and blank what the provider said of it.

    The words of a cancelled attempt are our own.
    """
    theirs = Attempt.objects.filter(login=login)
    theirs.filter(state=AttemptState.DUE.value).update(
        state=AttemptState.CANCELLED.value, finished_at=now, message=CALLED_OFF
    )
    theirs.filter(state=AttemptState.DONE.value).update(message="")
    theirs.filter(state__in=ENDED).update(conversation={}, waits_for="")


def settle(customer_id: int, *, now: datetime) -> bool:
    """Erase a customer whose erasure was asked, once none of their logins is left to forget.

    The row is locked, so that of two last logins that end at once one sees the other. False when
    it is not time yet. Receipts keep who ordered what, when and why.
    """
    asked = Customer.objects.filter(
        pk=customer_id, erasure_asked_at__isnull=False, erased_at__isnull=True
    )
    with transaction.atomic():
        customer = asked.select_for_update(no_key=True).first()
        if customer is None:
            return False
        if Login.objects.filter(customer=customer).exclude(forgotten_logins()).exists():
            return False
        _blank(customer, now=now)
        note(Action.ERASE, by=BY_ITSELF, at=now, subject=("customer", customer.pk))
        # A file previewed before must not bring the person back an hour later.
        Upload.objects.all().delete()
        _then_empty_the_log()
    return True


def take_back(run: Run) -> None:
    """Ask no more for the erasures that were asked with `run`, a `forget` order now withdrawn.

    A request stays that was made before it, or of which an order at another provider goes on.
    """
    elsewhere = Attempt.objects.filter(
        login__customer=OuterRef("pk"),
        purpose=Purpose.FORGET.value,
        run__opened_at=run.opened_at,
    ).exclude(state=AttemptState.CANCELLED.value)
    theirs = Attempt.objects.filter(run=run, purpose=Purpose.FORGET.value, login__isnull=False)
    Customer.objects.filter(
        ~Exists(elsewhere),
        pk__in=theirs.values("login__customer"),
        erasure_asked_at=run.opened_at,
        erased_at__isnull=True,
    ).update(erasure_asked_at=None, erasure_asked_by=None, erasure_reason="")


def _then_empty_the_log() -> None:
    """Let no older page of the database's own log outlive the deletion; the night does it again."""
    transaction.on_commit(retention.empty_the_log, robust=True)


def _blank(customer: Customer, *, now: datetime) -> None:
    customer.reference = _free_reference(customer)
    customer.name = customer.email = ""
    customer.language = Language.ENGLISH.value
    customer.last_activity_at = None
    customer.erased_at = now
    blanked = ["reference", "name", "email", "language", "last_activity_at", "erased_at"]
    customer.save(update_fields=blanked)
    unlinking.forget_customer(customer)
    Login.objects.filter(customer=customer).update(status_reason="", institution="")
    # Written after the login was forgotten.
    Note.objects.filter(login__customer=customer).delete()
    logins = Login.objects.filter(customer=customer).values_list("pk", flat=True)
    _blank_the_journal(Customer, [customer.pk], f"Customer {customer.reference}")
    _blank_the_journal(Login, list(logins), f"Login of customer {customer.reference}")


def _free_reference(customer: Customer) -> str:
    """Return a reference that says nothing; somebody may have given the usual one to another."""
    wanted = f"erased-{customer.pk}"
    while Customer.objects.filter(reference=wanted).exclude(pk=customer.pk).exists():
        wanted += "-"
    return wanted


def _blank_the_journal_of_accounts(login: Login) -> None:
    """Take the accounts' titles out of the record of who looked at them."""
    accounts = BankAccount.objects.filter(login=login).values_list("pk", flat=True)
    _blank_the_journal(BankAccount, list(accounts), "Bank account of a forgotten login")


def _blank_the_journal(model: type, keys: list[int], words: str) -> None:
    """Keep who did something to these rows and when, and no word of what they were called."""
    kind = ContentType.objects.get_for_model(model)
    for start in range(0, len(keys), 500):
        few = [str(key) for key in keys[start : start + 500]]
        entries = LogEntry.objects.filter(content_type=kind, object_id__in=few)
        entries.update(object_repr=words)
        # What the console writes under flags of its own names nobody.
        entries.filter(action_flag__lte=3).update(change_message="")
