//! One line per change, for logs and pipes.

use std::io::{self, Write};

use tokio_util::sync::CancellationToken;

use super::{picture, printable};
use crate::{
    clock::wall,
    door::Shared,
    world::{What, World},
};

pub(super) async fn run(shared: Shared, stop: CancellationToken) -> io::Result<()> {
    let mut changes = shared.changes();
    let mut told = 0;
    loop {
        let (lines, now_told) = {
            let world = shared.read();
            // After a reset the list is shorter: begin again.
            told = if told > world.happenings.len() { 0 } else { told };
            let fresh = &world.happenings[told..];
            let line = |what: &What, at| format!("{} {}", wall(at), printable(&describe(&world, what)));
            (fresh.iter().map(|entry| line(&entry.what, entry.at)).collect::<Vec<_>>(), world.happenings.len())
        };
        told = now_told;
        let mut out = io::stdout().lock();
        for line in lines {
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        drop(out);
        if !matches!(stop.run_until_cancelled(changes.changed()).await, Some(Ok(()))) {
            return Ok(());
        }
    }
}

fn describe(world: &World, what: &What) -> String {
    let who = |user: &u64| {
        let user = world.users.get(user);
        user.map(|user| format!("{:<4} {}", user.extension, user.display_name())).unwrap_or_default()
    };
    let caller = |id: &str| world.call(id).map(|call| picture::party(world, call)).unwrap_or_default();
    match what {
        What::Card { user, call } => format!("card   {}  {}", who(user), caller(call)),
        What::CardGone { user, call } => format!("gone   {}  {}", who(user), caller(call)),
        What::Finished { call } => {
            let entry = world.call(call).and_then(|call| picture::ended(world, call));
            entry.map(|entry| format!("call   {entry}")).unwrap_or_default()
        }
        What::Created(reference) => {
            let name = world.entity(*reference).map(|entity| entity.display_name()).unwrap_or_default();
            format!("{:<6} {} created  {name}", reference.kind.name().to_lowercase(), reference.id)
        }
        What::Recorded { call } => format!("record {}", caller(call)),
        What::Transcribed { call } => format!("text   {}", caller(call)),
        What::Commented { id } => {
            let comment = world.comments.iter().find(|comment| comment.id == *id);
            format!("note   {}", comment.map(|comment| comment.text.as_str()).unwrap_or_default())
        }
        What::Refused { method, reason } => format!("refuse {method}  {reason}"),
    }
}
