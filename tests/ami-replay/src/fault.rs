//! Ways in which the server can misbehave while it runs.

use crate::world::{Out, World};

/// One misbehaviour, done to every client that is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// All connections vanish at once.
    Drop,
    /// The next event ends in its middle, and the connection with it.
    DropInMessage,
    /// The connection vanishes after so many more bytes.
    DropAfter(usize),
    /// A message that is no message.
    GarbageLine,
    /// A message whose only line is so many bytes long.
    LongLine(usize),
    /// A line that stops without an end; whatever comes next is glued to it.
    HalfLine,
}

pub(crate) fn cause(world: &mut World, fault: Fault) {
    for client in &mut world.clients {
        match fault {
            Fault::Drop => client.task.abort(),
            Fault::DropInMessage => client.break_next = true,
            Fault::DropAfter(bytes) => {
                let _ = client.outbox.send(Out::CloseAfter(bytes));
                if bytes == 0 {
                    client.send("");
                }
            }
            Fault::GarbageLine => client.send(b"\x00\xff\xfe\x1b[31m{\"no\" header\x7f\r\n\r\n".as_slice()),
            Fault::LongLine(bytes) => {
                let mut line = b"Event: ".to_vec();
                line.resize(bytes.max(line.len()), b'x');
                line.extend_from_slice(b"\r\n\r\n");
                client.send(line);
            }
            Fault::HalfLine => client.send("Event: Newst"),
        }
    }
    if fault == Fault::Drop {
        world.clients.clear();
    }
}
