//! A name server as raw bytes (RFC 1035): answers A and AAAA questions over UDP as the test says, with no time to live.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::UdpSocket;

/// Starts a server whose answers come from `zone`, asked with a name without final dot. An empty list is NXDOMAIN.
pub(crate) async fn start(zone: impl Fn(&str) -> Vec<IpAddr> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let _ = socket.send_to(&answer(&packet[..length], &zone), from).await;
        }
    });
    address
}

fn answer(query: &[u8], zone: &dyn Fn(&str) -> Vec<IpAddr>) -> Vec<u8> {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    let question = &query[12..at + 5];
    let kind = query[at + 2];
    let addresses = zone(&labels.join(".").to_ascii_lowercase());
    let records: Vec<Vec<u8>> = addresses
        .iter()
        .filter_map(|address| match (address, kind) {
            (IpAddr::V4(address), 1) => Some(address.octets().to_vec()),
            (IpAddr::V6(address), 28) => Some(address.octets().to_vec()),
            _ => None,
        })
        .collect();

    let code = if addresses.is_empty() { 3 } else { 0 };
    let mut packet = query[..2].to_vec();
    packet.extend([0x81, 0x80 | code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    packet.extend(question);
    for data in records {
        packet.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, data.len() as u8]);
        packet.extend(data);
    }
    packet
}
