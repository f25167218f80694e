"""What customers read on the public pages, in their language: nothing of a bank, nothing of them.

A page never says why something of ours failed, nor at which bank, nor who the reader is.
"""

from dataclasses import dataclass
from enum import StrEnum

from refreshops.connect.letter_words import NAMELESS, YOUR_LENDER
from refreshops.logins.models import Language

LANGUAGES = (Language.ENGLISH.value, Language.FRENCH.value)


class Page(StrEnum):
    """The pages there are, by what they say."""

    START = "start"
    WAITING = "waiting"
    GO = "go"
    HANDED = "handed"
    FETCHING = "fetching"
    DONE = "done"
    AGAIN = "again"
    REFUSED = "refused"
    LATER = "later"
    BUSY = "busy"
    TOO_OFTEN = "too_often"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    SENSELESS = "senseless"
    BACK_LATER = "back_later"
    NOTHING = "nothing"
    NOT_SO = "not_so"
    NO_FORM = "no_form"
    BROKEN = "broken"


@dataclass(frozen=True)
class Words:
    """A page in one language; `{lender}` is filled in. An empty `button` draws none."""

    title: str
    text: str
    button: str = ""


_START = "Connect my bank"
_AGAIN = "Start again"
_START_FR = "Connecter ma banque"
_AGAIN_FR = "Recommencer"

_ENGLISH = {
    Page.START: Words(
        "Connect your bank",
        "{lender} asks you to connect your bank. You sign in on a secure page of the service that "
        "speaks with banks; {lender} never sees your password. It takes about two minutes.",
        _START,
    ),
    Page.WAITING: Words(
        "One moment, please",
        "We are preparing the connection. This page goes on by itself. If it is still here after "
        "five minutes, please come back to your link later.",
    ),
    Page.GO: Words(
        "Ready",
        "You go on to the secure page where you sign in to your bank.",
        "Continue",
    ),
    Page.HANDED: Words(
        "You went on to your bank",
        "If you closed that page, or it did not work, you can start again here.",
        _AGAIN,
    ),
    Page.FETCHING: Words(
        "Thank you",
        "We are fetching your data. This takes a few minutes, and at some banks much longer; you "
        "may close this page.",
    ),
    Page.DONE: Words("You are connected", "All is done. You may close this page."),
    Page.AGAIN: Words(
        "That was not finished",
        "The connection was not completed. Nothing was changed, and you can start again.",
        _AGAIN,
    ),
    Page.REFUSED: Words(
        "We could not confirm this connection",
        "What came back does not belong to this link, so nothing was connected. You can start "
        "again; if it happens once more, please get in touch with {lender}.",
        _AGAIN,
    ),
    Page.LATER: Words(
        "Please try again later",
        "The connection cannot be made at this moment. Nothing is wrong with your bank account. "
        "Please come back to this link in an hour.",
        _AGAIN,
    ),
    Page.BUSY: Words(
        "Many people are connecting",
        "Please come back to this page in a few minutes, and press the button again.",
    ),
    Page.TOO_OFTEN: Words(
        "Let us take a break",
        "This link was tried several times in a short while. Please come back in an hour.",
    ),
    Page.RETURNED: Words(
        "Thank you",
        "If you have just connected your bank, we are checking it now, and you may close this "
        "page. If it did not work, open your link once more and start again.",
    ),
    Page.CANCELLED: Words(
        "Nothing was connected",
        "You left the page before the end, so nothing was changed. To try again, open your link "
        "once more.",
    ),
    Page.SENSELESS: Words(
        "Nothing was connected",
        "The address you came back with is not complete. Open your link once more and start again.",
    ),
    Page.BACK_LATER: Words(
        "Almost there",
        "Many people are connecting at this moment. Please load this page again in a few minutes, "
        "so that we can check your connection.",
    ),
    Page.NOTHING: Words(
        "This link does not work",
        "It may have expired, or it was not copied whole. Please ask whoever sent it for a new "
        "one.",
    ),
    Page.NOT_SO: Words(
        "This address works in another way", "Please open your link once more and start again."
    ),
    Page.NO_FORM: Words(
        "Please press the button once more",
        "The page lay open for too long, or your browser keeps no cookies. Open your link once "
        "more and press the button.",
    ),
    Page.BROKEN: Words(
        "Something of ours broke",
        "It is not your fault, and nothing was changed. Please try again in a few minutes.",
    ),
}

