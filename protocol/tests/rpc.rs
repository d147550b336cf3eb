//! RPC URLs hold API keys, which must not show in messages.

use plumbline_protocol::rpc::{connect, redact, redact_all};

#[test]
fn a_url_is_shown_as_scheme_and_host() {
    assert_eq!(
        redact("https://user:word@node.example:8545/v3/key?token=1"),
        "https://node.example:8545"
    );
    assert_eq!(redact("ws://127.0.0.1:8546"), "ws://127.0.0.1:8546");
    assert_eq!(redact("secret"), "(no URL)");
}

#[test]
fn urls_within_a_text_are_cut_down() {
    let text = "é: error for url (https://node.example/v3/key), then wss://other.example/key2 — and no more";
    let expected = "é: error for url (https://node.example), then wss://other.example — and no more";
    assert_eq!(redact_all(text), expected);
    assert_eq!(redact_all("nothing to hide"), "nothing to hide");
    assert_eq!(redact_all("“https://a.example/k”"), "“https://a.example");
}

#[tokio::test]
async fn a_failed_connection_does_not_show_the_key() {
    for url in ["wss://127.0.0.1:9/v3/api-key", "ftp://127.0.0.1/api-key", "api-key"] {
        let Err(error) = connect(url).await else {
            panic!("{url} connected");
        };
        let text = format!("{error} {error:?}");
        assert!(!text.contains("api-key"), "{text}");
    }
}
