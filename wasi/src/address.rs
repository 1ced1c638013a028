//! Addresses, between the standard library's types and those of wasi:sockets.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use wasip2::sockets::network::{
    IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};

/// An address for wasi:sockets, and its family.
pub(crate) fn to_wasi(address: SocketAddr) -> (IpAddressFamily, IpSocketAddress) {
    match address {
        SocketAddr::V4(address) => {
            let octets = address.ip().octets().into();
            let wasi = Ipv4SocketAddress { port: address.port(), address: octets };
            (IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(wasi))
        }
        SocketAddr::V6(address) => {
            let wasi = Ipv6SocketAddress {
                port: address.port(),
                flow_info: address.flowinfo(),
                address: address.ip().segments().into(),
                scope_id: address.scope_id(),
            };
            (IpAddressFamily::Ipv6, IpSocketAddress::Ipv6(wasi))
        }
    }
}

/// An address of wasi:sockets.
pub(crate) fn from_wasi(address: IpSocketAddress) -> SocketAddr {
    match address {
        IpSocketAddress::Ipv4(wasi) => {
            let ip = Ipv4Addr::from(<[u8; 4]>::from(wasi.address));
            SocketAddrV4::new(ip, wasi.port).into()
        }
        IpSocketAddress::Ipv6(wasi) => {
            let ip = Ipv6Addr::from(<[u16; 8]>::from(wasi.address));
            SocketAddrV6::new(ip, wasi.port, wasi.flow_info, wasi.scope_id).into()
        }
    }
}
