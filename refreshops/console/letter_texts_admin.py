"""The texts of mails in the browser: changed by people, shown as they will arrive, and tried."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path

from refreshops import wiring
from refreshops.connect import courier, letter_texts, letters, tasks
from refreshops.console.addresses import page
from refreshops.console.machine_rows import ConsoleAdmin
from refreshops.console.moments import moment
from refreshops.console.story import tell
from refreshops.logins.models import LetterKind, LetterText
from refreshops.tracing.events import Action

HELP = (
    "Placeholders: {link} (needed), {institution}, {lender}, {expires}. Empty subject and text: "
    "ours again."
)


class TextForm(forms.ModelForm):
    """A subject and a text that can be sent, or both empty for ours."""

    class Meta:
        model = LetterText
        fields = ("subject", "body")
        widgets = {"body": forms.Textarea(attrs={"rows": 16, "cols": 80})}
        help_texts = {"body": HELP, "subject": "May hold {institution} and {lender}."}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "subject" in self.fields and self.instance.pk:
            subject, body = letter_texts.in_force(self.instance)
            self.initial.update(subject=subject, body=body)

    def clean_subject(self) -> str:
        """Return the subject with single spaces."""
        return " ".join(self.cleaned_data["subject"].split())

    def clean_body(self) -> str:
        """Return the text with the line ends of mails."""
        body: str = self.cleaned_data["body"]
        return body.replace("\r\n", "\n").replace("\r", "\n")

    def clean(self) -> dict[str, Any]:
        """Refuse what could not be sent; forget what says the same as ours."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        subject, body = found.get("subject"), found.get("body")
        if subject is None or body is None or not (subject or body):
            return found
        kind, language = self.instance.kind, self.instance.language
        try:
            letter_texts.check(kind=kind, subject=subject, body=body)
        except letter_texts.UnfitText as unfit:
            self.add_error(unfit.field, str(unfit))
        if (subject, body) == letter_texts.ours(kind=kind, language=language):
            found |= {"subject": "", "body": ""}
        return found


@admin.register(LetterText)
class LetterTextAdmin(ConsoleAdmin):
    """One row per kind of mail and language."""

    form = TextForm
    list_display = ("what", "language", "subject_now", "whose", "changed")
    ordering = ("pk",)
    sortable_by = ()
    actions = None
    list_select_related = ("changed_by",)
    change_form_template = "console/letter_text.html"
    fields = ("subject", "body")
    # What is told of a change names the kind and language: see `save_model`.
    tells_edits = False

    def get_urls(self) -> list[Any]:
        """Add the test."""
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/test/", wrap(self.test), name="letter_test"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The kinds of mails come with the code that sends them."""
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the text as it will arrive below its form."""
        extra = {"may_test": self.has_change_permission(request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Add the mail that the stored text makes, filled with sample values."""
        row = context.get("original")
        if row is not None:
            context |= _preview(row)
        return super().render_change_form(request, context, *args, **options)

    def save_model(self, request: HttpRequest, obj: LetterText, form: Any, change: bool) -> None:
        """Save who changed it, and tell what was changed: which text, not its words."""
        if not form.changed_data:
            return
        obj.changed_at, obj.changed_by = wiring.clock(), request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)
        details = {"what": str(obj), "fields": list(form.changed_data), "ours": not obj.body}
        tell(request, Action.CHANGE_LETTER, subject=("lettertext", obj.pk), details=details)

    def response_change(self, request: HttpRequest, obj: LetterText) -> HttpResponse:
        """Stay on the page, where the mail is shown as it will arrive."""
        messages.info(request, "Saved. This is how it arrives:")
        return redirect(page("logins_lettertext", obj.pk))

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send the stored text to the signed-in person's own address, and to no other."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404("text")
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            letter = letters.queue_test(
                sample_of=LetterKind(row.kind),
                language=row.language,
                to=getattr(request.user, "email", ""),
                by=request.user,
                now=wiring.clock(),
            )
        except letters.NotSendable as refusal:
            messages.error(request, str(refusal))
        else:
            tasks.nudge()
            said = f"A test is on its way to {letter.to}; the list of mails says what became of it."
            messages.info(request, said)
        return redirect(page("logins_lettertext", row.pk))

    @admin.display(description="mail")
    def what(self, row: LetterText) -> str:
        """Render what the mail asks for."""
        return row.get_kind_display().capitalize()

    @admin.display(description="subject")
    def subject_now(self, row: LetterText) -> str:
        """Render the subject in force."""
        return letter_texts.in_force(row)[0]

    @admin.display(description="words")
    def whose(self, row: LetterText) -> str:
        """Render whose words are in force."""
        if not row.body:
            return "ours"
        by = row.changed_by
        return f"changed by {by.get_full_name() or by.get_username()}" if by else "changed"

    @admin.display(description="changed")
    def changed(self, row: LetterText) -> str:
        """Render when somebody last changed it."""
        return moment(row.changed_at)


def _preview(row: LetterText) -> dict[str, Any]:
    values = courier.sample_values(tasks.house(), language=row.language, now=wiring.clock())
    text = letter_texts.in_force(row)
    mail = letter_texts.compose(text, language=row.language, values=values)
    return {"mail": mail, "mail_html": letter_texts.paragraphs(text[1], values)}
