//! Which requests are answered.

use std::{
    hint,
    net::{IpAddr, Ipv6Addr},
};

use axum::http::{HeaderMap, header};

use super::refusals::Refused;

/// What a request must say to be answered.
#[derive(Debug)]
pub(super) struct Guard {
    /// Names beside those of this machine, in lower case.
    pub(super) hosts: Vec<String>,
    pub(super) token: Option<String>,
}

impl Guard {
    /// Checks `Host` and `Origin`: neither a name that an attacker's DNS lets point here nor another site's page gets an answer.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let host = only(headers, header::HOST).ok_or(Refused::Host)?.to_ascii_lowercase();
        if !self.knows(name(&host)) {
            return Err(Refused::Host);
        }
        // A tunnel may lead here from another port, so the port is whatever the browser sees.
        if !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        let origin = only(headers, header::ORIGIN).ok_or(Refused::Origin)?.to_ascii_lowercase();
        let of = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if of == Some(&*host) { Ok(()) } else { Err(Refused::Origin) }
    }

    fn knows(&self, name: &str) -> bool {
        matches!(name, "localhost" | "127.0.0.1" | "[::1]") || self.hosts.iter().any(|known| known == name)
    }

    /// Checks the token, in a time that does not depend on how much of it is right.
    pub(super) fn authorize(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let token = self.token.as_ref().ok_or(Refused::Token)?;
        let given = only(headers, header::AUTHORIZATION).and_then(|given| given.strip_prefix("Bearer "));
        let given = given.ok_or(Refused::Token)?;
        if is_same(given.as_bytes(), token.as_bytes()) { Ok(()) } else { Err(Refused::Token) }
    }
}

/// An address as a `Host` names it: version 6 in brackets.
pub(super) fn host_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// A name or an address that a program answers to, as a `Host` has it.
pub(super) fn host_named(name: &str) -> String {
    let address = name.parse::<Ipv6Addr>().map(|address| host_of(address.into()));
    address.unwrap_or_else(|_| name.to_ascii_lowercase())
}

/// Whether a request's header can hold the token: visible ASCII, and spaces between.
pub(super) fn is_sendable(token: &str) -> bool {
    token.trim() == token && token.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// The header's value, if there is one and no other.
fn only(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Without the port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Compares each byte of what was given with one of the token's, whatever came before.
fn is_same(given: &[u8], token: &[u8]) -> bool {
    let mut differ = u8::from(given.len() != token.len());
    for (at, byte) in given.iter().enumerate() {
        let other = token[at % token.len()];
        differ = hint::black_box(differ | (byte ^ other));
    }
    differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(header::HeaderName, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in all {
            map.append(name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn a_request_names_this_machine_and_comes_from_its_own_page() {
        let guard = Guard { hosts: vec!["panel.lan".into()], token: None };
        let (host, origin) = (header::HOST, header::ORIGIN);
        for (given, expected) in [
            (headers(&[]), Err(Refused::Host)),
            (headers(&[(host.clone(), "127.0.0.1:80")]), Ok(())),
            (headers(&[(host.clone(), "LOCALHOST")]), Ok(())),
            (headers(&[(host.clone(), "[::1]:7878")]), Ok(())),
            (headers(&[(host.clone(), "panel.lan:7878")]), Ok(())),
            (headers(&[(host.clone(), "127.0.0.1.evil.example")]), Err(Refused::Host)),
            (headers(&[(host.clone(), "evil.example:7878")]), Err(Refused::Host)),
            (headers(&[(host.clone(), "localhost"), (host.clone(), "evil.example")]), Err(Refused::Host)),
            (headers(&[(host.clone(), "localhost:1"), (origin.clone(), "http://localhost:1")]), Ok(())),
            (
                headers(&[(host.clone(), "localhost:1"), (origin.clone(), "http://localhost:2")]),
                Err(Refused::Origin),
            ),
            (headers(&[(host.clone(), "localhost:1"), (origin.clone(), "null")]), Err(Refused::Origin)),
            (
                headers(&[(host.clone(), "localhost"), (origin.clone(), "http://evil.example")]),
                Err(Refused::Origin),
            ),
        ] {
            assert_eq!(guard.admit(&given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_token_is_right_as_a_whole() {
        let with = |token: &str| headers(&[(header::AUTHORIZATION, token)]);
        let guard = Guard { hosts: Vec::new(), token: Some("0123456789abcdef".into()) };
        assert_eq!(guard.authorize(&with("Bearer 0123456789abcdef")), Ok(()));
        for wrong in [
            "Bearer 0123456789abcdeF",
            "Bearer ",
            "Bearer 0123456789abcdef0123456789abcdef",
            "0123456789abcdef",
            "Basic 0123456789abcdef",
        ] {
            assert_eq!(guard.authorize(&with(wrong)), Err(Refused::Token), "{wrong}");
        }
        assert_eq!(guard.authorize(&headers(&[])), Err(Refused::Token));
        assert_eq!(
            Guard { token: None, ..guard }.authorize(&with("Bearer ")),
            Err(Refused::Token),
            "it only reads"
        );
    }
}
