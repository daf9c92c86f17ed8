//! Where the dashboard is.

use std::{
    fmt,
    io::{self, ErrorKind},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    str::FromStr,
    time::Duration,
};

/// How long one of a name's addresses may take to answer.
const CONNECT: Duration = Duration::from_secs(3);

/// A host and a port, as they were given: the dashboard checks the `Host` that it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// Connects to the first of its addresses that answers.
    pub(crate) fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in self.0.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("https://") {
            return Err(
                "a dashboard speaks plain HTTP: give http://HOST:PORT, and reach another machine's by `ssh -L`",
            );
        }
        let text = text.strip_prefix("http://").unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let port: u16 = text.parse().map_err(|_| "a port is a number from 1 to 65535")?;
            return Ok(Self(format!("127.0.0.1:{port}")));
        }
        if text.parse::<SocketAddr>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err("give a host and a port, such as 127.0.0.1:7000");
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) {
            return Err("give a host and a port, such as 127.0.0.1:7000, localhost:7000 or [::1]:7000");
        }
        match port.parse::<u16>() {
            Ok(1..) => Ok(Self(text.to_owned())),
            _ => Err("a port is a number from 1 to 65535"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_the_program_prints() {
        for (given, meant) in [
            ("127.0.0.1:7000", "127.0.0.1:7000"),
            ("http://127.0.0.1:7000/", "127.0.0.1:7000"),
            ("http://localhost:7000", "localhost:7000"),
            ("[::1]:7000", "[::1]:7000"),
            ("7000", "127.0.0.1:7000"),
        ] {
            assert_eq!(given.parse(), Ok(Address(meant.to_owned())), "{given}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_give() {
        for given in [
            "",
            ":7000",
            "localhost",
            "localhost:",
            "localhost:0",
            "localhost:99999",
            "99999",
            "::1:7000",
            "a b:1",
            "h\r\nX: y:1",
            "https://localhost:7000",
            "http://host:7000/path",
        ] {
            let error = given.parse::<Address>().expect_err(given);
            assert!(
                error.contains("7000") || error.contains("65535") || error.contains("HOST:PORT"),
                "{error}"
            );
        }
    }
}
