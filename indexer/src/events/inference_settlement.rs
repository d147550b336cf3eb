//! Events of `InferenceSettlement`.

use alloy::primitives::{Address, U256};
use plumbline_protocol::Contract;
use plumbline_protocol::InferenceSettlement::{
    BatchReleased, BatchSettled, CoverageConfigured, EarningsSeized, ExitStarted, FeesSettled,
    InferenceSettlementConfigured, InferenceSettlementEvents as Events, VoucherSkipped,
};

use super::{authority_updated, name_of};
use crate::book::{Book, Page};
use crate::flow::{BURN_ADDRESS, Kind, Movement, Place, Token};
use crate::rows::{At, Rows, fact};
use crate::sql::Uint;

/// `IInferenceSettlement.SkipReason` by its number.
const SKIP_REASONS: [&str; 6] = [
    "invalid_signer",
    "stale",
    "units_decreased",
    "not_offered",
    "underfunded",
    "uncovered",
];

pub(super) fn fact(event: &Events, page: &mut Page<'_>) -> anyhow::Result<()> {
    let Page { rows, at, .. } = page;
    match event {
        Events::Deposited(e) => {
            fact! { rows, at, deposited { payer: e.payer, operator: e.operator, sender: e.from, amount: e.amount } }
        }
        Events::SignerAuthorized(e) => {
            fact! { rows, at, signer_authorized { payer: e.payer, signer: e.signer, valid_until: e.validUntil } }
        }
        Events::SignerRevoked(e) => {
            fact! { rows, at, signer_revoked { payer: e.payer, signer: e.signer, valid_until: e.validUntil } }
        }
        Events::ExitStarted(e) => {
            fact! { rows, at, exit_started { payer: e.payer, operator: e.operator, exit_at: e.exitAt } }
        }
        Events::ExitCancelled(e) => fact! { rows, at, exit_cancelled { payer: e.payer, operator: e.operator } },
        Events::ExitFinished(e) => {
            fact! { rows, at, exit_finished { payer: e.payer, operator: e.operator, amount: e.amount } }
        }
        Events::BatchSettled(e) => batch_settled(rows, at, e),
        Events::FeesSettled(e) => fees_settled(rows, at, e),
        Events::VoucherSkipped(e) => voucher_skipped(rows, at, e)?,
        Events::BatchReleased(e) => {
            fact! { rows, at, batch_released {
                operator: e.operator, batch_id: e.batchId, risk: e.risk, locked: e.locked,
            } }
        }
        Events::EarningsReleased(e) => fact! { rows, at, earnings_released { operator: e.operator, amount: e.amount } },
        Events::EarningsClaimed(e) => {
            fact! { rows, at, earnings_claimed {
                operator: e.operator, payout: e.payout, paid: e.paid, distributed: e.distributed,
            } }
        }
        Events::EarningsSeized(e) => earnings_seized(rows, at, e),
        Events::RoyaltiesClaimed(e) => {
            fact! { rows, at, royalties_claimed { publisher: e.publisher, model_id: e.modelId, amount: e.amount } }
        }
        Events::CreditCollected(e) => fact! { rows, at, credit_collected { account: e.account, amount: e.amount } },
        Events::InferenceSettlementConfigured(e) => configured(rows, at, e),
        Events::CoverageConfigured(e) => coverage_configured(rows, at, e),
        Events::Paused(e) => fact! { rows, at, paused { guardian: e.guardian, until: e.until } },
        Events::Unpaused(e) => fact! { rows, at, unpaused { guardian: e.guardian } },
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::InferenceSettlement, e.authority),
        // The signing domain is fixed; the event exists only because the interface has it.
        Events::EIP712DomainChanged(_) => {}
    }
    Ok(())
}

fn batch_settled(rows: &mut Rows, at: &At, e: &BatchSettled) {
    fact! { rows, at, batch_settled {
        operator: e.operator, batch_id: e.batchId, receipts_root: e.receiptsRoot, receipt_count: e.receiptCount,
        earned: e.earned, risk: e.risk, evidence_uri: e.evidenceURI,
    } }
}

fn fees_settled(rows: &mut Rows, at: &At, e: &FeesSettled) {
    fact! { rows, at, fees_settled {
        operator: e.operator, payer: e.payer, model_id: e.modelId, batch_id: e.batchId, units: e.units, fee: e.fee,
        protocol_fee: e.protocolFee, royalty: e.royalty,
    } }
}

