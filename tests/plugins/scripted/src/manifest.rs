//! What the plugin asks for: everything that there is, so that a test takes what it needs.

use hookswitch_sdk::Manifest;
use hookswitch_sdk::manifest::{Credential, Hmac, Hook, Place, Proof, Provider, Scheme, Setting};

pub(crate) fn manifest() -> Manifest {
    let manifest = Manifest::new("scripted", "Scripted", env!("CARGO_PKG_VERSION"))
        .serves(["lookup.by-number", "contacts.create", "journal.begin", "journal.write", "journal.update"])
        .serves(["commands.receive", "commands.finished", "lookup.by-email", "lookup.by-text"])
        .serves(["tickets.open", "tickets.update", "tickets.of-contact", "routing.route", "feed.deliver"])
        .serves(["speech.start", "speech.poll", "speech.summarise"])
        .setting(Setting::text("script", "Script", "JSON: what each function does.").default("{}"))
        .setting(Setting::secret("pin", "Pin", ""))
        .base_url("crm", "Address of the CRM", "With its secret.")
        .credential(Credential::api_key("key", "Key", "", Place::header("X-Api-Key")).optional())
        .credential(Credential::api_key("key-query", "Key", "", Place::query("api_key")).optional())
        .credential(Credential::api_key("key-form", "Key", "", Place::form("api_key")).optional())
        .credential(Credential::api_key("key-json", "Key", "", Place::json("auth.key")).optional())
        .credential(Credential::basic("basic", "User and password", "").optional())
        .credential(Credential::bearer("token", "Token", "").optional())
        .credential(Credential::oauth2("oauth", "Sign-in", "", provider()).optional())
        .credential(Credential::signature("sign", "Key of the signature", "", signature()).optional())
        .credential(Credential::signature("sign-concat", "Key of the signature", "", concatenated()).optional())
        .credential(
            Credential::signature("sign-webhook", "Key of the signature", "", Scheme::StandardWebhooks).optional(),
        )
        .credential(Credential::secret("word", "Word", "").optional())
        .storage()
        .secrets();
    hooks().into_iter().fold(manifest, Manifest::hook)
}

/// The test says in the admin's configuration where its provider is.
fn provider() -> Provider {
    Provider::new("https://provider.invalid/authorize", "https://provider.invalid/token")
}

fn signature() -> Scheme {
    Scheme::Hmac(Hmac { prefix: "sha256=".into(), ..Hmac::new("X-Signature") })
}

fn concatenated() -> Scheme {
    Scheme::ConcatSha256 { id_header: "X-Client-ID".into(), header: "X-Client-Sign".into() }
}

/// A hook for each kind of proof, by its name.
fn hooks() -> [Hook; 7] {
    let word = || "word".to_string();
    [
        Hook::new("form", "A proof of this kind", Proof::FormField { field: "auth[token]".into(), secret: word() }),
        Hook::new("json", "A proof of this kind", Proof::JsonField { path: "auth.token".into(), secret: word() }),
        Hook::new(
            "header",
            "A proof of this kind",
            Proof::Header { header: "X-Hook".into(), prefix: "Token ".into(), secret: word() },
        ),
        Hook::new("query", "A proof of this kind", Proof::Query { query: "token".into(), secret: word() }),
        Hook::new(
            "signed",
            "A proof of this kind",
            Proof::Signature { scheme: signature(), secret: "sign".into(), id: None },
        ),
        Hook::new("basic", "A proof of this kind", Proof::Basic { user: "crm".into(), secret: word() }),
        Hook::new("near", "A proof of this kind", Proof::Source { networks: vec!["127.0.0.0/8".into()] }),
    ]
}
