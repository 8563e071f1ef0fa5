//! Why a recording could not be processed now, and perhaps can later. What is wrong with the recording itself is no
//! failure but one of its [facts](crate::Facts).

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("cannot read the recording {path}: {error}")]
    Input { path: PathBuf, error: String },
    #[error("cannot write the MP3 {path}: {error}; is there room on the disk, and may Hookswitch write there?")]
    Output { path: PathBuf, error: String },
    #[error(transparent)]
    NoEncoder(#[from] NoEncoder),
    #[error("cannot start the MP3 encoder {encoder}: {error}")]
    Encoder { encoder: PathBuf, error: String },
    #[error("the recording's path {0} is no valid UTF-8")]
    Path(PathBuf),
    #[error("cannot run the process that reads recordings: {0}")]
    Start(io::Error),
    #[error("the process that reads recordings is another program or another version of this one")]
    Foreign,
}

/// There is no program to write MP3s with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the MP3 encoder {0} is not installed, or is no program; install it (`apt install lame`), or set [recordings] \
     format = \"original\""
)]
pub struct NoEncoder(pub PathBuf);
