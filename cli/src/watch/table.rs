//! A snapshot of the network as lines of text, at any width from 80 columns on.

use alloy::primitives::U256;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::screen::{dependency, drift};
use super::snapshot::{Amount, Concentration, Network, Operator, Snapshot, Uptime};

/// Every column has its place at this width; narrower terminals wrap.
pub(super) const MIN_WIDTH: usize = 80;

const ADDRESS: usize = 11;
const DOMAIN: usize = 10;
/// A wider terminal gives its room to the domain, up to this much.
const DOMAIN_MAX: usize = 32;
const BARS: [char; 7] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'];
/// Only a period without a single miss gets it.
const FULL_BAR: char = '█';
const NOT_OBSERVED: char = '·';
pub(super) const NO_VALUE: &str = "–";

/// How lines are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) width: usize,
    pub(super) color: bool,
}

#[derive(Clone, Copy)]
enum Paint {
    Bold,
    Dim,
    Red,
    Yellow,
}

impl Style {
    fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Red => "31",
            Paint::Yellow => "33",
        };
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The table; `rows` bounds the operators shown.
pub(super) fn render(snapshot: &Snapshot, style: Style, rows: usize) -> Vec<String> {
    let domain = (DOMAIN + style.width.saturating_sub(MIN_WIDTH)).min(DOMAIN_MAX);
    let mut lines = network_lines(&snapshot.network, style);
    lines.push(String::new());
    lines.push(style.paint(Paint::Bold, &header(snapshot.network.window, domain)));
    let shown = snapshot.operators.iter().take(rows);
    lines.extend(shown.map(|operator| operator_line(operator, domain, style)));
    lines.push(String::new());
    lines.extend(legend(snapshot, rows).iter().map(|line| style.paint(Paint::Dim, line)));
    lines
}

fn network_lines(network: &Network, style: Style) -> Vec<String> {
    let period = network
        .period
        .map_or_else(|| "none closed yet".to_owned(), |period| group(&period.to_string()));
    let lag = match network.lag_blocks {
        0 => "up to date".to_owned(),
        1 => "1 block behind".to_owned(),
        lag => format!("{} blocks behind", group(&lag.to_string())),
    };
    let block = group(&network.block.to_string());
    let statuses = [
        ("active", network.active),
        ("jailed", network.jailed),
        ("exiting", network.exiting),
        ("tombstoned", network.tombstoned),
    ];
    let statuses: Vec<String> = statuses
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {status}"))
        .collect();
    let mut lines = vec![
        format!(
            "{}  block {block}, {lag}; last closed period: {period}",
            style.paint(Paint::Bold, "Plumbline")
        ),
        format!(
            "{} operators ({}); uptime of the last {}: {}; slashes: {}",
            network.operators,
            if statuses.is_empty() {
                "none yet".to_owned()
            } else {
                statuses.join(", ")
            },
            network.window,
            percent(network.uptime.value, 2),
            network.slashes,
        ),
    ];
    lines.extend(network.concentration.iter().map(concentration_line));
    lines.push(dependency(network));
    lines.push(drift(network));
    lines
}

fn concentration_line(concentration: &Concentration) -> String {
    let count = |count: Option<u64>| count.map_or_else(|| NO_VALUE.to_owned(), |count| count.to_string());
    let effective = concentration
        .effective_operators
        .map_or_else(|| NO_VALUE.to_owned(), |d2| format!("{d2:.1}"));
    format!(
        "by {:<9} {effective:>5} effective operators; Nakamoto 1/3: {}, 1/2: {}, 2/3: {}",
        concentration.basis,
        count(concentration.nakamoto_third),
        count(concentration.nakamoto_half),
        count(concentration.nakamoto_two_thirds)
    )
}

fn header(window: &str, domain: usize) -> String {
    format!(
        "{:<ADDRESS$} {:<domain$} {:<6} {:>5} {:>9} {:>12} {:>6} {:>8} {:>5}",
        "OPERATOR",
        "DOMAIN",
        "STATUS",
        format!("UP {window}"),
        "95 %",
        "PERIODS",
        "TREND",
        "SLASHES",
        "STAKE"
    )
}

