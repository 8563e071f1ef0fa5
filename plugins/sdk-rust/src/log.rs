//! `debug!("constant message", field = value, …)` and its sisters. Values are written by `Display`.

#[doc(hidden)]
#[macro_export]
macro_rules! log {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {
        $crate::logging::log(
            $crate::logging::Level::$level,
            $message,
            &[$((stringify!($field).to_string(), $value.to_string())),*],
        )
    };
}

/// Writes a line to the log at level `debug`, the only one at which telephone numbers may appear.
#[macro_export]
macro_rules! debug { ($($line:tt)*) => { $crate::log!(Debug, $($line)*) }; }

/// Writes a line to the log at level `info`.
#[macro_export]
macro_rules! info { ($($line:tt)*) => { $crate::log!(Info, $($line)*) }; }

/// Writes a line to the log at level `warn`: something an admin should mend, though the job goes on.
#[macro_export]
macro_rules! warn { ($($line:tt)*) => { $crate::log!(Warn, $($line)*) }; }
