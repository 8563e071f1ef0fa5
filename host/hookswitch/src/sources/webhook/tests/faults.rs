//! Descriptions that cannot be: the admin sees the line, and what is wrong with it.

use crate::config;

/// The error of `text` as an admin sees it.
fn shown(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hookswitch.toml");
    std::fs::write(&path, text).unwrap();
    let error = config::load(&path).err().unwrap_or_else(|| panic!("this must be refused:\n{text}"));
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none()).with_width(160);
    let mut out = String::new();
    handler.render_report(&mut out, &error).unwrap();
    out
}

/// Eleven lines, of which the last is replaced.
const WHOLE: &str = r#"[pbx.x]
kind = "webhook"
secrets.word = { env = "WORD" }
proof = [{ kind = "token", header = "X-Word", secret = "word" }]
call = "id"
time = "unix"

[[pbx.x.event]]
when = { kind = "ring" }
ringing = { extension = "ext" }
"#;

#[test]
fn every_fault_in_a_description_shows_its_line() {
    let with = |from: &str, to: &str| {
        assert!(WHOLE.contains(from), "{from}");
        WHOLE.replacen(from, to, 1)
    };
    let event = |line: &str| format!("{WHOLE}{line}\n");
    let cases = [
        (with("call =", "cal ="), 5, "did you mean `call`?"),
        (with("\"id\"", "\"a..b\""), 5, "`a..b` is no place in a message: a key is missing"),
        (with("\"id\"", "\"\""), 5, "a key is missing"),
        (with("\"id\"", "\"a.\\\"b\""), 5, "a quotation mark is not closed"),
        (with("\"id\"", "\"header:a b\""), 5, "there can be no such header"),
        (with("\"id\"", "\"query:\""), 5, "a name is missing behind the colon"),
        (with("\"id\"", &format!("\"{}\"", ["a"; 17].join("."))), 5, "deeper than 16"),
        (with("\"id\"", &format!("\"{}\"", "a".repeat(201))), 5, "longer than 200"),
        (with("\"id\"", "[]"), 5, "a list of no places"),
        (with("\"id\"", "7"), 5, "a place like"),
        (with("\"id\"", "{ in = \"a\", is = \"b\" }"), 5, "either `in`"),
        (with("\"id\"", "{ in = \"a\", else = \"b\" }"), 5, "`else` belongs to a `map`"),
        (with("\"id\"", "{ in = \"a\", form = \"b\" }"), 5, "unknown field `form`"),
        (with("\"unix\"", "\"unxi\""), 6, "no way to write times"),
        (with("\"unix\"", "\"%H:%M\""), 6, "it must say date and time"),
        (with("\"unix\"", "\"%Q\""), 6, "no time can be read"),
        (with("\"unix\"", "{ zone = \"Moscow\" }"), 6, "unknown time zone `Moscow`"),
        (with("time = \"unix\"", "body = \"xml\""), 6, "unknown variant `xml`"),
        (with("time = \"unix\"", "answer = { status = 404 }"), 6, "200 to 299"),
        (with("time = \"unix\"", "window = \"1s\""), 6, "clocks differ"),
        (with("{ kind = \"ring\" }", "{ from.kind = \"ring\" }"), 9, "in quotes here"),
        (with("{ kind = \"ring\" }", "{ \"a..b\" = \"ring\" }"), 9, "`a..b` is no place"),
        (with("{ kind = \"ring\" }", "{ kind = 1.5 }"), 9, "true or false"),
        (with("{ kind = \"ring\" }", "{ kind = [] }"), 9, "a list of no texts"),
        (with("ringing =", "rining ="), 10, "did you mean `ringing`?"),
        (with("extension =", "extention ="), 10, "did you mean `extension`?"),
        (with("{ extension = \"ext\" }", "{ }"), 10, "missing field `extension`"),
        (event("ringing.role = \"boss\""), 11, "boss"),
        (event("arrived = { direction = \"inwards\" }"), 11, "unknown variant `inwards`"),
        (event("arrived = { direction = { in = \"d\", map = { 1 = \"inwards\" } } }"), 11, "unknown variant `inwards`"),
        (event("answered = { at = \"t\" }"), 8, "to whom?"),
        (event("answered = { extension = \"e\", at = { ago = \"d\", format = \"unix\" } }"), 11, "or `ago`"),
        (event("noted = { notes = { \"Two Words\" = \"x\" } }"), 8, "names of notes"),
        (event("route = { within = \"2s\", json = { to = \"{target}\" } }"), 8, "`route` needs `arrived`"),
        (event("route = { within = \"1h\", json = { to = \"{target}\" } }"), 11, "between 100ms and 25s"),
        (event("route = { within = \"2s\", json = { to = \"target\" } }"), 11, "neither {target} nor {name}"),
        (event("route = { within = \"2s\" }"), 11, "either `json` or `xml`"),
        (event("signed = \"{url}\""), 11, "names nothing of the body"),
        (event("signed = \"{field:x}\""), 8, "no proof is such a signature"),
        (with("call = \"id\"", ""), 8, "event 1 tells of a call"),
        (with("proof = [{ kind = \"token\", header = \"X-Word\", secret = \"word\" }]", ""), 1, "without a proof"),
        (with("secret = \"word\"", "secret = \"wort\""), 4, "there is no secret `wort`"),
        (with("secrets.word", "secrets.more = \"x\"\nsecrets.word"), 3, "no proof needs the secret `more`"),
        (with("\"token\"", "\"tokn\""), 4, "unknown variant `tokn`"),
        (
            with("\"token\", header = \"X-Word\"", "\"signature\", scheme = { kind = \"concat-sha256\" }"),
            4,
            "needs the id",
        ),
        (WHOLE.split("[[").next().unwrap().to_owned(), 1, "not what messages mean"),
    ];
    for (text, line, expected) in cases {
        let shown = shown(&text);
        assert!(shown.contains(expected), "{expected:?} is missing in\n{shown}\nof\n{text}");
        assert!(shown.contains(&format!("hookswitch.toml:{line}:")), "not line {line}:\n{shown}\nof\n{text}");
    }
}

#[test]
fn secrets_are_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hookswitch.toml");
    std::fs::write(&path, WHOLE.replace("{ env = \"WORD\" }", "\"hunter2\"")).unwrap();
    assert!(!format!("{:?}", config::load(&path).unwrap().config).contains("hunter2"));
}
