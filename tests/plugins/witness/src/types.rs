//! The same records have a type for each side.

use crate::bindings::exports::hookswitch::plugin as outer;
use crate::bindings::hookswitch::plugin as inner;

/// Field for field, in the named direction.
macro_rules! same {
    ($($from:ty => $to:path { $($field:ident),* };)+) => {$(
        impl From<$from> for $to {
            fn from(from: $from) -> Self {
                Self { $($field: from.$field.into()),* }
            }
        }
    )+};
}

same! {
    outer::journal::Entry => inner::journal::Entry { call, contacts, text, notes, links, ticket };
    outer::commands::Hook => inner::commands::Hook { name, method, query, headers, form, body, proven };
    outer::commands::Dial => inner::commands::Dial { user, extension, number, line, crm_call, extra };
    inner::commands::Dial => outer::commands::Dial { user, extension, number, line, crm_call, extra };
    inner::lookup::Page => outer::lookup::Page { contacts, next };
    inner::directory::User => outer::directory::User { id, name, email, extensions, active, extra };
}

impl From<inner::directory::Page> for outer::directory::Page {
    fn from(page: inner::directory::Page) -> Self {
        Self { users: page.users.into_iter().map(Into::into).collect(), next: page.next }
    }
}

impl From<inner::commands::Reply> for outer::commands::Reply {
    fn from(reply: inner::commands::Reply) -> Self {
        let actions = reply.actions.into_iter().map(Into::into).collect();
        Self { status: reply.status, headers: reply.headers, body: reply.body, actions }
    }
}

impl From<inner::commands::Action> for outer::commands::Action {
    fn from(action: inner::commands::Action) -> Self {
        match action {
            inner::commands::Action::Dial(dial) => Self::Dial(dial.into()),
            inner::commands::Action::HangUp(call) => Self::HangUp(call),
            inner::commands::Action::RefreshUsers => Self::RefreshUsers,
            inner::commands::Action::Other(other) => Self::Other(other),
        }
    }
}
