use crate::Route;

impl Route {
    /// Sends the caller there. `kind` says what `target` is: `extension`, `queue`, `group`, `external` …
    pub fn to(kind: &str, target: &str) -> Self {
        Self { kind: kind.into(), target: target.into(), ..Self::default() }
    }
}

/// No wish where the caller should go: a name to be shown, or tags, can be added to it.
impl Default for Route {
    fn default() -> Self {
        Self { display_name: None, kind: "default".into(), target: String::new(), tags: Vec::new() }
    }
}
