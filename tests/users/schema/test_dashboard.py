"""The dashboard, as a query and as a mutation."""

from tests.api import Api

POST = "mutation ($text: String!) { dashboard(text: $text) { message user { username } } }"


def test_the_dashboard_greets_its_user(api: Api) -> None:
    assert api.new_member("alice")("{ dashboard { message user { username } } }").data == {
        "dashboard": {"message": "Hey alice, you are seeing your dashboard.", "user": {"username": "alice"}}
    }


def test_a_post_comes_back_in_the_greeting(api: Api) -> None:
    alice = api.new_member("alice")
    assert alice(POST, text="<b>hello</b> {text}").data == {
        "dashboard": {"message": "Hey alice, your text is <b>hello</b> {text}", "user": {"username": "alice"}}
    }


def test_a_post_without_a_text_does_not_fit(api: Api) -> None:
    assert api.new_member("alice")("mutation { dashboard { message } }").code == "GRAPHQL_VALIDATION_FAILED"


def test_a_stranger_sees_no_dashboard(api: Api) -> None:
    for document in ("{ dashboard { message } }", 'mutation { dashboard(text: "a") { message } }'):
        answer = api(document)
        assert (answer.code, answer.json["data"]) == ("UNAUTHENTICATED", {"dashboard": None})
