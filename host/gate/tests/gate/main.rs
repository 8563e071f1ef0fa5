//! The gate through its public door: real sockets, real TLS, real DNS packets, on 127.0.0.0/8.

#[cfg(test)]
mod base_url;
#[cfg(test)]
mod compressed;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod enclosures;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod live_tokens;
#[cfg(test)]
mod names;
#[cfg(test)]
mod placeholders;
#[cfg(test)]
mod places;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod redirects;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod server;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod urls;
