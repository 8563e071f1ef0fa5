//! What the CRM may post, and how the host proves that it comes from there.

use serde::Serialize;

use super::Scheme;

/// What the CRM may post to the plugin's address, for [`Commands::receive`](crate::Commands::receive).
#[derive(Debug, Clone, Serialize)]
pub struct Hook {
    name: String,
    title: String,
    verify: Vec<Proof>,
}

/// What must hold of a post. `secret` is the handle of a credential, with whose value it is compared or checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Proof {
    /// A field of a form is the secret: "auth[application_token]".
    FormField { field: String, secret: String },
    /// A text in a JSON body is the secret; the path has dots: "auth.token".
    JsonField { path: String, secret: String },
    /// A header is the secret, with this before it: "Bearer ".
    #[serde(rename = "token")]
    Header { header: String, prefix: String, secret: String },
    /// A parameter of the query is the secret. Addresses end up in logs, so a header is better.
    #[serde(rename = "token")]
    Query { query: String, secret: String },
    /// The post is signed with the secret.
    Signature {
        scheme: Scheme,
        secret: String,
        /// Who signs, where the scheme says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Basic authentication with this user and the secret as password.
    Basic { user: String, secret: String },
    /// It comes from one of these networks: "192.0.2.0/24". A weak proof by itself.
    Source { networks: Vec<String> },
}

impl Hook {
    /// A hook that must be proven so. `name` is lower case with hyphens, and a part of the address.
    pub fn new(name: &str, title: &str, proof: Proof) -> Self {
        Self { name: name.into(), title: title.into(), verify: vec![proof] }
    }

    /// Asks for one more proof; all must hold.
    pub fn and(mut self, proof: Proof) -> Self {
        self.verify.push(proof);
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hook_is_written_in_the_words_of_the_schema() {
        let hook = Hook::new("call", "Click to call", Proof::FormField { field: "token".into(), secret: "h".into() })
            .and(Proof::Header { header: "Authorization".into(), prefix: "Token ".into(), secret: "h".into() })
            .and(Proof::Query { query: "key".into(), secret: "h".into() })
            .and(Proof::Signature { scheme: Scheme::StandardWebhooks, secret: "k".into(), id: None })
            .and(Proof::Source { networks: vec!["192.0.2.0/24".into()] });
        assert_eq!(
            serde_json::to_value(hook).unwrap(),
            json!({"name": "call", "title": "Click to call", "verify": [
                {"kind": "form-field", "field": "token", "secret": "h"},
                {"kind": "token", "header": "Authorization", "prefix": "Token ", "secret": "h"},
                {"kind": "token", "query": "key", "secret": "h"},
                {"kind": "signature", "scheme": {"kind": "standard-webhooks"}, "secret": "k"},
                {"kind": "source", "networks": ["192.0.2.0/24"]},
            ]})
        );
    }
}
