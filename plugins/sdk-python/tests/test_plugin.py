import datetime
import inspect
import json
import typing
import unittest
from unittest import mock

from componentize_py_types import Err
from host import NOW_MS, Host
import wit_world.exports
from wit_world.exports import commands, routing, speech
from wit_world.imports import random as host_random
from wit_world.imports import settings as host_settings
from wit_world.imports import storage as host_storage
from wit_world.imports import types

import hookswitch_build
import hookswitch_sdk as hookswitch
from hookswitch_sdk import interfaces, sources


class Plugins(unittest.TestCase):
    def setUp(self):
        patch = mock.patch.object(interfaces, "_served", [])
        patch.start()
        self.addCleanup(patch.stop)

    def test_the_manifest_says_what_is_served_and_asks_for_the_origins_of_base_addresses(self):
        class Plugin(hookswitch.Plugin):
            about = hookswitch.Manifest(
                "acme", "Acme", "1.0.0", http=["https://a.example"], limits=hookswitch.Limits(2, 50),
                credentials=[hookswitch.Credential("crm", "base-url", "Address")],
            )

        class Lookup(hookswitch.Lookup):
            def by_number(self, number, call):
                return []

        class Journal(hookswitch.Journal):
            def write(self, entry, begun): ...

        self.assertEqual(json.loads(Plugin().manifest([])), {
            "manifest": 1, "name": "acme", "title": "Acme", "version": "1.0.0", "http": ["https://a.example", "credential:crm"],
            "serves": ["lookup.by-number", "journal.write"],
            "credentials": [{"handle": "crm", "kind": "base-url", "title": "Address", "required": True}],
            "limits": {"rate": {"per-second": 2, "burst": 50}, "concurrency": 4},
        })

    def test_a_function_that_is_not_defined_is_not_served(self):
        class Lookup(hookswitch.Lookup):
            def by_number(self, number, call):
                return []

        with self.assertRaises(Err) as caught:
            Lookup().by_email("x")
        self.assertEqual(
            caught.exception.value, types.Failure_NotConfigured("this plugin does not serve lookup.by-email")
        )

    def test_a_failure_is_raised_in_the_contracts_form_and_an_exception_says_where_it_happened(self):
        class Lookup(hookswitch.Lookup):
            def by_number(self, number, call):
                raise hookswitch.Temporary("busy", 5)

            def by_email(self, email):
                return email["nobody"]

        with self.assertRaises(Err) as caught:
            Lookup().by_number(None, None)
        self.assertEqual(caught.exception.value, types.Failure_Temporary(types.Delay(5, "busy")))
        with self.assertRaises(Err) as caught:
            Lookup().by_email("x")
        problem = caught.exception.value.value
        self.assertEqual(problem.code, "exception")
        self.assertRegex(problem.text, r"^test_plugin\.py:\d+: TypeError: ")
        self.assertRegex(problem.detail, r"^at by_email \(test_plugin\.py:\d+\)$")

    def test_what_a_result_leaves_out_is_empty_and_an_id_is_a_must(self):
        contact = hookswitch.Contact("7", last_name="Lima")
        self.assertEqual((contact.kind, contact.emails, contact.owner), ("", [], None))
        for record in (hookswitch.Contact, hookswitch.Reference, hookswitch.User):
            for wrong in ("", 7, None):
                with self.assertRaises(ValueError):
                    record(wrong)

    def test_a_reply_is_put_together_with_its_actions(self):
        class Commands(hookswitch.Commands):
            def receive(self, hook):
                actions = [hookswitch.RefreshUsers(), hookswitch.HangUp("c1"), hookswitch.DialAction("030", user="7")]
                return hookswitch.Reply(202, body={"ok": True}, actions=actions)

        reply = Commands().receive(None)
        self.assertEqual(reply.body, types.Content_Text('{"ok": true}'))
        self.assertEqual(reply.actions[:2], [commands.Action_RefreshUsers(), commands.Action_HangUp("c1")])
        self.assertEqual(reply.actions[2].value.number, "030")

    def test_every_function_of_the_contract_has_its_place(self):
        contract = {}
        for name, protocol in vars(wit_world.exports).items():
            if typing.Protocol in getattr(protocol, "__bases__", ()) and name != "Plugin":
                contract[name] = {
                    function: list(inspect.signature(getattr(protocol, function)).parameters)
                    for function in protocol.__abstractmethods__
                }
        self.assertIn("by_number", contract["Lookup"])
        here = {
            of.__name__: {
                function: list(inspect.signature(getattr(of, function)).parameters) for function in of.functions
            }
            for of in interfaces.Interface.__subclasses__()
        }
        self.assertEqual(here, contract)
        self.assertEqual({name.lower() for name in contract}, set(hookswitch_build.INTERFACES))

    def test_a_route_a_ticket_and_how_far_a_transcript_is_are_records_of_the_contract(self):
        class Tickets(hookswitch.Tickets):
            def open(self, call, contact, text):
                return hookswitch.Reference("t-1", kind="ticket")

        class Routing(hookswitch.Routing):
            def route(self, call, known):
                return hookswitch.Route("extension", "201") if known else None

        class Cards(hookswitch.Cards):
            def sync(self, call, begun, contact, visible, gone): ...

        class Speech(hookswitch.Speech):
            def start(self, file, language):
                return hookswitch.Pending("p-1", 1000)

            def poll(self, token):
                return hookswitch.Done(hookswitch.Transcript("de", [hookswitch.Turn("external", 0, 900, "Hallo")]))

        self.assertEqual(vars(Tickets().open(None, None, None)), vars(types.Reference("ticket", "t-1", "")))
        self.assertEqual(vars(Routing().route(None, [None])), vars(routing.Answer(None, "extension", "201", [])))
        self.assertIsNone(Routing().route(None, []))
        self.assertIsNone(Cards().sync(None, None, None, [], []))
        self.assertEqual(Speech().start(None, ""), speech.Progress_Pending(("p-1", 1000)))
        done = Speech().poll("p-1")
        self.assertIsInstance(done, speech.Progress_Done)
        turns = [types.Turn("external", 0, 900, "Hallo")]
        self.assertEqual(vars(done.value), vars(types.Transcript("de", turns, None, [])))
        self.assertEqual(
            interfaces.served(), ["tickets.open", "routing.route", "cards.sync", "speech.start", "speech.poll"]
        )

    def test_the_world_has_exactly_what_the_plugin_has_classes_for(self):
        names = hookswitch_build.exports("class Plugin(P): ...\nclass Journal(J): ...\nclass Lookup(L): ...\nclass Other: ...\n")
        self.assertEqual(names, ["plugin", "lookup", "journal"])
        self.assertRegex(hookswitch_build.world(names), r"imports@0\.1\.0;\n\n  export hookswitch:plugin/plugin@0\.1\.0;\n")


