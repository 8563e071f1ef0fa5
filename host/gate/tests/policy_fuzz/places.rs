//! Where bytes may arrive: listeners on addresses of this machine, and a name server that leads to them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::model::{SIX, four};

/// What arrived: at which address, and the bytes.
pub(crate) type Arrivals = Arc<Mutex<Vec<(SocketAddr, Vec<u8>)>>>;

/// Listens at one port of several addresses, and gives the port. Requests are answered, TLS is broken off.
pub(crate) async fn listen(arrivals: &Arrivals) -> u16 {
    let mut listeners = Vec::new();
    let port = loop {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        listeners.push(first);
        for address in [four(2), four(3), SIX] {
            listeners.extend(TcpListener::bind((address, port)).await);
        }
        if listeners.len() == 4 {
            break port;
        }
        // Somebody else has the port at one of the addresses.
        listeners.clear();
    };
    for listener in listeners {
        let arrivals = Arc::clone(arrivals);
        tokio::spawn(async move {
            let here = listener.local_addr().unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, here, Arc::clone(&arrivals)));
            }
        });
    }
    port
}

async fn serve(mut stream: TcpStream, here: SocketAddr, arrivals: Arrivals) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 32 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        bytes.extend_from_slice(&chunk[..read]);
        let tls = bytes[0] == 0x16;
        if !tls && !bytes.ends_with(b"\r\n\r\n") {
            continue;
        }
        arrivals.lock().unwrap().push((here, std::mem::take(&mut bytes)));
        if tls || stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// Who is where.
pub(crate) fn zone(name: &str) -> Vec<IpAddr> {
    match name {
        "crm.example" => vec![four(1)],
        "a.crm.example" | "a.b.crm.example" => vec![four(2)],
        "evilcrm.example" | "crm.example.evil.example" => vec![four(3)],
        "two.example" => vec![four(1), four(3)],
        "six.example" => vec![SIX],
        "both.example" => vec![four(2), SIX],
        "mapped.example" => vec!["::ffff:127.0.0.2".parse().unwrap()],
        "xn--bcher-kva.example" => vec![four(3)],
        _ => Vec::new(),
    }
}

/// Answers from the zone, as RFC 1035 has it, with no time to live.
pub(crate) async fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let _ = socket.send_to(&answer(&packet[..length]), from).await;
        }
    });
    address
}

fn answer(query: &[u8]) -> Vec<u8> {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_ascii_lowercase());
        at = end;
    }
    let kind = query[at + 2];
    let found = zone(&labels.join("."));
    let data = found.iter().filter_map(|address| match (address, kind) {
        (IpAddr::V4(four), 1) => Some(four.octets().to_vec()),
        (IpAddr::V6(six), 28) => Some(six.octets().to_vec()),
        _ => None,
    });
    let data: Vec<Vec<u8>> = data.collect();
    let code = if found.is_empty() { 3 } else { 0 };
    let mut packet = query[..2].to_vec();
    packet.extend([0x81, 0x80 | code, 0, 1, 0, data.len() as u8, 0, 0, 0, 0]);
    packet.extend(&query[12..at + 5]);
    for data in data {
        packet.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, data.len() as u8]);
        packet.extend(data);
    }
    packet
}
