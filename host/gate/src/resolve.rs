//! From a name to its addresses, once for each new connection.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use crate::limits::Limits;

/// Who is asked for the addresses of a name. In TOML: `"dns"`, `"system"`, or a list of name servers such as
/// `["192.168.7.1", "192.168.7.2:5353"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// The name servers of the system's configuration, asked directly. Answers are kept for their time to live.
    #[default]
    Dns,
    /// The system's own look-up, which also knows the hosts file, mDNS and other local sources. A hanging look-up
    /// holds a thread until the system gives up.
    System,
    /// These name servers, asked directly, whatever the system's configuration says.
    Servers(Vec<SocketAddr>),
}

/// The port of name servers (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;

impl<'de> Deserialize<'de> for Resolver {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Resolver, D::Error> {
        deserializer.deserialize_any(ResolverVisitor)
    }
}

struct ResolverVisitor;

impl<'de> Visitor<'de> for ResolverVisitor {
    type Value = Resolver;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`\"dns\"`, `\"system\"`, or a list of name servers such as `[\"192.168.7.1\"]`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Resolver, E> {
        match text {
            "dns" => Ok(Resolver::Dns),
            "system" => Ok(Resolver::System),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Resolver, A::Error> {
        let mut servers = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            let server = text.parse().or_else(|_| text.parse().map(|ip: IpAddr| SocketAddr::new(ip, DNS_PORT)));
            servers.push(server.map_err(|_| {
                de::Error::custom(format!(
                    "`{text}` is no name server; write its address, as in `192.168.7.1` or `192.168.7.1:5353`"
                ))
            })?);
        }
        if servers.is_empty() { Err(de::Error::invalid_length(0, &self)) } else { Ok(Resolver::Servers(servers)) }
    }
}

/// A resolver at work.
pub(crate) enum Lookup {
    Dns(Box<TokioResolver>),
    System,
    /// Why no name can be looked up. A plugin that calls addresses only never learns of it.
    Unusable(String),
}

impl Lookup {
    pub(crate) fn new(resolver: &Resolver, limits: &Limits) -> Lookup {
        let builder = match resolver {
            Resolver::System => return Lookup::System,
            Resolver::Dns => TokioResolver::builder_tokio(),
            Resolver::Servers(servers) => {
                let config = ResolverConfig::from_name_servers(servers.iter().map(name_server).collect());
                let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
                builder.options_mut().use_hosts_file = ResolveHosts::Never;
                Ok(builder)
            }
        };
        let resolver = builder.and_then(|mut builder| {
            let options = builder.options_mut();
            options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            // A lost packet is asked for again within the time that the caller waits.
            options.timeout = limits.dns / 3;
            options.attempts = 2;
            builder.build()
        });
        match resolver {
            Ok(resolver) => Lookup::Dns(Box::new(resolver)),
            Err(error) => Lookup::Unusable(format!(
                "the system's name servers cannot be read ({error}); set `resolver = \"system\"`"
            )),
        }
    }

    /// Gives every address of a name, in the order in which they are to be tried.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let addresses = match self {
            Lookup::Unusable(reason) => Err(reason.clone()),
            Lookup::Dns(resolver) => {
                // The dot keeps the resolver from appending local domains to a name that is complete.
                let query = if name.contains('.') { format!("{name}.") } else { name.to_owned() };
                resolver.lookup_ip(query).await.map(|found| found.iter().collect()).map_err(|e| explain(name, &e))
            }
            Lookup::System => tokio::net::lookup_host((name, 0))
                .await
                .map(|found| found.map(|address| address.ip()).collect())
                .map_err(|error| format!("`{name}` was not found: {error}")),
        };
        let mut addresses: Vec<IpAddr> = addresses?;
        addresses.iter_mut().for_each(|address| *address = address.to_canonical());
        let mut seen = HashSet::new();
        addresses.retain(|address| seen.insert(*address));
        if addresses.is_empty() { Err(format!("`{name}` has no address")) } else { Ok(addresses) }
    }
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.to_vec())
}

fn explain(name: &str, error: &NetError) -> String {
    if error.is_nx_domain() {
        format!("there is no name `{name}`; if it is known to this machine only, set `resolver = \"system\"`")
    } else if error.is_no_records_found() {
        format!("`{name}` has no address")
    } else {
        format!("the name servers gave no answer for `{name}`: {error}")
    }
}
