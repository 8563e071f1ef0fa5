//! Which addresses may be dialled. Everything that is not the public internet is closed until the admin opens it:
//! `allow.network = ["10.0.0.0/8"]`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Deserialize;

/// One entry of `allow.network`: an internal network that a plugin may reach, such as `192.168.7.0/24` or
/// `127.0.0.1`.
///
/// It lies inside one kind of internal range. So a wide network cannot open by accident what it also contains: the
/// loopback of this machine opens only by a network inside `127.0.0.0/8` or by `::1`, an address of a cloud's
/// metadata service only by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Network(IpNet);

impl Network {
    fn of(address: IpAddr) -> Network {
        Network(IpNet::from(address))
    }
}

/// Why an address is closed, and the network that would open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) kind: &'static str,
    pub(crate) opened_by: Network,
}

/// Judges one address. Gives the network that opened it, or `None` for an address of the public internet.
///
/// `address` is judged by what it reaches: an IPv6 address that carries an IPv4 address must pass as both.
pub(crate) fn judge(address: IpAddr, open: &[Network]) -> Result<Option<Network>, Closed> {
    let address = address.to_canonical();
    let opened = match range_of(address) {
        None => None,
        Some(range) => {
            let opens = |network: &&Network| network.0.contains(&address) && range.net.contains(&network.0);
            let closed = || Closed { kind: range.kind, opened_by: Network::of(address) };
            Some(*open.iter().find(opens).ok_or_else(closed)?)
        }
    };
    match carried(address) {
        Some(inner) => Ok(judge(inner.into(), open)?.or(opened)),
        None => Ok(opened),
    }
}

/// An internal or special range, from the table of `oauth2-and-http.md`, section 2.2, and the IANA special-purpose
/// address registries (RFC 6890).
struct Range {
    net: IpNet,
    kind: &'static str,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8, kind: &'static str) -> Range {
    Range { net: IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)), kind }
}

const fn v6(segments: [u16; 8], prefix: u8, kind: &'static str) -> Range {
    let [a, b, c, d, e, f, g, h] = segments;
    Range { net: IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)), kind }
}

const METADATA: &str = "the metadata service of a cloud";
const LOOPBACK: &str = "this machine itself";
const PRIVATE: &str = "a private network";
const LINK_LOCAL: &str = "a link-local network";
const SPECIAL: &str = "a network for special use";
const CARRIES_V4: &str = "an IPv6 network that leads to IPv4 addresses";
const MULTICAST: &str = "a multicast group";

/// The narrower range stands before the wider one that contains it.
const RANGES: &[Range] = &[
    v4(169, 254, 169, 254, 32, METADATA),
    v4(169, 254, 170, 2, 32, METADATA),
    v4(100, 100, 100, 200, 32, METADATA),
    v4(168, 63, 129, 16, 32, METADATA),
    v4(192, 0, 0, 192, 32, METADATA),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, METADATA),
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128, METADATA),
    v4(0, 0, 0, 0, 8, LOOPBACK),
    v4(127, 0, 0, 0, 8, LOOPBACK),
    v6([0; 8], 128, LOOPBACK),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, LOOPBACK),
    v4(10, 0, 0, 0, 8, PRIVATE),
    v4(172, 16, 0, 0, 12, PRIVATE),
    v4(192, 168, 0, 0, 16, PRIVATE),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, PRIVATE),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, PRIVATE),
    v4(100, 64, 0, 0, 10, "the network between a provider and its customers"),
    v4(169, 254, 0, 0, 16, LINK_LOCAL),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, LINK_LOCAL),
    v4(192, 0, 0, 0, 24, SPECIAL),
    v4(192, 0, 2, 0, 24, SPECIAL),
    v4(192, 88, 99, 0, 24, SPECIAL),
    v4(198, 18, 0, 0, 15, SPECIAL),
    v4(198, 51, 100, 0, 24, SPECIAL),
    v4(203, 0, 113, 0, 24, SPECIAL),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, SPECIAL),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, SPECIAL),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, SPECIAL),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, SPECIAL),
    v6([0; 8], 96, CARRIES_V4),
    v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, CARRIES_V4),
    v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, CARRIES_V4),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, CARRIES_V4),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, CARRIES_V4),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, CARRIES_V4),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, SPECIAL),
    v4(224, 0, 0, 0, 4, MULTICAST),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, MULTICAST),
    v4(240, 0, 0, 0, 4, SPECIAL),
];