class Helpers(unittest.TestCase):
    def test_pages_are_walked_to_the_end_and_neither_for_ever_nor_in_a_circle(self):
        pages = {None: ([1, 2], "b"), "b": ([], "c"), "c": ([3], None)}
        self.assertEqual(list(hookswitch.pages(pages.get)), [1, 2, 3])
        with self.assertRaisesRegex(hookswitch.Other, "circle"):
            list(hookswitch.pages(lambda after: ([1], "b")))
        with self.assertRaisesRegex(hookswitch.Other, "more than 5"):
            list(hookswitch.pages(lambda after: ([], (after or 0) + 1), most=5))

    def test_a_later_try_looks_before_it_creates(self):
        made = []

        def create():
            made.append("4711")
            return "4711"

        def run(attempt, search):
            with Host(attempt=attempt):
                return hookswitch.search_then_create(search, create)

        self.assertEqual(run(1, lambda: self.fail("searched")), "4711")
        self.assertEqual(run(2, lambda: "4711"), "4711")
        self.assertEqual(len(made), 1)
        self.assertEqual(run(3, lambda: None), "4711")
        self.assertEqual(len(made), 2)

    def test_storage_keeps_json_and_forgets_what_it_cannot_read(self):
        kept = {}

        def get(scope, key):
            return host_storage.Entry(key, kept[key], 1) if key in kept else None

        def put(scope, key, value, expected, ttl_s):
            kept[key] = value
            return 1

        with mock.patch.multiple(host_storage, get=get, put=put):
            hookswitch.storage.plugin.set("cursor", {"page": 3})
            self.assertEqual(hookswitch.storage.plugin.get("cursor"), {"page": 3})
            kept["cursor"] = types.Content_Text("{")
            self.assertIsNone(hookswitch.storage.plugin.get("cursor"))
            self.assertIsNone(hookswitch.storage.call.get("none"))

    def test_time_and_chance_are_the_jobs(self):
        with Host(), mock.patch.object(host_random, "bytes", lambda count: b"\x55" * min(count, 1024)):
            self.assertEqual(sources.Datetime.now().isoformat(), "1994-11-06T08:49:37")
            self.assertEqual(sources.Datetime.now(datetime.timezone.utc).timestamp() * 1000, NOW_MS)
            self.assertEqual(sources.Date.today().isoformat(), "1994-11-06")
            self.assertEqual(sources.urandom(3000), b"\x55" * 3000)

    def test_settings(self):
        values = {"flag": "true", "days": "30", "name": "  Ana "}
        with mock.patch.object(host_settings, "get", values.get):
            self.assertTrue(hookswitch.settings.flag("flag"))
            self.assertEqual(hookswitch.settings.number("days"), 30)
            self.assertEqual(hookswitch.settings.text("name"), "Ana")
            with self.assertRaisesRegex(hookswitch.NotConfigured, "setting `none` is empty"):
                hookswitch.settings.required("none")