fn voucher_skipped(rows: &mut Rows, at: &At, e: &VoucherSkipped) -> anyhow::Result<()> {
    let reason = name_of(&SKIP_REASONS, e.reason)
        .ok_or_else(|| at.inconsistent(format!("{} is no reason to skip a voucher", e.reason)))?;
    fact! { rows, at, voucher_skipped {
        operator: e.operator, payer: e.payer, model_id: e.modelId, batch_id: e.batchId, reason, unpaid: e.unpaid,
    } }
    Ok(())
}

fn earnings_seized(rows: &mut Rows, at: &At, e: &EarningsSeized) {
    fact! { rows, at, earnings_seized {
        operator: e.operator, beneficiary: e.beneficiary, victim: e.victim, from_claimable: e.seized.fromClaimable,
        from_locked: e.seized.fromLocked, from_undrawn: e.seized.fromUndrawn, refund: e.seized.refund,
        cut: e.seized.cut, burned: e.seized.burned, reserved: e.seized.reserved,
    } }
}

fn configured(rows: &mut Rows, at: &At, e: &InferenceSettlementConfigured) {
    fact! { rows, at, inference_settlement_configured {
        fee_token: e.feeToken, operator_registry: e.operatorRegistry, model_registry: e.modelRegistry,
        stake_vault: e.stakeVault, reserve: e.reserve, protocol_fee_bps: e.protocolFeeBps, exit_delay: e.exitDelay,
        epoch_duration: e.epochDuration,
    } }
}

fn coverage_configured(rows: &mut Rows, at: &At, e: &CoverageConfigured) {
    fact! { rows, at, coverage_configured {
        price_oracle: e.priceOracle, beta_bps: e.terms.betaBps, utilisation_bps: e.terms.utilisationBps,
        haircut_bps: e.terms.haircutBps, penalty_bps: e.terms.penaltyBps, correlation_bps: e.terms.correlationBps,
    } }
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::Deposited(e) => {
            let (from, to) = (Place::Wallet(e.from), escrow(e.payer, e.operator));
            book.transfer(Movement::fees(Kind::Deposit, from, to, e.amount).of(e.operator))
                .await
        }
        Events::ExitStarted(e) => start_exit(e, book).await,
        Events::ExitCancelled(e) => {
            book.channel(e.payer, e.operator).await?.end_exit();
            Ok(())
        }
        Events::ExitFinished(e) => {
            book.channel(e.payer, e.operator).await?.end_exit();
            let (from, to) = (escrow(e.payer, e.operator), Place::Wallet(e.payer));
            book.transfer(Movement::fees(Kind::Exit, from, to, e.amount).of(e.operator))
                .await
        }
        Events::BatchSettled(e) => count_batch(e, book).await,
        Events::FeesSettled(e) => settle(e, book).await,
        Events::BatchReleased(e) => release(e, book).await,
        Events::EarningsReleased(e) => {
            let (from, to) = (Place::EarningsLocked(e.operator), Place::EarningsClaimable(e.operator));
            book.transfer(Movement::fees(Kind::Release, from, to, e.amount).of(e.operator))
                .await
        }
        Events::EarningsClaimed(e) => {
            // What is distributed moves by the vault's `FeesDistributed`.
            let (from, to) = (Place::EarningsClaimable(e.operator), Place::Wallet(e.payout));
            book.transfer(Movement::fees(Kind::Claim, from, to, e.paid).of(e.operator))
                .await
        }
        Events::EarningsSeized(e) => seize(e, book).await,
        Events::RoyaltiesClaimed(e) => {
            let (from, to) = (Place::Royalties(e.modelId), Place::Wallet(e.publisher));
            book.transfer(Movement::fees(Kind::RoyaltyClaim, from, to, e.amount))
                .await
        }
        Events::CreditCollected(e) => {
            let (kind, to) = if e.account == book.parameters.addresses.reward_reserve {
                (Kind::Collect, Place::ReservePending(e.account))
            } else {
                Place::payee(e.account)
            };
            book.transfer(Movement::fees(kind, Place::FeeCredit(e.account), to, e.amount))
                .await
        }
        Events::InferenceSettlementConfigured(e) => configure(e, book),
        Events::Paused(e) => {
            let now = book.at.timestamp;
            let paused = book.pause_clock().await?.pause(now, e.until);
            paused.ok_or_else(|| book.inconsistent("a pause began within another"))
        }
        Events::Unpaused(_) => {
            book.pause_clock().await?.ends_at = Uint(U256::from(book.at.timestamp));
            Ok(())
        }
        Events::SignerAuthorized(_)
        | Events::SignerRevoked(_)
        | Events::VoucherSkipped(_)
        | Events::CoverageConfigured(_)
        | Events::AuthorityUpdated(_)
        | Events::EIP712DomainChanged(_) => Ok(()),
    }
}

