//! Events of `InferenceSettlement`.

use alloy::primitives::{Address, U256};
use plumbline_protocol::Contract;
use plumbline_protocol::InferenceSettlement::{
    BatchSettled, EarningsSeized, FeesSettled, InferenceSettlementConfigured, InferenceSettlementEvents as Events,
    VoucherSkipped,
};

use super::{authority_updated, name_of};
use crate::book::Book;
use crate::flow::{Kind, Movement, Place, Token};
use crate::rows::{At, Rows, fact};
use crate::sql::Uint;

/// `IInferenceSettlement.SkipReason` by its number.
const SKIP_REASONS: [&str; 5] = [
    "invalid_signer",
    "stale",
    "units_decreased",
    "not_offered",
    "underfunded",
];

pub(super) fn fact(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    let Book { rows, at, .. } = book;
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
        Events::AuthorityUpdated(e) => authority_updated(book, Contract::InferenceSettlement, e.authority),
        // The signing domain is fixed; the event exists only because the interface has it.
        Events::EIP712DomainChanged(_) => {}
    }
    Ok(())
}

fn batch_settled(rows: &mut Rows, at: &At, e: &BatchSettled) {
    fact! { rows, at, batch_settled {
        operator: e.operator, batch_id: e.batchId, receipts_root: e.receiptsRoot, receipt_count: e.receiptCount,
        epoch: e.epoch, earned: e.earned, evidence_uri: e.evidenceURI,
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
        operator: e.operator, beneficiary: e.beneficiary, from_claimable: e.fromClaimable, from_locked: e.fromLocked,
        cut: e.cut,
    } }
}

fn configured(rows: &mut Rows, at: &At, e: &InferenceSettlementConfigured) {
    fact! { rows, at, inference_settlement_configured {
        fee_token: e.feeToken, operator_registry: e.operatorRegistry, model_registry: e.modelRegistry,
        stake_vault: e.stakeVault, reserve: e.reserve, protocol_fee_bps: e.protocolFeeBps, exit_delay: e.exitDelay,
        epoch_duration: e.epochDuration,
    } }
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::Deposited(e) => {
            let (from, to) = (Place::Wallet(e.from), escrow(e.payer, e.operator));
            book.transfer(movement(Kind::Deposit, from, to, Some(e.operator), e.amount))
                .await
        }
        Events::ExitStarted(e) => {
            book.channel(e.payer, e.operator).await?.exit_at = Uint(U256::from(e.exitAt));
            Ok(())
        }
        Events::ExitCancelled(e) => {
            book.channel(e.payer, e.operator).await?.exit_at = Uint::default();
            Ok(())
        }
        Events::ExitFinished(e) => {
            book.channel(e.payer, e.operator).await?.exit_at = Uint::default();
            let (from, to) = (escrow(e.payer, e.operator), Place::Wallet(e.payer));
            book.transfer(movement(Kind::Exit, from, to, Some(e.operator), e.amount))
                .await
        }
        Events::BatchSettled(e) => count_batch(e, book).await,
        Events::FeesSettled(e) => settle(e, book).await,
        Events::EarningsReleased(e) => {
            let (from, to) = (Place::EarningsLocked(e.operator), Place::EarningsClaimable(e.operator));
            book.transfer(movement(Kind::Release, from, to, Some(e.operator), e.amount))
                .await
        }
        Events::EarningsClaimed(e) => {
            // What is distributed moves by the vault's `FeesDistributed`.
            let (from, to) = (Place::EarningsClaimable(e.operator), Place::Wallet(e.payout));
            book.transfer(movement(Kind::Claim, from, to, Some(e.operator), e.paid))
                .await
        }
        Events::EarningsSeized(e) => seize(e, book).await,
        Events::RoyaltiesClaimed(e) => {
            let (from, to) = (Place::Royalties(e.modelId), Place::Wallet(e.publisher));
            book.transfer(movement(Kind::RoyaltyClaim, from, to, None, e.amount))
                .await
        }
        Events::CreditCollected(e) => {
            let (kind, to) = Place::payee(e.account);
            book.transfer(movement(kind, Place::FeeCredit(e.account), to, None, e.amount))
                .await
        }
        Events::InferenceSettlementConfigured(e) => configure(e, book),
        Events::SignerAuthorized(_)
        | Events::SignerRevoked(_)
        | Events::VoucherSkipped(_)
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

async fn seize(event: &EarningsSeized, book: &mut Book<'_>) -> anyhow::Result<()> {
    let sources = [
        (Place::EarningsClaimable(event.operator), event.fromClaimable),
        (Place::EarningsLocked(event.operator), event.fromLocked),
    ];
    let destinations = [Place::FeeCredit(event.beneficiary), Place::FeeCredit(book.reserve()?)];
    book.penalize(Token::Fee, event.operator, sources, event.cut, destinations)
        .await
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
        (Kind::Fee, Place::EarningsLocked(event.operator), net),
        (Kind::Royalty, Place::Royalties(event.modelId), royalty),
        (Kind::ProtocolFee, reserve, protocol_fee),
    ] {
        book.transfer(movement(kind, from, to, Some(event.operator), amount))
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
    let receipts = U256::from(event.receiptCount);
    let operator = book.operator(event.operator).await?;
    operator.batches += 1;
    let of_operator = operator.receipts.increase(receipts);
    let network = book.network().await?;
    network.batches += 1;
    let of_network = network.receipts.increase(receipts);
    book.summed(of_operator)?;
    book.summed(of_network)
}

fn movement(kind: Kind, from: Place, to: Place, operator: Option<Address>, amount: U256) -> Movement {
    Movement {
        kind,
        token: Token::Fee,
        from,
        to,
        operator,
        amount,
    }
}

fn escrow(payer: Address, operator: Address) -> Place {
    Place::Escrow { payer, operator }
}
