//! What the admin can set.

use serde::Serialize;

/// One thing that the admin can set.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    name: String,
    kind: &'static str,
    title: String,
    help: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
}

impl Setting {
    fn new(kind: &'static str, name: &str, title: &str, help: &str) -> Self {
        Self {
            name: name.into(),
            kind,
            title: title.into(),
            help: help.into(),
            default: None,
            choices: Vec::new(),
            required: false,
        }
    }

    /// A text.
    pub fn text(name: &str, title: &str, help: &str) -> Self {
        Self::new("text", name, title, help)
    }

    /// A whole number.
    pub fn number(name: &str, title: &str, help: &str) -> Self {
        Self::new("number", name, title, help)
    }

    /// On or off; off unless [`Setting::default`] says "true".
    pub fn flag(name: &str, title: &str, help: &str) -> Self {
        Self::new("flag", name, title, help).default("false")
    }

    /// One of several values, the first by default.
    pub fn choice<const N: usize>(name: &str, title: &str, help: &str, choices: [&str; N]) -> Self {
        let setting = Self { choices: choices.map(String::from).into(), ..Self::new("choice", name, title, help) };
        Self { default: setting.choices.first().cloned(), ..setting }
    }

    /// A file of the admin's; the plugin gets what is in it.
    pub fn file(name: &str, title: &str, help: &str) -> Self {
        Self::new("file", name, title, help)
    }

    /// A secret that the plugin never gets: [`secrets::placeholder`](crate::secrets::placeholder) stands for it, by the
    /// name of the setting.
    pub fn secret(name: &str, title: &str, help: &str) -> Self {
        Self::new("secret", name, title, help)
    }

    /// The value where the admin sets none.
    pub fn default(mut self, value: &str) -> Self {
        self.default = Some(value.into());
        self
    }

    /// The plugin stays inactive until the admin has set it.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
}