fn operator_line(operator: &Operator, domain: usize, style: Style) -> String {
    let status = match operator.status.as_str() {
        "exiting" => "exits",
        "tombstoned" => "banned",
        other => other,
    };
    let status = format!("{status:<6}");
    let status = match operator.status.as_str() {
        "active" => status,
        "jailed" | "tombstoned" => style.paint(Paint::Red, &status),
        _ => style.paint(Paint::Yellow, &status),
    };
    let slashes = match operator.slashes {
        0 => NO_VALUE.to_owned(),
        count => format!("{count}, {}", short_amount(&operator.slashed_stake)),
    };
    format!(
        "{:<ADDRESS$} {:<domain$} {status} {:>5} {:>9} {:>12} {:>6} {slashes:>8} {:>5}",
        short_address(&operator.operator),
        truncate(&operator.domain, domain),
        percent_short(operator.uptime.value),
        interval(operator.uptime),
        strip(&operator.periods.iter().map(|period| period.uptime).collect::<Vec<_>>()),
        operator
            .trend_points
            .map_or_else(|| NO_VALUE.to_owned(), |points| format!("{points:+.1}")),
        short_amount(&operator.stake),
    )
}

fn legend(snapshot: &Snapshot, rows: usize) -> Vec<String> {
    let symbol = snapshot.operators.first().map_or("", |operator| &operator.stake.symbol);
    let mut lines = vec![
        format!(
            "UP       % of observed slots of the last {}, and its 95 % interval",
            snapshot.network.window
        ),
        format!(
            "PERIODS  uptime of the last {} periods, oldest left; · not observed",
            snapshot.strip_periods
        ),
        format!(
            "TREND    uptime of the last {k} periods less that of the {k} before, in points",
            k = snapshot.trend_periods
        ),
        format!("SLASHES  how often, and the stake lost; STAKE  own and delegated; both in {symbol}"),
    ];
    let shown = snapshot.operators.len().min(rows);
    let all = usize::try_from(snapshot.network.operators).unwrap_or(usize::MAX);
    if shown < all {
        lines.push(format!("{shown} of {all} operators, those with most stake first"));
    }
    lines
}

/// One bar per period, scaled from 0 to 100 %.
pub(super) fn strip(uptimes: &[Option<f64>]) -> String {
    uptimes.iter().map(|uptime| uptime.map_or(NOT_OBSERVED, bar)).collect()
}

fn bar(uptime: f64) -> char {
    let steps = BARS.iter().zip(1_u8..);
    // The bar of the first step that the uptime stays below, so that nothing but 100 % looks full.
    steps
        .clone()
        .find(|(_, step)| uptime < f64::from(*step) / 7.0)
        .map_or(FULL_BAR, |(bar, _)| *bar)
}

pub(super) fn percent(ratio: Option<f64>, digits: usize) -> String {
    ratio.map_or_else(|| NO_VALUE.to_owned(), |ratio| format!("{} %", cut(ratio, digits)))
}

pub(super) fn percent_short(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NO_VALUE.to_owned(), |ratio| cut(ratio, 1))
}

pub(super) fn interval(uptime: Uptime) -> String {
    match (uptime.low, uptime.high) {
        (Some(low), Some(high)) => format!("{}–{}", cut(low, 1), cut(high, 1)),
        (Some(_) | None, _) => NO_VALUE.to_owned(),
    }
}

/// Percent, cut and not rounded, so that 99.97 % never reads as 100; a whole 100 has no decimals.
fn cut(ratio: f64, digits: usize) -> String {
    if ratio >= 1.0 {
        return "100".to_owned();
    }
    let scale = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
    format!("{:.digits$}", (ratio * 100.0 * scale + 1e-9).floor() / scale)
}

pub(super) fn short_address(address: &str) -> String {
    match (
        address.get(..6),
        address.len().checked_sub(4).and_then(|start| address.get(start..)),
    ) {
        (Some(head), Some(tail)) if address.len() > ADDRESS => format!("{head}…{tail}"),
        _ => address.to_owned(),
    }
}

