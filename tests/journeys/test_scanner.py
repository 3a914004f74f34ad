"""A scanner that opens every link of every mail before its reader does: nothing is used up by being looked at."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from tests import mailbox
from tests.api import NEW_PASSWORD, Api
from users.models import EmailToken, Event, Session, User

LINK = re.compile(r"https?://[^\s\"'<>]+")
VERIFY = 'mutation { verifyEmail(token: "TOKEN") { user { email isEmailVerified } } }'
UNDO = 'mutation { undoEmailChange(token: "TOKEN") { user { email } endedSessions } }'
RESET = f'mutation {{ resetPassword(token: "TOKEN", newPassword: "{NEW_PASSWORD}") {{ user {{ username }} }} }}'
REQUEST_RESET = 'mutation { requestPasswordReset(email: "alice@example.com") { accepted } }'
PAGES = {"/account/verify", "/account/reset", "/account/undo"}


def test_link_scanner_uses_up_no_token(api: Api) -> None:
    alice = api.new_member("alice")
    proof = scanned("alice@example.com")
    assert done(api, VERIFY, proof)["verifyEmail"]["user"] == {"email": "alice@example.com", "isEmailVerified": True}

    alice = api.sign_in_member("alice")
    change = (
        "mutation ($to: String!, $password: String!) { changeEmail(newEmail: $to, password: $password) { accepted } }"
    )
    alice(change, to="new@example.com", password=alice.password)
    proof = scanned("new@example.com")
    assert done(api, VERIFY, proof)["verifyEmail"]["user"]["email"] == "new@example.com"

    notice = scanned("alice@example.com")
    undone = done(api, UNDO, notice)["undoEmailChange"]
    assert undone == {"user": {"email": "alice@example.com"}, "endedSessions": 1}

    api(REQUEST_RESET)
    proof = scanned("alice@example.com")
    assert done(api, RESET, proof)["resetPassword"]["user"] == {"username": "alice"}
    assert "errors" not in api.sign_in_member("alice", NEW_PASSWORD)("{ me { id } }").json
    scanned("alice@example.com")


def scanned(address: str) -> mailbox.ReceivedMail:
    """The newest mail to an address, after a scanner has been at all of them."""
    for mail in mailbox.mails_to(address):
        before = everything()
        for path, parameters in visits(mail):
            for headers in ({}, {"Accept": "text/html"}):
                Client().get(path, parameters, headers=headers)
                Client().head(path, parameters, headers=headers)
        assert everything() == before, mail.subject
    return mail


def visits(mail: mailbox.ReceivedMail) -> Iterator[tuple[str, dict[str, str]]]:
    """The links of a mail as they are, and with the token where a server sees it."""
    found = {unescape(link) for link in LINK.findall(mail.text) + LINK.findall(mail.html)}
    assert found, "a mail tells how to act"
    for link in found:
        parts = urlsplit(link)
        assert (parts.netloc, parts.path in PAGES, parts.query) == ("localhost:8000", True, "")
        yield parts.path, {}
        if parts.fragment:
            token = parts.fragment.removeprefix("token=")
            yield parts.path, {"token": token}
            yield from (("/graphql", {"query": each.replace("TOKEN", token)}) for each in (VERIFY, UNDO, RESET))


def everything() -> list[Any]:
    return [list(table.objects.order_by("pk").values()) for table in (User, EmailToken, Session, Event)]


def done(api: Api, document: str, mail: mailbox.ReceivedMail) -> dict[str, Any]:
    """Do the request of the reader's own click."""
    data: dict[str, Any] = api(document.replace("TOKEN", mail.token)).data
    return data