_FRENCH = {
    Page.START: Words(
        "Connectez votre banque",
        "{lender} vous demande de connecter votre banque. Vous ouvrez une session sur une page "
        "sécurisée du service qui communique avec les banques; {lender} ne voit jamais votre mot "
        "de passe. Cela prend environ deux minutes.",
        _START_FR,
    ),
    Page.WAITING: Words(
        "Un instant, s’il vous plaît",
        "Nous préparons la connexion. Cette page continue d’elle-même. Si elle est encore ici "
        "après cinq minutes, veuillez revenir à votre lien plus tard.",
    ),
    Page.GO: Words(
        "Tout est prêt",
        "Vous continuez vers la page sécurisée où vous ouvrez une session à votre banque.",
        "Continuer",
    ),
    Page.HANDED: Words(
        "Vous êtes passé à votre banque",
        "Si vous avez fermé cette page, ou si cela n’a pas fonctionné, vous pouvez recommencer "
        "ici.",
        _AGAIN_FR,
    ),
    Page.FETCHING: Words(
        "Merci",
        "Nous recevons vos données. Cela prend quelques minutes, et bien plus longtemps à "
        "certaines banques; vous pouvez fermer cette page.",
    ),
    Page.DONE: Words("Vous êtes connecté", "Tout est terminé. Vous pouvez fermer cette page."),
    Page.AGAIN: Words(
        "La connexion n’est pas terminée",
        "Elle n’a pas été menée à bien. Rien n’a changé, et vous pouvez recommencer.",
        _AGAIN_FR,
    ),
    Page.REFUSED: Words(
        "Nous n’avons pas pu confirmer cette connexion",
        "Ce qui est revenu n’appartient pas à ce lien; rien n’a donc été connecté. Vous pouvez "
        "recommencer; si cela se reproduit, veuillez communiquer avec {lender}.",
        _AGAIN_FR,
    ),
    Page.LATER: Words(
        "Veuillez réessayer plus tard",
        "La connexion n’est pas possible en ce moment. Votre compte bancaire n’est pas en cause. "
        "Veuillez revenir à ce lien dans une heure.",
        _AGAIN_FR,
    ),
    Page.BUSY: Words(
        "Beaucoup de personnes se connectent",
        "Veuillez revenir à cette page dans quelques minutes et appuyer de nouveau sur le bouton.",
    ),
    Page.TOO_OFTEN: Words(
        "Faisons une pause",
        "Ce lien a été essayé plusieurs fois en peu de temps. Veuillez revenir dans une heure.",
    ),
    Page.RETURNED: Words(
        "Merci",
        "Si vous venez de connecter votre banque, nous vérifions la connexion, et vous pouvez "
        "fermer cette page. Si cela n’a pas fonctionné, ouvrez de nouveau votre lien et "
        "recommencez.",
    ),
    Page.CANCELLED: Words(
        "Rien n’a été connecté",
        "Vous avez quitté la page avant la fin; rien n’a changé. Pour réessayer, ouvrez de nouveau "
        "votre lien.",
    ),
    Page.SENSELESS: Words(
        "Rien n’a été connecté",
        "L’adresse avec laquelle vous êtes revenu est incomplète. Ouvrez de nouveau votre lien et "
        "recommencez.",
    ),
    Page.BACK_LATER: Words(
        "Vous y êtes presque",
        "Beaucoup de personnes se connectent en ce moment. Veuillez recharger cette page dans "
        "quelques minutes, afin que nous puissions vérifier votre connexion.",
    ),
    Page.NOTHING: Words(
        "Ce lien ne fonctionne pas",
        "Il est peut-être expiré, ou n’a pas été copié au complet. Veuillez en demander un nouveau "
        "à la personne qui vous l’a envoyé.",
    ),
    Page.NOT_SO: Words(
        "Cette adresse fonctionne autrement",
        "Veuillez ouvrir de nouveau votre lien et recommencer.",
    ),
    Page.NO_FORM: Words(
        "Veuillez appuyer de nouveau sur le bouton",
        "La page est restée ouverte trop longtemps, ou votre navigateur ne garde pas de témoins. "
        "Ouvrez de nouveau votre lien et appuyez sur le bouton.",
    ),
    Page.BROKEN: Words(
        "Quelque chose s’est brisé chez nous",
        "Ce n’est pas votre faute, et rien n’a changé. Veuillez réessayer dans quelques minutes.",
    ),
}

WORDS = {Language.ENGLISH.value: _ENGLISH, Language.FRENCH.value: _FRENCH}


def words_of(page: Page, *, language: str, lender: str) -> Words:
    """Return a page's words; a language that we do not have becomes English."""
    language = language if language in WORDS else Language.ENGLISH.value
    words = WORDS[language][page]
    return Words(words.title, _named(words.text, language, lender), words.button)


def _named(text: str, language: str, lender: str) -> str:
    if lender != NAMELESS:
        return text.replace("{lender}", lender)
    named = text.replace("{lender}", YOUR_LENDER[language])
    return named[0].upper() + named[1:]
