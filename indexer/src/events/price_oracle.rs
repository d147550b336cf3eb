//! Events of `PriceOracle`.

use plumbline_protocol::Contract;
use plumbline_protocol::PriceOracle::PriceOracleEvents as Events;

use super::authority_updated;
use crate::book::Page;
use crate::rows::fact;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::PriceObserved(e) => {
            fact! { rows, at, price_observed { price: e.price, average: e.average, complete: e.complete } }
        }
        Events::FeedChanged(e) => {
            fact! { rows, at, feed_changed {
                previous: e.previous, feed: e.current, previous_max_age: e.previousMaxAge, max_age: e.maxAge,
            } }
        }
        Events::PriceOracleConfigured(e) => {
            fact! { rows, at, price_oracle_configured {
                stake_token: e.stakeToken, fee_token: e.feeToken, time_window: e.window,
            } }
        }
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::PriceOracle, e.authority),
    }
}
