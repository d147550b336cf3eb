//! Connection to a chain by `http`, `https`, `ws` or `wss`.

use alloy::providers::{DynProvider, Provider, ProviderBuilder};

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot use RPC URL {}: {reason}; expected http(s)://host[:port] or ws(s)://host[:port]", .url)]
pub struct ConnectError {
    url: String,
    reason: String,
}

/// Connects without fillers: nonces and fees are the caller's, because cached ones hang a sender after a reorg.
///
/// An `http` URL is not contacted before the first request.
pub async fn connect(url: &str) -> Result<DynProvider, ConnectError> {
    install_tls();
    let provider = ProviderBuilder::new()
        .disable_recommended_fillers()
        .connect(url)
        .await
        .map_err(|error| ConnectError {
            url: redact(url),
            reason: redact_all(&error.to_string()),
        })?;
    Ok(provider.erased())
}

/// Chooses the TLS implementation of this process; calling it again changes nothing.
pub fn install_tls() {
    // An error means that a provider is installed already, which is all that is asked for.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Scheme and host of an RPC URL: the rest of it often holds an API key, which must not reach logs.
pub fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "(no URL)".into();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// The text with every URL in it cut down to scheme and host, for messages of libraries that quote URLs whole.
pub fn redact_all(text: &str) -> String {
    const SEPARATOR: &str = "://";
    let ends_url = |c: char| c.is_whitespace() || matches!(c, ')' | '"' | '\'' | ',' | ';' | '>');
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(separator) = rest.find(SEPARATOR) {
        let scheme = rest[..separator]
            .trim_end_matches(|c: char| c.is_ascii_alphanumeric())
            .len();
        let end = rest[separator..]
            .find(ends_url)
            .map_or(rest.len(), |length| separator + length);
        cleaned.push_str(&rest[..scheme]);
        cleaned.push_str(&redact(&rest[scheme..end]));
        rest = &rest[end..];
    }
    cleaned.push_str(rest);
    cleaned
}
