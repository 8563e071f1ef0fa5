//! One setting of a plugin, and whether the admin's value can be one.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;

use super::{help, text};
use crate::config;

/// A file may be so large, in bytes: all of it is handed to the plugin as text.
const LARGEST_FILE: u64 = 1024 * 1024;

/// One setting.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Setting {
    #[serde(deserialize_with = "text::name")]
    pub(crate) name: String,
    kind: Kind,
    #[serde(deserialize_with = "text::title")]
    pub(crate) title: String,
    #[serde(default, deserialize_with = "text::help")]
    help: String,
    default: Option<String>,
    #[serde(default, deserialize_with = "text::lines")]
    choices: BTreeSet<String>,
    #[serde(default)]
    pub(crate) required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Text,
    Secret,
    Choice,
    Flag,
    Number,
    File,
}

impl Setting {
    /// Whether its value is never shown to the plugin.
    pub(crate) fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// Its kind, as manifests spell it.
    pub(crate) fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Text => "text",
            Kind::Secret => "secret",
            Kind::Choice => "choice",
            Kind::Flag => "flag",
            Kind::Number => "number",
            Kind::File => "file",
        }
    }

    /// What the plugin gets; none where nothing is set, and for a secret. `folder` is what paths are relative to.
    ///
    /// # Errors
    ///
    /// What is wrong with the admin's value, without saying of which setting.
    pub(crate) fn text(&self, given: Option<&config::Setting>, folder: &Path) -> Result<Option<String>, String> {
        if self.is_secret() {
            return match given {
                None if self.required => Err("is missing".to_owned()),
                _ => Ok(None),
            };
        }
        let value = match given {
            Some(config::Setting::Secret(_)) => {
                return Err("is no secret; write the value itself".to_owned());
            }
            Some(config::Setting::Value(value)) => value.trim(),
            None => match &self.default {
                Some(default) => default,
                None if self.required => return Err("is missing".to_owned()),
                None => return Ok(None),
            },
        };
        match self.kind {
            _ if value.is_empty() && self.required => Err("is empty".to_owned()),
            Kind::Flag if !matches!(value, "true" | "false") => Err(format!("is `{value}`; write true or false")),
            Kind::Number if !value.parse::<f64>().is_ok_and(f64::is_finite) => {
                Err(format!("is `{value}`; write a number"))
            }
            Kind::Choice if !self.choices.contains(value) => Err(format!(
                "is `{value}`; choose one of {}",
                Vec::from_iter(self.choices.iter().map(String::as_str)).join(", ")
            )),
            Kind::File => read(&folder.join(value)).map(Some),
            _ => Ok(Some(value.to_owned())),
        }
    }

    /// What is wrong with the value that the admin gives, in a line for the admin.
    pub(super) fn fault(&self, plugin: &str, given: Option<&config::Setting>, folder: &Path) -> Option<String> {
        let wrong = self.text(given, folder).err()?;
        Some(format!("[plugin.{plugin}] settings.{} ({}) {wrong}{}", self.name, self.title, help(&self.help)))
    }
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable =
        |error: std::io::Error| format!("names the file {}, which cannot be read: {error}", path.display());
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > LARGEST_FILE {
        return Err(format!("names the file {}, which has {size} bytes; at most {LARGEST_FILE}", path.display()));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}
