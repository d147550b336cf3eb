//! Payers: all that one has with operators, and its vouchers that were not paid in full.

use serde::Serialize;
use utoipa::ToSchema;

use super::channels::{Channel, of_payer};
use super::tokens::Tokens;
use crate::error::{Error, Problems, Result};
use crate::extract::Path;
use crate::value::{Address, Amount, TokenAmount};
use crate::view::{Answer, Envelope, Live, One, View};

/// Channels of a payer that are added up at most: as many as a large network has operators.
const MAX_CHANNELS: i64 = 2_000;
/// Channels listed with a payer; `/v1/channels?payer=` pages through all.
const MAX_LISTED: usize = 100;

/// A payer over all its channels; `escrow = deposited - settled - returned`, to the base unit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Payer {
    payer: Address,
    /// With how many operators it has, or had, something.
    channels_total: i64,
    /// False when it has more than 2,000 channels, of which only these are added up.
    complete: bool,
    deposited: TokenAmount,
    /// Paid for vouchers, protocol fees and royalties included.
    settled: TokenAmount,
    /// Given back by finished exits.
    returned: TokenAmount,
    escrow: TokenAmount,
    /// Exits under way.
    exits: i64,
    /// By the operator's address, at most 100; `/v1/channels?payer=` pages through all.
    channels: Vec<Channel>,
    /// Refunds for wrong outputs and other credits of the settlement, not collected yet.
    credit: TokenAmount,
    credit_collected: TokenAmount,
}

/// What one payer has with all operators.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/payers/{address}", operation_id = "show_payer", tag = "payers",
    params(("address" = Address, Path, description = "The payer's address"), Live),
    responses((status = 200, body = Envelope<Payer>), Problems)
)]
pub(super) async fn one(Path(payer): Path<Address>, mut view: View<One>) -> Result<Answer<Payer>> {
    let mut rows = of_payer(&mut view, payer, None, MAX_CHANNELS + 1).await?;
    if rows.is_empty() {
        return Err(Error::NotFound(format!("{payer} has no channel as of this block")));
    }
    let complete = rows.len() as i64 <= MAX_CHANNELS;
    rows.truncate(MAX_CHANNELS as usize);
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let (mut deposited, mut settled, mut returned, mut escrow) = Default::default();
    for row in &rows {
        deposited += &row.deposited;
        settled += &row.settled;
        returned += &row.returned;
        escrow += &row.escrow();
    }
    let (credit, collected) = credit(&mut view, payer).await?;
    let data = Payer {
        payer,
        channels_total: rows.len() as i64,
        complete,
        deposited: tokens.in_fees(deposited),
        settled: tokens.in_fees(settled),
        returned: tokens.in_fees(returned),
        escrow: tokens.in_fees(escrow),
        exits: rows.iter().filter(|row| row.exits()).count() as i64,
        channels: rows
            .into_iter()
            .take(MAX_LISTED)
            .map(|row| row.into_channel(&tokens))
            .collect(),
        credit: tokens.in_fees(credit),
        credit_collected: tokens.in_fees(collected),
    };
    Ok(view.answer(data))
}

/// What the settlement owes the account, and what it took.
async fn credit(view: &mut View<One>, account: Address) -> Result<(Amount, Amount)> {
    let row = sqlx::query!(
        r#"select balance as "balance: Amount", collected as "collected: Amount" from credit_account
           where class = 'fee_credit' and account = $1 and block_number <= $2 order by block_number desc limit 1"#,
        account.as_bytes(),
        view.at.block(),
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(row.map_or_else(Default::default, |row| (row.balance, row.collected)))
}
