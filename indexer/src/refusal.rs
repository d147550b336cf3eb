//! What an endpoint means when it refuses a range of logs: every provider says it in words of its own.

use std::time::Duration;

use crate::error::RpcFailureKind;

const TOO_MANY_REQUESTS: u16 = 429;
/// "Limit exceeded": some mean the size of the answer, others the rate of requests.
const LIMIT_EXCEEDED: i64 = -32_005;
/// A wait that a provider asks for is believed up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Words of a limit on how often one may ask.
const RATE: [&str; 14] = [
    "rate limit",
    "rate exceeded",
    "rate-limit",
    "ratelimit",
    "too many requests",
    "request limit reached",
    "request count exceeded",
    "requests per second",
    "per second capacity",
    "throughput",
    "compute units",
    "credits",
    "quota",
    "retry in",
];

/// Words of a limit on how much one may ask for.
const SIZE: [&str; 24] = [
    "block range",
    "blocks range",
    "range too",
    "range is too",
    "range limit",
    "max range",
    "ranges over",
    "limited to",
    "too many blocks",
    "response size",
    "response is too",
    "response too",
    "returned more than",
    "exceeds max results",
    "more than 10000",
    "too many logs",
    "too many results",
    "max results",
    "query timeout",
    "query exceeds",
    "reduce the range",
    "reduce your block",
    "result set",
    "range should work",
];

/// What an error is about. `data` is the error's `data` as JSON, `retry_after` a header in seconds.
pub(crate) fn kind_of(
    status: u16,
    code: i64,
    message: &str,
    data: Option<&str>,
    retry_after: Option<&str>,
) -> RpcFailureKind {
    let text = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // Size first: Alchemy and others mention plans and rates in the same breath.
    if says(&SIZE) && status != TOO_MANY_REQUESTS {
        return RpcFailureKind::TooMuch {
            blocks: hint(&text).or_else(|| data.and_then(|data| hint_in_data(&data.to_lowercase()))),
        };
    }
    if status == TOO_MANY_REQUESTS || says(&RATE) {
        let asked = retry_after.and_then(|seconds| seconds.trim().parse().ok());
        let wait = asked.or_else(|| seconds_in(&text)).map(Duration::from_secs);
        return RpcFailureKind::Busy {
            wait: wait.map(|wait| wait.min(LONGEST_WAIT)),
        };
    }
    if code == LIMIT_EXCEEDED {
        return RpcFailureKind::Limited;
    }
    if status >= 500 {
        return RpcFailureKind::Transport;
    }
    RpcFailureKind::Rejected
}

/// How many blocks the endpoint says it would take.
fn hint(text: &str) -> Option<u64> {
    suggested_range(text).or_else(|| most_blocks(text))
}

/// `[0xa, 0xb]`, or `range a-b` in decimal.
fn suggested_range(text: &str) -> Option<u64> {
    let bracketed = text.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let (from, to) = match bracketed {
        Some((range, _)) => range.split_once(',')?,
        None => text.rsplit_once("with the range ")?.1.split_once('-')?,
    };
    let digits = |text: &str| {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        quantity(&text[..end])
    };
    digits(to)?.checked_sub(digits(from)?)?.checked_add(1)
}

fn hint_in_data(data: &str) -> Option<u64> {
    let member = |name: &str| {
        let rest = data.split_once(&format!("\"{name}\":\""))?.1;
        quantity(rest.split('"').next()?)
    };
    member("to")?.checked_sub(member("from")?)?.checked_add(1)
}

fn quantity(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The last number that counts blocks: `limited to a 10,000 range`, `max is 1k blocks`, `maximum is set to 2048`.
fn most_blocks(text: &str) -> Option<u64> {
    if !text.contains("range") && !text.contains("blocks") {
        return None;
    }
    let mut found = None;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let number = &rest[start..];
        let end = number
            .find(|c: char| !c.is_ascii_digit() && c != ',')
            .unwrap_or(number.len());
        let digits: String = number[..end].chars().filter(char::is_ascii_digit).collect();
        rest = &number[end..];
        let thousands = rest
            .strip_prefix('k')
            .is_some_and(|after| !after.starts_with(char::is_alphabetic));
        let unit = rest.trim_start_matches('k').trim_start();
        let of_something_else = ["result", "log", "byte", "mb", "second", "s ", "/second"]
            .iter()
            .any(|other| unit.starts_with(other));
        if let (false, Ok(count)) = (of_something_else, digits.parse::<u64>()) {
            found = Some(if thousands { count.saturating_mul(1_000) } else { count });
        }
    }
    found.filter(|blocks| *blocks != 0)
}

