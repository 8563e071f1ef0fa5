//! A network that the admin or a manifest names.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// A network such as `10.1.0.0/16`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network(IpNet);

impl Network {
    /// Says whether an address belongs to it. `::ffff:10.1.2.3` is `10.1.2.3`.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no network; write it like \"10.1.0.0/16\" or \"192.0.2.7\"")]
pub struct InvalidNetwork {
    text: String,
}

impl From<IpNet> for Network {
    fn from(network: IpNet) -> Network {
        Network(network)
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Network, InvalidNetwork> {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| text.parse()).map(Network).map_err(|_| InvalidNetwork { text })
    }
}