fn configure(event: &InferenceSettlementConfigured, book: &mut Book<'_>) -> anyhow::Result<()> {
    if event.feeToken != book.parameters.addresses.fee_token {
        return Err(book.inconsistent("the settlement has another fee token than the deployments file"));
    }
    book.parameters.reserve = Some(event.reserve);
    Ok(())
}

async fn start_exit(event: &ExitStarted, book: &mut Book<'_>) -> anyhow::Result<()> {
    let exit_at = U256::from(event.exitAt);
    let exit_running = exit_at
        .checked_sub(book.paused_seconds().await?)
        .ok_or_else(|| book.inconsistent("an exit ends before the settlement began to run"))?;
    let channel = book.channel(event.payer, event.operator).await?;
    channel.exit_at = Uint(exit_at);
    channel.exit_running = Uint(exit_running);
    Ok(())
}

/// Closes a batch's risk and locks what is left of its earnings.
async fn release(event: &BatchReleased, book: &mut Book<'_>) -> anyhow::Result<()> {
    let (from, to) = (
        Place::EarningsUndrawn(event.operator),
        Place::EarningsLocked(event.operator),
    );
    book.transfer(Movement::fees(Kind::BatchRelease, from, to, event.locked).of(event.operator))
        .await?;
    let operator = book.operator(event.operator).await?;
    operator.batches_released += 1;
    let of_operator = operator.open_risk.decrease(event.risk);
    let network = book.network().await?;
    network.batches_released += 1;
    let of_network = network.open_risk.decrease(event.risk);
    book.summed(of_operator)?;
    book.summed(of_network)
}

async fn seize(event: &EarningsSeized, book: &mut Book<'_>) -> anyhow::Result<()> {
    let (operator, seized) = (event.operator, &event.seized);
    let sources = [
        (Place::EarningsClaimable(operator), seized.fromClaimable),
        (Place::EarningsLocked(operator), seized.fromLocked),
        (Place::EarningsUndrawn(operator), seized.fromUndrawn),
    ];
    let parts = [
        (Kind::Refund, Place::FeeCredit(event.victim), seized.refund),
        (Kind::SlashCut, Place::FeeCredit(event.beneficiary), seized.cut),
        (Kind::SlashBurn, Place::FeeCredit(BURN_ADDRESS), seized.burned),
        (Kind::Slash, Place::FeeCredit(book.reserve()?), seized.reserved),
    ];
    book.penalize(Token::Fee, operator, &sources, &parts).await
}

/// Splits a paid voucher: operator's net, royalty, protocol fee.
async fn settle(event: &FeesSettled, book: &mut Book<'_>) -> anyhow::Result<()> {
    let from = escrow(event.payer, event.operator);
    let (fee, royalty, protocol_fee) = (
        U256::from(event.fee),
        U256::from(event.royalty),
        U256::from(event.protocolFee),
    );
    let net = fee
        .checked_sub(royalty + protocol_fee)
        .ok_or_else(|| book.inconsistent("royalty and protocol fee are more than the fee"))?;
    let reserve = Place::FeeCredit(book.reserve()?);
    for (kind, to, amount) in [
        (Kind::Fee, Place::EarningsUndrawn(event.operator), net),
        (Kind::Royalty, Place::Royalties(event.modelId), royalty),
        (Kind::ProtocolFee, reserve, protocol_fee),
    ] {
        book.transfer(Movement::fees(kind, from, to, amount).of(event.operator))
            .await?;
    }

    let units = U256::from(event.units);
    let operator = book.operator(event.operator).await?;
    operator.vouchers += 1;
    let mut sums = vec![operator.units.increase(units), operator.fees.increase(fee)];
    let model = book.model(event.modelId).await?;
    model.vouchers += 1;
    sums.extend([model.units.increase(units), model.fees.increase(fee)]);
    let network = book.network().await?;
    network.vouchers += 1;
    sums.extend([network.units.increase(units), network.fees.increase(fee)]);
    sums.into_iter().try_for_each(|sum| book.summed(sum))
}

async fn count_batch(event: &BatchSettled, book: &mut Book<'_>) -> anyhow::Result<()> {
    let (receipts, risk) = (U256::from(event.receiptCount), U256::from(event.risk));
    let operator = book.operator(event.operator).await?;
    operator.batches += 1;
    let mut sums = vec![operator.receipts.increase(receipts), operator.open_risk.increase(risk)];
    let network = book.network().await?;
    network.batches += 1;
    sums.extend([network.receipts.increase(receipts), network.open_risk.increase(risk)]);
    sums.into_iter().try_for_each(|sum| book.summed(sum))
}

fn escrow(payer: Address, operator: Address) -> Place {
    Place::Escrow { payer, operator }
}
