//! Ids in the two forms that receivers expect.

/// The id of a message (`webhook-id`): the event's own, in characters that cannot be taken for the separators of what is
/// signed.
pub(crate) fn of_message(event: &str) -> String {
    let mut id = String::with_capacity(event.len());
    for byte in event.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_/".contains(&byte) {
            id.push(char::from(byte));
        } else {
            id.push_str(&format!("~{byte:02x}"));
        }
    }
    id
}

/// The id of a call without its link, as the 3CX module writes it: `240305091500_77` (sheet C.4). `arrived` is the local
/// time of the arrival, `240305091500`. A chain of that form is the id; for all others the number behind the time is made of
/// the chain: the same each time, and another one for another call of the same second.
pub(crate) fn of_call(pbx: &str, chain: &str, arrived: &str) -> String {
    let is_own = chain.split_once('_').is_some_and(|(time, number)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        time.len() == 12 && digits(time) && digits(number)
    });
    if is_own { chain.to_owned() } else { format!("{arrived}_{}", number(&format!("{pbx}/{chain}"))) }
}

/// FNV-1a, in 31 bits: receivers may take it for a small number, as that of 3CX is.
fn number(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ (hash >> 32)) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_message_has_no_dot_and_is_not_that_of_another() {
        assert_eq!(of_message("office/1795230418.0/3"), "office/1795230418~2e0/3");
        assert_ne!(of_message("a/1.0/1"), of_message("a/1-0/1"));
        assert_ne!(of_message("a/~/1"), of_message("a/./1"));
    }

    #[test]
    fn an_id_of_a_call_has_the_form_of_the_module_and_tells_calls_of_one_second_apart() {
        assert_eq!(of_call("office", "240305091500_77", "ignored"), "240305091500_77");
        let ids: std::collections::BTreeSet<_> =
            (0..5000).map(|call| of_call("office", &format!("1795230418.{call}"), "240305091500")).collect();
        assert_eq!(ids.len(), 5000);
        for id in &ids {
            let (time, number) = id.split_once('_').unwrap();
            assert!(time == "240305091500" && number.parse::<u32>().is_ok_and(|number| number < 1 << 31), "{id}");
        }
        assert_ne!(of_call("office", "1.0", "240305091500"), of_call("shop", "1.0", "240305091500"));
    }
}
