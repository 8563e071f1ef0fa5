import unittest

from host import NOW_MS, Host
from wit_world.imports import http

import hookswitch_sdk as hookswitch
from hookswitch_sdk import Client
from hookswitch_sdk.answer import wait_ms


def raised(test, call) -> hookswitch.Failure:
    with test.assertRaises(hookswitch.Failure) as caught:
        call()
    return caught.exception


class Requests(unittest.TestCase):
    def test_a_request_is_the_record_that_the_contract_wants(self):
        with Host((200, "{}")) as host:
            Client("crm", headers={"x-tenant": "7"}).post(
                "calls?a=1", query={"phone": "+49 30", "none": None}, json={"id": "ü"}, effect="idempotent"
            )
        self.assertEqual(host.requests, [http.Request(
            "POST", "calls?a=1&phone=%2B49%2030",
            [("accept", "application/json"), ("content-type", "application/json"), ("x-tenant", "7")],
            "crm", http.Body_Text('{"id": "ü"}'), http.Effect.IDEMPOTENT, None, [],
        )])

    def test_what_the_plugin_does_not_say_is_the_careful_choice(self):
        with Host(*[(200, "{}")] * 5) as host:
            crm = Client()
            for send in (crm.get, crm.post, crm.put, crm.delete, crm.patch):
                send("x")
        self.assertEqual(
            [request.effect.name for request in host.requests], ["READ", "ONCE", "IDEMPOTENT", "IDEMPOTENT", "ONCE"]
        )
        self.assertEqual(host.requests[0].body, http.Body_Empty())

    def test_a_form_is_encoded_by_the_host(self):
        with Host((200, "{}")) as host:
            Client().post("x", form={"a": 1})
        self.assertEqual(host.requests[0].body, http.Body_Form([("a", "1")]))


class Answers(unittest.TestCase):
    def failure(self, answer, effect):
        with Host(answer):
            return type(raised(self, lambda: Client().post("x", effect=effect))).__name__

    def test_a_status_becomes_the_failure_that_has_the_right_effect(self):
        for status, read, once in [
            (401, "Unauthorised", "Unauthorised"), (403, "Unauthorised", "Unauthorised"), (404, "Rejected", "Rejected"),
            (408, "Temporary", "Temporary"), (429, "Temporary", "Temporary"), (500, "Temporary", "InDoubt"),
            (502, "Temporary", "InDoubt"), (503, "Temporary", "Temporary"), (200, "Temporary", "InDoubt"),
        ]:
            for effect, expected in [("read", read), ("idempotent", read), ("once", once)]:
                with self.subTest(status=status, effect=effect):
                    self.assertEqual(self.failure((status, "<html>"), effect), expected)

    def test_a_lost_answer_is_in_doubt_only_for_a_write_that_would_happen_twice(self):
        for error, read, once in [
            (http.Error_Denied("why"), "NotConfigured", "NotConfigured"), (http.Error_NotSent("why"), "Temporary", "Temporary"),
            (http.Error_InDoubt("why"), "Temporary", "InDoubt"), (http.Error_TooLarge("why"), "Other", "InDoubt"),
            (http.Error_Unauthorised("why"), "Unauthorised", "Unauthorised"), (http.Error_Other("why"), "Other", "Other"),
        ]:
            with self.subTest(error=error):
                self.assertEqual(self.failure(error, "read"), read)
                self.assertEqual(self.failure(error, "once"), once)

    def test_nothing_is_nothing_only_where_the_crm_says_so(self):
        with Host((204, ""), (404, "no such"), (200, "")):
            self.assertIsNone(Client().get("x"))
            self.assertIsNone(Client().get("x", nothing=[404]))
            self.assertIsInstance(raised(self, lambda: Client().get("x")), hookswitch.Temporary)

    def test_the_crms_wait_is_kept_to_and_bounded(self):
        for headers, expected in [
            ({"retry-after": "120"}, 120_000), ({"retry-after": " 0 "}, 0), ({"retry-after": "86400"}, 3_600_000),
            ({"retry-after": "Sun, 06 Nov 1994 08:49:47 GMT"}, 10_000), ({"retry-after": "Sun, 06 Nov 1994 08:49:27 GMT"}, 0),
            ({"retry-after": "soon"}, None), ({}, None), ({"ratelimit-reset": "7"}, 7_000),
            ({"x-ratelimit-reset": "2000000000"}, 3_600_000),
        ]:
            with self.subTest(headers=headers):
                self.assertEqual(wait_ms(headers.get, lambda: NOW_MS), expected)
        with Host((429, "", {"retry-after": "3"})):
            self.assertEqual(raised(self, lambda: Client().get("x")).after_ms, 3000)

    def test_an_error_inside_a_200_is_the_plugins_to_understand(self):
        crm = Client(problem=lambda json: hookswitch.Rejected(json["error"], "no") if "error" in json else None)
        with Host((200, '{"error": "E7"}'), (200, '{"id": "1"}')):
            self.assertEqual(raised(self, lambda: crm.get("x")).code, "E7")
            self.assertEqual(crm.get("x"), {"id": "1"})

    def test_an_answer_that_is_not_like_the_example_is_not_understood(self):
        for body, like, why in [
            ('[{"id": "1"}, {"id": 2}]', [{"id": ""}], r"`\[1\]\.id` is not a text"),
            ("{}", {"user": {"id": 0}}, "`user` is missing"), ('{"unexpected": true}', [], "it is not a list"),
        ]:
            with self.subTest(body=body), Host((200, body)):
                self.assertRegex(raised(self, lambda: Client().get("x", like=like)).reason, why)
        with Host((200, '[{"id": "1", "more": null}]')):
            self.assertEqual(Client().get("x", like=[{"id": "", "more": None}]), [{"id": "1", "more": None}])
