//! What a panic says, before the instance is thrown away.

/// Has panics told in the plugin's log: the place for every admin, the message at level `debug` alone, since values of
/// the CRM may stand in it. Called at the beginning of each exported function.
pub(crate) fn tell() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        crate::log!(Error, "a panic in the plugin", at = place);
        crate::debug!("a panic in the plugin", message = panic.payload_as_str().unwrap_or_default());
    }));
}
