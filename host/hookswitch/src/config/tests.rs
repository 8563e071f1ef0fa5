use super::*;

/// The error of `text` as an admin sees it.
fn shown(text: &str) -> String {
    let error = parse("hookswitch.toml", text).expect_err("the configuration must be refused");
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none()).with_width(100);
    let mut out = String::new();
    handler.render_report(&mut out, &error).unwrap();
    out
}

const PBX: &str = r#"
[pbx.office]
kind = "asterisk"
address = "127.0.0.1:5038"
username = "hookswitch"
secret = { env = "AMI_SECRET" }
trunks = ["PJSIP/trunk-provider"]
"#;

/// Up to the extensions.
const LINKS: &str = "[server]\nlisten = \"127.0.0.1:1\"\npublic-url = \"https://calls.example.com\"\n[dial.desk]\n\
                     key = \"k\"\nlinks.extensions = ";

#[test]
fn a_full_configuration_is_read() {
    let text = format!(
        r#"
[server]
data = "data"
region = "DE"
timezone = "Europe/Berlin"
{PBX}
[plugin.bitrix24]
component = "bitrix24.wasm"
pbx = ["office"]
allow = {{ http = ["https://acme.bitrix24.com"], network = ["10.0.0.0/8"] }}
credentials.portal = {{ kind = "base-url", file = "/run/secrets/bitrix24" }}
contacts = {{ create = "automatic", on = ["inbound"] }}
journal = {{ subject = "{{{{ call.type }}}}", when = ["inbound", "missed"] }}
settings = {{ fallback-user = 1, create-as = "lead" }}
users = {{ 201 = "7", "office:202" = "Ann@Example.com" }}
fallback-user = "1"
"#
    );
    let config = parse("x", &text).unwrap();
    assert_eq!(config.plugin["bitrix24"].settings["fallback-user"].value(), Some("1"));
    let users = &config.plugin["bitrix24"].users;
    assert_eq!(users[&Place::anywhere("201")], Who::Id("7".into()));
    assert_eq!(users[&Place::at("office", "202")], Who::Email("ann@example.com".into()));
}

#[test]
fn every_fault_shows_its_line_and_how_to_mend_it() {
    let cases = [
        ("[server]\nregoin = \"DE\"\n", vec!["hookswitch.toml:2:1", "regoin", "did you mean `region`?"]),
        ("[server]\nregion = \"Germany\"\n", vec!["2:", "`Germany` is no country", "two letters"]),
        ("[server]\ntimezone = \"Berlin\"\n", vec!["2:", "unknown time zone `Berlin`", "Europe/Berlin"]),
        ("[server]\ncall-limit = 4\n", vec!["2:", "a duration like"]),
        ("[server\n", vec!["1:8"]),
        (&PBX.replace("asterisk", "asterix"), vec!["3:8", "asterix", "asterisk"]),
        (&PBX.replace("127.0.0.1:5038", "127.0.0.1"), vec!["4:11", "host and port"]),
        (&PBX.replace("[\"PJSIP/trunk-provider\"]", "[]"), vec!["7:10", "without trunks"]),
        (&PBX.replace("{ env = \"AMI_SECRET\" }", "{ environment = \"X\" }"), vec!["environment", "`env`, `file`"]),
        (&PBX.replace("{ env = \"AMI_SECRET\" }", "7"), vec!["a text, { env"]),
        (
            &format!("{PBX}\n[plugin.x]\ncomponent = \"x.wasm\"\npbx = [\"offise\"]\n"),
            vec!["`offise`", "did you mean `office`?"],
        ),
        ("[plugin.x]\ncomponent = \"x.wasm\"\nallow.http = [\"acme.bitrix24.com\"]\n", vec!["3:", "https://"]),
        ("[plugin.x]\ncomponent = \"x.wasm\"\nallow.network = [\"10.0.0.0/99\"]\n", vec!["3:", "10.0.0.0/99"]),
        ("[plugin.x]\ncomponent = \"x.wasm\"\njournal.subject = \"{{ call.nmae }}\"\n", vec!["3:", "call.name"]),
        (
            "[plugin.x]\ncomponent = \"x.wasm\"\ncredentials.portal = { kind = \"base-url\" }\n",
            vec!["exactly one source"],
        ),
        ("[plugin.x]\ncomponent = \"x.wasm\"\nphonebook.keep = 30\n", vec!["3:", "a duration like"]),
        ("[plugin.x]\ncomponent = \"x.wasm\"\nphonebook.mask = \"stars\"\n", vec!["3:", "`stars`", "initials"]),
        ("[plugin.x]\ncomponent = \"x.wasm\"\nphonebook.always = true\n", vec!["3:", "always-query"]),
        ("[plugin.x]\ncomponent = \"x.wasm\"\nusers = { 201 = \"\" }\n", vec!["3:", "e-mail address"]),
        ("[plugin.x]\ncomponent = \"x.wasm\"\nusers = { \"office:\" = \"7\" }\n", vec!["3:", "office:201"]),
        (
            &format!("{PBX}\n[plugin.x]\ncomponent = \"x.wasm\"\nusers = {{ \"offise:201\" = \"7\" }}\n"),
            vec!["`offise`", "did you mean \"office:201\"?"],
        ),
        ("[dial.desk]\nkey = \"k\"\nlinks = { extensions = [\"201\"] }\n", vec!["3:", "public-url"]),
        (&format!("{LINKS}[]\n"), vec!["6:", "no extension", "extensions = [\"201\""]),
        (&format!("{LINKS}[\"201\"]\nlinks.per-minute = 0\n"), vec!["7:", "no call can be made"]),
        (&format!("{LINKS}[\"201\"]\nlinks.valid-for = \"401d\"\n"), vec!["7:", "1 to 400 days"]),
        (&format!("{LINKS}[\"201\"]\nlinks.extension = \"201\"\n"), vec!["7:", "did you mean `extensions`?"]),
        ("[recordings]\nlargest = \"3GiB\"\n", vec!["2:", "so large", "2GiB"]),
        ("[plugin.\"a b\"]\ncomponent = \"x.wasm\"\n", vec!["cannot be the name"]),
    ];
    for (text, expected) in cases {
        let shown = shown(text);
        for part in expected {
            assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
        }
    }
}

#[test]
fn secrets_are_never_printed() {
    let config = parse("x", &PBX.replace("{ env = \"AMI_SECRET\" }", "\"hunter2\"")).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let plugin =
        "[plugin.x]\ncomponent = \"x.wasm\"\ncredentials.portal = { kind = \"bearer\", value = \"hunter2\" }\n";
    assert!(!format!("{:?}", parse("x", plugin).unwrap()).contains("hunter2"));
}
