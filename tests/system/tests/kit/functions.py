

from hookswitch_sdk import DialAction, Done, HangUp, Pending, RefreshUsers, Reply, Route, Transcript, Turn
from wit_world.imports.http import Body_Text


def put(url, text):
    crm.put(url, body=Body_Text(text))


class Tickets(hookswitch.Tickets):
    def open(self, call, contact, text):
        made = crm.post("tickets", body=Body_Text(f"{contact.id}: {text.subject}"), effect="once")
        return Reference(made["id"], "ticket")

    def update(self, ticket, call, text, notes):
        return Reference(f"{ticket.id} {call.chain}", "ticket")

    def of_contact(self, contact):
        return [Reference(contact.id, "ticket")]


class Cards(hookswitch.Cards):
    def sync(self, call, begun, contact, visible, gone):
        put("cards", f"{begun.id} {contact.id} {' '.join(visible)} not {' '.join(gone)}")


class Recordings(hookswitch.Recordings):
    def attach(self, to, file, link):
        return to

    def transcribe(self, to, file, words):
        return to


class Routing(hookswitch.Routing):
    def route(self, call, known):
        return Route("extension", known[0].id)


class Commands(hookswitch.Commands):
    def receive(self, hook):
        form = dict(hook.form)
        actions = [DialAction(form["number"], extension="201"), RefreshUsers(), HangUp(hook.proven[0])]
        return Reply(202, body=f"{form['user']} {hook.body.value}", actions=actions)

    def finished(self, dial, outcome, reason):
        put("dials", f"{dial.number} {outcome} {reason}")


class Feed(hookswitch.Feed):
    def deliver(self, events):
        put("events", "\n".join(f"{event.seq} {event.json}" for event in events))


class Speech(hookswitch.Speech):
    def start(self, file, language):
        return Pending(file.id, 1000)

    def poll(self, token):
        return Done(Transcript(turns=[Turn("external", 0, 0, token)]))

    def summarise(self, words):
        return " ".join(turn.text for turn in words.turns)
