//! Events of `PriceOracle`.

use plumbline_protocol::Contract;
use plumbline_protocol::PriceOracle::PriceOracleEvents as Events;

use super::authority_updated;
use crate::book::Book;
use crate::rows::fact;

pub(super) fn fact(event: &Events, book: &mut Book<'_>) {
    let Book { rows, at, .. } = book;
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
        Events::AuthorityUpdated(e) => authority_updated(book, Contract::PriceOracle, e.authority),
    }
}
