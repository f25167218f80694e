"""Our own words of every mail, in both languages: what is sent until somebody changes them.

None of them names a bank, a customer or a number.
"""

from collections.abc import Mapping

from refreshops.logins.models import Language, LetterKind

ENGLISH, FRENCH = Language.ENGLISH.value, Language.FRENCH.value

# (kind, language): (subject, text).
OURS: Mapping[tuple[str, str], tuple[str, str]] = {
    (LetterKind.RECONNECT.value, ENGLISH): (
        "Please renew your bank connection",
        """Hello,

Your bank asks you to confirm the connection that you have set up with {lender}. It takes about \
two minutes.

Please open this page and follow its one button:
{link}

The page is meant for you alone and works until {expires}. We never ask for your password by \
mail or phone.

Kind regards
{lender}""",
    ),
    (LetterKind.RECONNECT.value, FRENCH): (
        "Veuillez renouveler votre connexion bancaire",
        """Bonjour,

Votre banque vous demande de confirmer la connexion que vous avez établie avec {lender}. Cela \
prend environ deux minutes.

Ouvrez cette page et suivez son seul bouton :
{link}

Cette page n’est destinée qu’à vous et fonctionne jusqu’au {expires}. Nous ne demandons jamais \
votre mot de passe par courriel ni par téléphone.

Cordialement,
{lender}""",
    ),
    (LetterKind.REMINDER.value, ENGLISH): (
        "A reminder: please renew your bank connection",
        """Hello,

A few days ago we asked you to confirm your bank connection with {lender}. It still waits for you, \
and takes about two minutes.

This is a new page; it works until {expires}:
{link}

If you have done so meanwhile, there is nothing left to do.

Kind regards
{lender}""",
    ),
    (LetterKind.REMINDER.value, FRENCH): (
        "Rappel : veuillez renouveler votre connexion bancaire",
        """Bonjour,

Il y a quelques jours, nous vous avons demandé de confirmer votre connexion bancaire avec \
{lender}. Elle vous attend toujours et prend environ deux minutes.

Voici une nouvelle page; elle fonctionne jusqu’au {expires} :
{link}

Si vous l’avez déjà fait, il ne reste rien à faire.

Cordialement,
{lender}""",
    ),
    (LetterKind.CONNECT.value, ENGLISH): (
        "Please connect your bank",
        """Hello,

{lender} asks you to connect your bank. It takes about three minutes.

Please open this page and follow its one button:
{link}

The page is meant for you alone and works until {expires}. We never ask for your password by \
mail or phone.

Kind regards
{lender}""",
    ),
    (LetterKind.CONNECT.value, FRENCH): (
        "Veuillez connecter votre banque",
        """Bonjour,

{lender} vous demande de connecter votre banque. Cela prend environ trois minutes.

Ouvrez cette page et suivez son seul bouton :
{link}

Cette page n’est destinée qu’à vous et fonctionne jusqu’au {expires}. Nous ne demandons jamais \
votre mot de passe par courriel ni par téléphone.

Cordialement,
{lender}""",
    ),
    (LetterKind.TEST.value, ENGLISH): (
        "A test mail",
        "This mail shows that mails of {lender} arrive. There is nothing to do.",
    ),
    (LetterKind.TEST.value, FRENCH): (
        "Un courriel d’essai",
        "Ce courriel montre que les courriels de {lender} arrivent. Il n’y a rien à faire.",
    ),
}
# The default of LENDER_NAME, and how it reads within a sentence of each language.
NAMELESS = "your lender"
YOUR_LENDER: Mapping[str, str] = {ENGLISH: NAMELESS, FRENCH: "votre prêteur"}
YOUR_BANK: Mapping[str, str] = {ENGLISH: "your bank", FRENCH: "votre banque"}
# Before the subject of a text that somebody sends to themselves.
SAMPLE: Mapping[str, str] = {ENGLISH: "[Test]", FRENCH: "[Essai]"}
MONTHS: Mapping[str, tuple[str, ...]] = {
    ENGLISH: (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    FRENCH: (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
}
