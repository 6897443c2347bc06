//! Who may speak with the server: the browser that opened the printed address, and in it this page
//! alone.
//!
//! A page of another site, open in the same browser, reaches this machine as well as anybody. It is
//! kept out four times over: it does not know the token and the cookie is not sent for it; the name it
//! may have bound to this address (DNS rebinding) is no name of this server; its writes come from
//! another origin; and it cannot set this page's header.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// The header that the page's writes carry, which no form and no other site's script can set.
pub const HEADER: &str = "x-nst-studio";

/// What every answer says of itself, refusals included.
const HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    ),
];

/// Why a request is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The `Host` is no name of this server.
    Host,
    /// It comes from another site's page.
    Site,
    /// A write from another origin, or from none.
    Origin,
    /// A write without this page's header.
    Header,
    /// Neither token nor cookie.
    Token,
}

impl Refusal {
    fn text(self) -> &'static str {
        match self {
            Self::Host => "This is not the address of the studio: open the one that nst printed.",
            Self::Site => "Another site's page asked for this.",
            Self::Origin => "Only the studio's own page can ask for this.",
            Self::Header => "Only the studio's own script can ask for this.",
            Self::Token => "The studio is closed to strangers: open the address that nst printed.",
        }
    }
}

/// What may pass.
#[derive(Clone)]
pub struct Guard {
    token: Arc<str>,
    cookie: Arc<str>,
    hosts: Arc<[String]>,
}

impl Guard {
    /// A guard of a server on this address, with a new token.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
        let token = format!("{:032x}", u128::from_be_bytes(bytes));
        let port = address.port();
        let mut hosts = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        if !address.ip().is_loopback() || address.is_ipv6() {
            hosts.push(address.to_string());
        }
        Ok(Self {
            token: token.into(),
            // Cookies know no ports: another studio on this machine has another name for its own.
            cookie: format!("nst-studio-{port}").into(),
            hosts: hosts.into(),
        })
    }

    /// 128 random bits in hexadecimal digits.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether a request may pass, and if not, why. The first rule that is broken counts.
    ///
    /// # Errors
    ///
    /// The rule.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Pass, Refusal> {
        let host = only(headers, header::HOST.as_str()).ok_or(Refusal::Host)?;
        if !self.knows(host) {
            return Err(Refusal::Host);
        }
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let enters = *method == Method::GET && uri.path() == "/";
        match site {
            None | Some(b"same-origin" | b"none") => {}
            // A link to the printed address may be followed from anywhere: the token decides.
            Some(_) if enters && navigates(headers) => {}
            Some(_) => return Err(Refusal::Site),
        }
        if *method != Method::GET && *method != Method::HEAD {
            let origin = only(headers, header::ORIGIN.as_str());
            if origin != Some(&*format!("http://{host}")) {
                return Err(Refusal::Origin);
            }
            if only(headers, HEADER) != Some("1") {
                return Err(Refusal::Header);
            }
        }
        if enters && let Some(token) = token_in(uri) {
            let known = self.is_token(token);
            return known.then_some(Pass::Enter).ok_or(Refusal::Token);
        }
        if self.has_cookie(headers) {
            return Ok(Pass::Known);
        }
        Err(Refusal::Token)
    }

    /// The names by which this server was to be reached. Where `--host` lets others in, any address in
    /// numbers is one: rebinding needs a name.
    fn knows(&self, host: &str) -> bool {
        let open_to_all = self
            .hosts
            .iter()
            .any(|known| known.starts_with("0.0.0.0:") || known.starts_with("[::]:"));
        let in_numbers = || {
            let port = self.hosts[0].rsplit(':').next();
            let address = host.parse::<SocketAddr>().ok();
            address.is_some_and(|address| Some(&*address.port().to_string()) == port)
        };
        self.hosts.iter().any(|known| known == host) || (open_to_all && in_numbers())
    }

    fn is_token(&self, given: &str) -> bool {
        // Of digests, so that the time it takes says nothing of the token.
        Sha256::digest(given) == Sha256::digest(&*self.token)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter();
        let pairs = cookies.filter_map(|value| value.to_str().ok());
        pairs
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| name == &*self.cookie && self.is_token(value))
    }
}

/// How a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// With the token: it gets the cookie.
    Enter,
    /// With the cookie.
    Known,
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let (first, second) = (all.next()?, all.next());
    second.is_none().then(|| first.to_str().ok()).flatten()
}

fn navigates(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| only(headers, name) == Some(value);
    is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

fn token_in(uri: &Uri) -> Option<&str> {
    let pairs = uri.query()?.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(name, value)| (name == "token").then_some(value))
}

/// Lets through what may pass, and gives every answer its headers.
pub async fn watch(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let passes = guard.check(request.method(), request.uri(), request.headers());
    let mut response = match passes {
        Ok(Pass::Known) => next.run(request).await,
        Ok(Pass::Enter) => enter(&guard),
        Err(refusal) => (StatusCode::FORBIDDEN, refusal.text()).into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Takes the token out of the address bar and puts it into a cookie.
fn enter(guard: &Guard) -> Response {
    let cookie = format!(
        "{}={}; HttpOnly; SameSite=Strict; Path=/",
        guard.cookie, guard.token
    );
    (
        StatusCode::SEE_OTHER,
        [
            (header::LOCATION, "/".to_owned()),
            (header::SET_COOKIE, cookie),
        ],
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(address: &str) -> Guard {
        Guard::new(address.parse().unwrap()).unwrap()
    }

    fn host(guard: &Guard, host: &str) -> bool {
        guard.knows(host)
    }

    #[test]
    fn only_names_of_this_machine_are_names_of_the_server() {
        let local = guard("127.0.0.1:81");
        for (name, known) in [
            ("127.0.0.1:81", true),
            ("localhost:81", true),
            ("127.0.0.1", false),
            ("127.0.0.1:82", false),
            ("evil.example:81", false),
            ("127.0.0.1.evil.example:81", false),
            ("localhost.evil.example:81", false),
            ("192.168.1.2:81", false),
            ("", false),
        ] {
            assert_eq!(host(&local, name), known, "{name}");
        }
        let open = guard("0.0.0.0:81");
        assert!(host(&open, "192.168.1.2:81") && host(&open, "[::1]:81"));
        assert!(!host(&open, "192.168.1.2:82") && !host(&open, "evil.example:81"));
        let one = guard("192.168.1.2:81");
        assert!(host(&one, "192.168.1.2:81") && !host(&one, "192.168.1.3:81"));
    }

    #[test]
    fn no_two_tokens_are_the_same_and_each_has_128_bits() {
        let (one, other) = (guard("127.0.0.1:81"), guard("127.0.0.1:81"));
        assert_ne!(one.token(), other.token());
        assert_eq!(one.token().len(), 32);
    }
}