pub(super) fn truncate(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Whole tokens in at most five characters, cut and not rounded; the JSON has every digit.
pub(super) fn short_amount(amount: &Amount) -> String {
    const UNITS: [(&str, u64); 4] = [("", 0), ("k", 3), ("M", 6), ("G", 9)];
    const ALMOST_NOTHING: &str = "<0.01";
    if amount.units.is_zero() {
        return "0".to_owned();
    }
    let decimals = u64::from(amount.decimals);
    for (unit, power) in UNITS {
        // A unit beyond 256 bits is more than any amount.
        let Some(one) = power_of_ten(decimals + power) else {
            return ALMOST_NOTHING.to_owned();
        };
        let whole = amount.units / one;
        if whole >= U256::from(1000) {
            continue;
        }
        // Three digits that count: 1.23k, 12.3k, 123k; a fraction that is zero is left out.
        let places = (3_u64.saturating_sub(whole.to_string().len() as u64)).min(decimals + power);
        let fraction = (amount.units % one) / power_of_ten(decimals + power - places).unwrap_or(U256::ONE);
        return match (whole.is_zero(), fraction.is_zero()) {
            (true, true) => ALMOST_NOTHING.to_owned(),
            (false, true) => format!("{whole}{unit}"),
            (_, false) => format!(
                "{whole}.{:0>width$}{unit}",
                fraction.to_string(),
                width = usize::try_from(places).unwrap_or(0)
            ),
        };
    }
    ">999G".to_owned()
}

fn power_of_ten(exponent: u64) -> Option<U256> {
    U256::from(10).checked_pow(U256::from(exponent))
}

/// Unix seconds of a time as the API writes it.
pub(super) fn unix(time: &str) -> Option<i64> {
    OffsetDateTime::parse(time, &Rfc3339)
        .ok()
        .map(OffsetDateTime::unix_timestamp)
}

/// Digits in groups of three.
pub(crate) fn group(digits: &str) -> String {
    let length = digits.len();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (length - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(units: &str, decimals: u8) -> String {
        let units = U256::from_str_radix(units, 10).unwrap();
        let symbol = String::new();
        short_amount(&Amount {
            units,
            decimals,
            symbol,
        })
    }

    #[test]
    fn amounts_are_cut_to_three_digits_and_never_rounded_up() {
        let cases = [
            ("0", 6, "0"),
            ("1", 6, "<0.01"),
            ("9999", 6, "<0.01"),
            ("10000", 6, "0.01"),
            ("999999", 6, "0.99"),
            ("1000000", 6, "1"),
            ("12345678", 6, "12.3"),
            ("999999999", 6, "999"),
            ("1239999999", 6, "1.23k"),
            ("1050000000", 6, "1.05k"),
            ("670000000000000000000", 18, "670"),
            ("1128010000000000000000", 18, "1.12k"),
            ("5", 0, "5"),
            ("1234567", 0, "1.23M"),
            ("999999999999", 0, "999G"),
            ("1000000000000", 0, ">999G"),
        ];
        for (units, decimals, expected) in cases {
            assert_eq!(amount(units, decimals), expected, "{units} with {decimals} decimals");
        }
        let largest = U256::MAX.to_string();
        assert_eq!(amount(&largest, 77), "1.15");
        assert_eq!(amount(&largest, 255), "<0.01");
    }

    #[test]
    fn only_a_period_without_a_miss_looks_full() {
        assert_eq!(
            strip(&[None, Some(0.0), Some(0.5), Some(0.999_999), Some(1.0)]),
            "·▁▄▇█"
        );
        assert_eq!(cut(0.999_99, 1), "99.9");
        assert_eq!(cut(0.958_333, 2), "95.83");
        assert_eq!(cut(1.0, 2), "100");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        for (digits, expected) in [("7", "7"), ("123", "123"), ("1234", "1,234"), ("1234567", "1,234,567")] {
            assert_eq!(group(digits), expected);
        }
    }
}