fn range_of(address: IpAddr) -> Option<&'static Range> {
    RANGES.iter().find(|range| range.net.contains(&address))
}

/// The IPv4 address at which a gateway would deliver what is sent to an IPv6 address: the last 32 bits for NAT64
/// (RFC 6052), IPv4-translated and IPv4-compatible addresses, the first 32 after the prefix for 6to4 (RFC 3056), the
/// inverted last 32 for Teredo (RFC 4380).
fn carried(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let bits = address.to_bits();
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0 | 1, ..] => {
            Some(Ipv4Addr::from_bits(bits as u32))
        }
        [0x2002, ..] => Some(Ipv4Addr::from_bits((bits >> 80) as u32)),
        [0x2001, 0, ..] => Some(Ipv4Addr::from_bits(!(bits as u32))),
        _ => None,
    }
}

/// Why a text is no network that can be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    #[error("`{text}` is no network; write an address or a network such as `192.168.7.0/24`")]
    Syntax { text: String },
    #[error("`{network}` has bits after its prefix; write `{meant}`, or `{address}` for the one address")]
    HostBits { network: IpNet, meant: IpNet, address: IpAddr },
    #[error("`{0}` is IPv4 in an IPv6 spelling; write the IPv4 network")]
    Mapped(IpNet),
    #[error("`{0}` is of the public internet, which needs no opening; remove it")]
    Public(IpNet),
    #[error(
        "`{0}` is wider than any one internal network; write the networks that are meant one by one, such as `10.0.0.0/8`"
    )]
    Wide(IpNet),
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Network, InvalidNetwork> {
        let text = text.trim();
        let net = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| InvalidNetwork::Syntax { text: text.to_owned() })?;
        if matches!(net.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
            return Err(InvalidNetwork::Mapped(net));
        }
        if net != net.trunc() {
            return Err(InvalidNetwork::HostBits { network: net, meant: net.trunc(), address: net.addr() });
        }
        if RANGES.iter().any(|range| range.net.contains(&net)) {
            Ok(Network(net))
        } else if RANGES.iter().any(|range| net.contains(&range.net)) {
            Err(InvalidNetwork::Wide(net))
        } else {
            Err(InvalidNetwork::Public(net))
        }
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Network, InvalidNetwork> {
        text.parse()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opens(address: &str, networks: &[&str]) -> bool {
        let open: Vec<Network> = networks.iter().map(|text| text.parse().unwrap()).collect();
        judge(address.parse().unwrap(), &open).is_ok()
    }

    #[test]
    fn a_network_opens_the_addresses_of_its_own_kind_that_lie_in_it() {
        for (address, network) in [
            ("0.0.0.0", "0.0.0.0/32"),
            ("0.1.2.3", "0.0.0.0/8"),
            ("127.0.0.1", "127.0.0.0/8"),
            ("127.255.255.254", "127.255.255.254/32"),
            ("10.0.0.1", "10.0.0.0/8"),
            ("10.255.255.255", "10.0.0.0/8"),
            ("172.16.0.1", "172.16.0.0/12"),
            ("172.31.255.255", "172.16.0.0/12"),
            ("192.168.1.1", "192.168.1.0/24"),
            ("169.254.1.1", "169.254.0.0/16"),
            ("169.254.169.254", "169.254.169.254/32"),
            ("100.64.0.1", "100.64.0.0/10"),
            ("100.127.255.255", "100.64.0.0/10"),
            ("100.100.100.200", "100.100.100.200/32"),
            ("168.63.129.16", "168.63.129.16/32"),
            ("192.0.0.1", "192.0.0.0/24"),
            ("192.0.2.1", "192.0.2.0/24"),
            ("198.18.0.1", "198.18.0.0/15"),
            ("198.19.255.255", "198.18.0.0/15"),
            ("198.51.100.1", "198.51.100.0/24"),
            ("203.0.113.1", "203.0.113.0/24"),
            ("224.0.0.1", "224.0.0.0/4"),
            ("240.0.0.1", "240.0.0.0/4"),
            ("255.255.255.255", "255.255.255.255/32"),
            ("::", "::/128"),
            ("::1", "::1/128"),
            ("fc00::1", "fc00::/7"),
            ("fdff::1", "fd00::/8"),
            ("fd00:ec2::254", "fd00:ec2::254/128"),
            ("fe80::1", "fe80::/10"),
            ("febf::1", "fe80::/10"),
            ("fec0::1", "fec0::/10"),
            ("2001:db8::1", "2001:db8::/32"),
            ("100::1", "100::/64"),
            ("ff02::1", "ff00::/8"),
            ("::ffff:127.0.0.1", "127.0.0.0/8"),
            ("::ffff:10.0.0.1", "10.0.0.0/8"),
            ("::ffff:169.254.169.254", "169.254.169.254/32"),
        ] {
            assert!(opens(address, &[network]), "{network} opens {address}");
            assert!(!opens(address, &[]), "{address}");
        }
    }

    #[test]
    fn a_wide_network_opens_neither_this_machine_nor_a_clouds_metadata() {
        for (address, network) in [
            ("169.254.169.254", "169.254.0.0/16"),
            ("100.100.100.200", "100.64.0.0/10"),
            ("192.0.0.192", "192.0.0.0/24"),
            ("fd00:ec2::254", "fc00::/7"),
            ("::ffff:169.254.169.254", "169.254.0.0/16"),
            ("::1", "::/96"),
        ] {
            assert!(!opens(address, &[network]), "{network} does not open {address}");
        }
    }

    #[test]
    fn an_ipv6_address_that_leads_to_ipv4_must_pass_as_both() {
        for (address, carrier, inner) in [
            ("64:ff9b::10.0.0.1", "64:ff9b::/96", "10.0.0.0/8"),
            ("2002:a00:1::", "2002::/16", "10.0.0.0/8"),
            ("2001:0:1:2:3:4:f5ff:fffe", "2001::/32", "10.0.0.0/8"),
            ("::10.0.0.1", "::/96", "10.0.0.0/8"),
        ] {
            assert!(!opens(address, &[]) && !opens(address, &[carrier]) && !opens(address, &[inner]), "{address}");
            assert!(opens(address, &[carrier, inner]), "{address}");
        }
        assert!(opens("64:ff9b::8.8.8.8", &["64:ff9b::/96"]));
    }

    proptest! {
        /// The standard library's own idea of what is not public is the oracle, with nothing opened.
        #[test]
        fn what_passes_with_nothing_opened_is_public_by_the_standard_librarys_reckoning(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            if judge(address.into(), &[]).is_ok() {
                prop_assert!(!address.is_private() && !address.is_loopback() && !address.is_link_local());
                prop_assert!(!address.is_multicast() && !address.is_broadcast() && !address.is_documentation());
                prop_assert!(!address.is_unspecified() && address.octets()[0] != 0 && address.octets()[0] < 224);
            }
        }

        #[test]
        fn an_ipv4_address_is_never_more_open_in_an_ipv6_spelling(bits: u32, prefix in 0..6_usize) {
            let inner = Ipv4Addr::from_bits(bits);
            let low = u128::from(bits);
            let carrier = [
                0xffff << 32 | low,
                low,
                0x0064_ff9b_u128 << 96 | low,
                0x2002_u128 << 112 | low << 80,
                0x2001_u128 << 112 | u128::from(!bits),
                0xffff_u128 << 48 | low,
            ];
            if judge(Ipv6Addr::from_bits(carrier[prefix]).into(), &[]).is_ok() {
                prop_assert!(prefix == 0 && judge(inner.into(), &[]).is_ok());
            }
        }

        #[test]
        fn what_is_suggested_opens_the_address(bits: u128, narrow: bool) {
            // Half of the tries among the addresses that IPv4 has.
            let address = if narrow { IpAddr::from(Ipv4Addr::from_bits(bits as u32)) } else { IpAddr::from(Ipv6Addr::from_bits(bits)) };
            let mut open = Vec::new();
            while let Err(closed) = judge(address, &open) {
                prop_assert!(open.len() < 2, "{address}: {open:?} does not open it");
                open.push(closed.opened_by.to_string().parse().unwrap());
            }
        }
    }
}
