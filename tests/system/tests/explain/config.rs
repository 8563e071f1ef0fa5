//! Configurations of a plugin, at random.

use fastrand::Rng;
use serde_json::{Value, json};

/// Numbers that the CRM knows, and how many contacts each has.
pub const CONTACTS: [(&str, usize); 3] = [("+4940666100", 1), ("+4940666200", 3), ("+4940666300", 2)];

/// Words of templates that do not depend on when and how long.
const WORDS: [&str; 14] = [
    "{{ call.type }}",
    "{{ call.kind }}",
    "{{ call.external }}",
    "{{ call.line }}",
    "{{ call.queue }}",
    "{{ agent.name }}",
    "{{ agent.email }}",
    "{{ call.agent }}",
    "{{ contact.last_name }}",
    "{{ contact.kind }}",
    "{% if contact.id %}known{% else %}new{% endif %}",
    "{{ Call_From }} to {{ Call_To }}",
    "{{ Call_Status }} {{ Communication_Type }} {{ CallDisposition }}",
    "{{ CallType }} {{ AgentFirstName }} {{ ContactNumber }}",
];

const TYPES: [&str; 4] = ["inbound", "outbound", "missed", "not-answered"];

/// `[plugin.probe]` and its tables.
pub struct Config {
    toml: String,
    at_ring: bool,
}

impl Config {
    pub fn any(random: &mut Rng) -> Self {
        let open = any(random, &["ring", "end", "never"]);
        let mut toml = format!(
            "[plugin.probe]\nscript = \"probe.js\"\npbx = [\"webhook\"]\nsettings.contacts = '{}'\n",
            contacts(random)
        );
        toml.push_str(&format!(
            "contacts = {{ create = \"{}\", on = {}, last-name = '{}', owner = \"agent\", kind = \"lead\" }}\n",
            any(random, &["automatic", "never"]),
            some(random, &["inbound", "outbound"]),
            template(random, &WORDS[..8]),
        ));
        toml.push_str(&texts(random, "journal", ""));
        toml.push_str(&texts(random, "tickets", &format!("open = \"{open}\"\n")));
        toml.push_str(&calls(random));
        toml.push_str(&format!(
            "[plugin.probe.look-up]\nranking = {}\nkinds = {}\n",
            some(random, &["exact", "kind", "owner"]),
            some(random, &["company", "contact", "lead"]),
        ));
        Self { toml, at_ring: open == "ring" }
    }

    pub fn toml(&self) -> &str {
        &self.toml
    }

    pub fn opens_at_ring(&self) -> bool {
        self.at_ring
    }
}

fn any<'a>(random: &mut Rng, of: &[&'a str]) -> &'a str {
    of[random.usize(..of.len())]
}

/// Some of `of`, in any order, as a list.
fn some(random: &mut Rng, of: &[&str]) -> String {
    let mut chosen: Vec<_> = of.iter().filter(|_| random.u8(..4) > 0).map(|word| format!("\"{word}\"")).collect();
    random.shuffle(&mut chosen);
    format!("[{}]", chosen.join(", "))
}

fn template(random: &mut Rng, words: &[&str]) -> String {
    (0..random.usize(1..4)).map(|_| any(random, words)).collect::<Vec<_>>().join(" / ")
}

fn texts(random: &mut Rng, table: &str, more: &str) -> String {
    let mut toml = format!("[plugin.probe.{table}]\n{more}when = {}\n", some(random, &TYPES));
    toml.push_str(&format!("subject = '{}'\nbody = '{}'\n", template(random, &WORDS), template(random, &WORDS)));
    for kind in TYPES {
        if random.u8(..3) == 0 {
            toml.push_str(&format!("texts.{kind} = {{ subject = '{kind}: {}' }}\n", template(random, &WORDS)));
        }
    }
    toml
}

fn calls(random: &mut Rng) -> String {
    let mut toml = "[plugin.probe.calls]\n".to_owned();
    let lines = ["+4930*", "+493023125201", "+4989*"];
    let skip = ["+4940666100", "+49407770000?", "+1*"];
    for (key, values, seldom) in [
        ("lines", lines.as_slice(), 3),
        ("queues", &["sales", "support"], 5),
        ("extensions", &["201", "20?", "205"], 4),
        ("skip", &skip, 4),
    ] {
        if random.u8(..seldom) == 0 {
            toml.push_str(&format!("{key} = {}\n", some(random, values)));
        }
    }
    if random.u8(..4) == 0 {
        toml.push_str("shorter-than = \"5h\"\n");
    }
    if random.bool() {
        toml.push_str(&format!("unbound = \"{}\"\n", any(random, &["keep", "skip"])));
    }
    toml
}

/// The contacts of the CRM, with kinds, owners and spellings of their numbers at random.
fn contacts(random: &mut Rng) -> Value {
    let mut all = serde_json::Map::new();
    for (number, count) in CONTACTS {
        let contact = |at: usize| {
            json!({
                "id": format!("{at}"),
                "kind": any(random, &["contact", "company", "lead", "vip"]),
                "lastName": any(random, &["Lima", "Moreau", "Nagy"]),
                "owner": any(random, &["11", "12", "13"]),
                "phone": if random.bool() { number.to_owned() } else { number[6..].to_owned() },
            })
        };
        all.insert(number.to_owned(), (0..count).map(contact).collect());
    }
    Value::Object(all)
}
