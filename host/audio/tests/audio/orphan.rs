//! The service is killed while a recording is read: whoever worked for it ends, before the next life begins the same anew.

use std::process::{Command, Stdio};

use hookswitch_audio::Channels;

use crate::{
    bounds::{begun, ended, sleeper},
    place::{Place, command, encoded_by},
    tests, voice, wave,
};

tests!(a_parent_that_is_killed_takes_child_and_encoder_with_it);

/// The argument by which this program is told to be the service: the recording, the output and the encoder follow.
pub(crate) const PARENT: &str = "be-the-parent";

pub(crate) async fn parent(arguments: impl Iterator<Item = String>) {
    let paths: Vec<std::path::PathBuf> = arguments.map(Into::into).collect();
    let [input, output, encoder] = &paths[..] else { panic!("three paths") };
    let wanted = encoded_by(encoder, 32, Channels::Keep);
    let _ = hookswitch_audio::process(&command(), &wanted, input, output, &Default::default()).await;
}

async fn a_parent_that_is_killed_takes_child_and_encoder_with_it() {
    let place = Place::with(&wave::pcm16(8_000, 1, &voice::interleaved(8_000, 1)));
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .arg(PARENT)
        .args([place.path("recording"), place.mp3(), sleeper(&place)])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let encoder = begun(&place).await;
    parent.kill().unwrap();
    parent.wait().unwrap();
    ended(&encoder).await;
}
