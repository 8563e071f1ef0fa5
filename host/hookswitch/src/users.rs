//! Who sits at which extension: the CRM's own directory, corrected by the admin's table.

use std::collections::{BTreeMap, HashMap};

use hookswitch_journal::directory::User;

/// The map of one plugin, both ways.
#[derive(Debug, Default)]
pub(crate) struct Users {
    by_extension: HashMap<String, User>,
}

impl Users {
    /// The map made of the CRM's directory and the admin's table (extension → user id), which wins.
    pub(crate) fn new(directory: Vec<User>, table: &BTreeMap<String, String>) -> Self {
        let mut by_extension = HashMap::new();
        for user in directory.iter().filter(|user| user.active) {
            for extension in &user.extensions {
                // The directory's order decides where two users share an extension; the plugin has sorted it.
                by_extension.entry(extension.clone()).or_insert_with(|| user.clone());
            }
        }
        for (extension, id) in table {
            let known = directory.iter().find(|user| user.id == *id).cloned();
            let user = known.unwrap_or_else(|| unknown(id));
            by_extension.insert(extension.clone(), user);
        }
        Self { by_extension }
    }

    /// Who sits at `extension`.
    pub(crate) fn by_extension(&self, extension: &str) -> Option<&User> {
        self.by_extension.get(extension)
    }

    /// Who was found, in a line.
    pub(crate) fn summary(&self) -> String {
        let mut extensions: Vec<_> = self.by_extension.iter().collect();
        extensions.sort_by_key(|(extension, _)| (extension.len(), extension.as_str()));
        let shown: Vec<_> =
            extensions.iter().take(20).map(|(extension, user)| format!("{extension} {}", user.name)).collect();
        let more = extensions.len().saturating_sub(shown.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{} extensions with a CRM user: {}{more}", extensions.len(), shown.join(", "))
    }

    /// Where the CRM user `id` can be reached; the shortest extension if there are several.
    pub(crate) fn extension_of(&self, id: &str) -> Option<&str> {
        let mut extensions: Vec<_> = self
            .by_extension
            .iter()
            .filter(|(_, user)| user.id == id)
            .map(|(extension, _)| extension.as_str())
            .collect();
        extensions.sort_by_key(|extension| (extension.len(), *extension));
        extensions.first().copied()
    }
}

/// A user of whom nothing but the id is known.
fn unknown(id: &str) -> User {
    User { id: id.to_owned(), name: String::new(), email: String::new(), extensions: Vec::new(), active: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, extensions: &[&str], active: bool) -> User {
        User { extensions: extensions.iter().map(|&text| text.into()).collect(), active, ..unknown(id) }
    }

    #[test]
    fn the_admins_table_wins_over_the_crms_directory() {
        let directory = vec![user("7", &["201"], true), user("9", &["202", "2020"], true), user("11", &["203"], false)];
        let users = Users::new(directory, &BTreeMap::from([("201".into(), "9".into()), ("300".into(), "55".into())]));
        let of = |extension| users.by_extension(extension).map(|user| user.id.as_str());
        assert_eq!([of("201"), of("202"), of("203"), of("300")], [Some("9"), Some("9"), None, Some("55")]);
        assert_eq!(users.extension_of("9"), Some("201"));
        assert_eq!(users.extension_of("7"), None);
    }
}
