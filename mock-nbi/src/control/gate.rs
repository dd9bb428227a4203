//! Who may use the control API.

use http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use std::net::IpAddr;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who may use the control API.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    token: Option<String>,
    is_at_socket: bool,
}

impl Gate {
    /// Everybody: callers in this process.
    pub(crate) fn open() -> Self {
        Self::default()
    }

    /// Those who know the token, if there is one, and who are no page of another site in a browser.
    pub(crate) fn at_socket(token: Option<String>) -> Self {
        Self { token, is_at_socket: true }
    }

    /// # Errors
    /// 401 without the token; 403 for a browser that was sent here by another site's page.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), (StatusCode, &'static str)> {
        if !self.is_at_socket {
            return Ok(());
        }
        let header = |name: HeaderName| text(&parts.headers, &name);
        let host = parts.uri.authority().map(http::uri::Authority::as_str);
        let host = host.or_else(|| header(HOST)).unwrap_or_default();
        let is_foreign = matches!(header(SEC_FETCH_SITE), Some("cross-site" | "same-site"))
            || header(ORIGIN).is_some_and(|origin| !is_origin_of(origin, host));
        if is_foreign {
            return Err((
                StatusCode::FORBIDDEN,
                "pages of other sites may not use the control API",
            ));
        }
        let Some(token) = &self.token else {
            // A name of the Internet that leads here is another site's, by DNS rebinding.
            return if is_near(host) {
                Ok(())
            } else {
                Err((
                    StatusCode::FORBIDDEN,
                    "without a token, ask for it by IP address or localhost",
                ))
            };
        };
        let given = header(AUTHORIZATION).and_then(|value| value.split_once(' '));
        let is_right = given.is_some_and(|(scheme, given)| {
            scheme.eq_ignore_ascii_case("bearer") && is_equal(given.trim(), token)
        });
        if is_right {
            Ok(())
        } else {
            Err((
                StatusCode::UNAUTHORIZED,
                "the control API wants its token: Authorization: Bearer",
            ))
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn is_origin_of(origin: &str, host: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host))
}

/// Whether `host` is an address, `localhost`, or a name of a private network.
fn is_near(host: &str) -> bool {
    let uri = Uri::builder().scheme("http").authority(host).path_and_query("/").build();
    let Ok(uri) = uri else {
        return host.is_empty();
    };
    let name = uri.host().unwrap_or_default();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok() || !name.contains('.') || name.ends_with(".localhost")
}

/// Compares in a time that tells nothing of where two texts differ.
fn is_equal(one: &str, two: &str) -> bool {
    let differs = one.bytes().zip(two.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b));
    one.len() == two.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(gate: &Gate, headers: &[(&str, &str)]) -> u16 {
        let mut request = http::Request::post("/_mock/reset");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        gate.check(&parts).map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn only_those_with_the_token_and_no_other_sites_pages_come_in() {
        let host = ("Host", "127.0.0.1:9999");
        let open = Gate::at_socket(None);
        assert_eq!(status(&open, &[host]), 200);
        assert_eq!(status(&open, &[("Host", "[::1]:9999")]), 200);
        assert_eq!(status(&open, &[("Host", "osm:9999")]), 200);
        assert_eq!(status(&open, &[("Host", "rebound.example.com:9999")]), 403);
        assert_eq!(status(&open, &[host, ("Origin", "http://evil.example")]), 403);
        assert_eq!(status(&open, &[host, ("Origin", "null")]), 403);
        assert_eq!(status(&open, &[host, ("Origin", "http://127.0.0.1:9999")]), 200);
        assert_eq!(status(&open, &[host, ("Sec-Fetch-Site", "cross-site")]), 403);
        let shut = Gate::at_socket(Some("secret".into()));
        assert_eq!(status(&shut, &[host]), 401);
        assert_eq!(status(&shut, &[host, ("Authorization", "Bearer secre")]), 401);
        assert_eq!(status(&shut, &[host, ("Authorization", "bearer secret")]), 200);
        assert_eq!(status(&Gate::open(), &[("Origin", "http://evil.example")]), 200);
    }
}