/// `retry in 10s`, `try again in 10 seconds`.
fn seconds_in(text: &str) -> Option<u64> {
    let rest = text.split_once("retry in ").or_else(|| text.split_once("again in "))?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let seconds = rest[..end].parse().ok()?;
    rest[end..].trim_start().starts_with('s').then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn too_much(blocks: u64) -> RpcFailureKind {
        RpcFailureKind::TooMuch { blocks: Some(blocks) }
    }
    const HALVE: RpcFailureKind = RpcFailureKind::TooMuch { blocks: None };
    const BUSY: RpcFailureKind = RpcFailureKind::Busy { wait: None };

    #[test]
    fn limits_on_size_are_told_from_limits_on_rate_in_the_words_of_every_provider() {
        let cases = [
            // Alchemy
            (
                200,
                -32602,
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, or you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size limit, this block range should work: [0x0, 0x133]",
                too_much(0x134),
            ),
            (
                200,
                -32600,
                "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. Based on your parameters, this block range should work: [0x10, 0x19]. Upgrade to PAYG for expanded block range.",
                too_much(10),
            ),
            (
                200,
                -32000,
                "Query timeout exceeded. Consider reducing your block range.",
                HALVE,
            ),
            (
                429,
                429,
                "Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely ignore this message.",
                BUSY,
            ),
            // Infura
            (200, -32005, "query returned more than 10000 results", HALVE),
            (
                200,
                -32005,
                "query returned more than 10000 results. Try with this block range [0x33A9A3, 0x33AAF6].",
                too_much(0x154),
            ),
            (200, -32005, "daily request count exceeded, request rate limited", BUSY),
            (429, -32005, "project ID request rate exceeded", BUSY),
            // QuickNode
            (
                200,
                -32614,
                "eth_getLogs is limited to a 10,000 range",
                too_much(10_000),
            ),
            (
                413,
                -32602,
                "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range",
                too_much(10_000),
            ),
            (
                200,
                -32007,
                "100/second request limit reached - reduce calls per second or upgrade your account",
                BUSY,
            ),
            // Ankr
            (200, -32600, "block range is too wide", HALVE),
            (200, -32062, "Block range is too large", HALVE),
            // Clients and others
            (
                200,
                -32602,
                "query exceeds max results 20000, retry with the range 18000000-18000123",
                too_much(124),
            ),
            (200, -32602, "query exceeds max block range 100000", too_much(100_000)),
            (200, -32000, "exceed maximum block range: 5000", too_much(5_000)),
            (
                200,
                -32000,
                "requested too many blocks from 1 to 5000, maximum is set to 2048",
                too_much(2_048),
            ),
            (
                200,
                -32047,
                "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800",
                too_much(800),
            ),
            (
                200,
                -32000,
                "eth_getLogs range is too large, max is 1k blocks",
                too_much(1_000),
            ),
            (
                200,
                35,
                "ranges over 10000 blocks are not supported on freetier",
                too_much(10_000),
            ),
            (
                200,
                -32005,
                "eth_getLogs is limited to 0 - 10000 blocks range",
                too_much(10_000),
            ),
            (
                200,
                -32000,
                "Block range limit exceeded. See more details in the documentation",
                HALVE,
            ),
            (
                200,
                -32000,
                "response size should not greater than 10000000 bytes",
                HALVE,
            ),
            // Nothing that is known
            (200, -32005, "limit exceeded", RpcFailureKind::Limited),
            (503, 0, "<html>Service Unavailable</html>", RpcFailureKind::Transport),
            (
                200,
                -32601,
                "the method eth_getLogs does not exist",
                RpcFailureKind::Rejected,
            ),
            (200, -32000, "header not found", RpcFailureKind::Rejected),
        ];
        for (status, code, message, expected) in cases {
            assert_eq!(kind_of(status, code, message, None, None), expected, "{message}");
        }
    }

    #[test]
    fn a_range_may_stand_in_the_data_of_an_error() {
        let data = r#"{"from":"0x10","limit":10000,"to":"0x1F"}"#;
        let kind = kind_of(200, -32005, "query returned more than 10000 results", Some(data), None);
        assert_eq!(kind, too_much(16));
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_within_bounds() {
        let wait = |message, header| {
            let kind = kind_of(429, -32005, message, None, header);
            let RpcFailureKind::Busy { wait } = kind else {
                panic!("{kind:?}");
            };
            wait.map(|wait| wait.as_secs())
        };
        assert_eq!(wait("slow down", Some("7")), Some(7));
        assert_eq!(
            wait(
                "Too many requests, reason: call rate limit exhausted, retry in 10s",
                None
            ),
            Some(10)
        );
        assert_eq!(wait("slow down", Some("86400")), Some(60));
        assert_eq!(wait("slow down", Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
    }
}
