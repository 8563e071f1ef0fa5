use std::net::IpAddr;

use bolero::check;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{FOR, Origin, PROTO, origin};
use crate::network::Network;

const PROXY: Origin = Origin { source: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), secure: false };

fn trusted() -> Vec<Network> {
    ["10.0.0.0/8", "fd00::/8"].map(|text| Network::try_from(text.to_owned()).unwrap()).to_vec()
}

fn time() -> std::time::Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    std::time::Duration::from_secs(seconds.unwrap_or(2))
}

/// Adds lines of a header that a client has made up.
fn invented(name: &HeaderName, bytes: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    headers
}

#[test]
fn what_a_client_invents_changes_nothing() {
    check!().with_test_time(time()).for_each(|bytes: &[u8]| {
        let stranger = Origin { source: "192.0.2.7".parse().unwrap(), secure: true };
        for name in [FOR, PROTO, header::FORWARDED] {
            assert_eq!(origin(stranger, &invented(&name, bytes), &trusted()), Ok(stranger));
        }
        // Behind proxies that append, as another element or as another line.
        for (name, said) in [(FOR, "192.0.2.7, 10.2.2.2"), (header::FORWARDED, "for=192.0.2.7, for=10.2.2.2")] {
            let mut lines = invented(&name, bytes);
            lines.append(&name, HeaderValue::from_static(said));
            let mut elements = invented(&name, bytes);
            if let Some(last) = elements.get_all(&name).iter().next_back().cloned() {
                let joined = [last.as_bytes(), b", ", said.as_bytes()].concat();
                elements.insert(&name, HeaderValue::from_bytes(&joined).unwrap());
            }
            for headers in [lines, elements] {
                // What cannot be read at all costs the client its own request, and nothing else.
                if let Ok(origin) = origin(PROXY, &headers, &trusted())
                    && headers.contains_key(&name)
                {
                    assert_eq!(origin.source, stranger.source, "{headers:?}");
                }
            }
        }
    });
}

#[test]
fn a_source_is_one_that_was_named_and_is_no_proxy_unless_all_are() {
    check!().with_test_time(time()).with_type::<Vec<(bool, [u8; 4])>>().for_each(|hops| {
        let addresses: Vec<_> = hops
            .iter()
            .map(|(proxy, [a, b, c, d])| IpAddr::from([if *proxy { 10 } else { *a | 128 }, *b, *c, *d]))
            .collect();
        let text = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let headers = if text.is_empty() { HeaderMap::new() } else { invented(&FOR, text.as_bytes()) };
        let expected = addresses
            .iter()
            .rev()
            .find(|address| !address.to_string().starts_with("10."))
            .or(addresses.first())
            .unwrap_or(&PROXY.source);
        assert_eq!(origin(PROXY, &headers, &trusted()).unwrap().source, *expected, "{text}");
    });
}
