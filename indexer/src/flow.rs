//! Movements of tokens: a journal in double entry, where each base unit leaves one place and enters another.

use alloy::primitives::{Address, B256, U256, address};

use crate::sql::Field;

/// Nobody has its key: what is paid to it is burned.
const BURN_ADDRESS: Address = address!("000000000000000000000000000000000000dEaD");

/// Which token moves; the two may be the same contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Token {
    Fee,
    Stake,
}

/// Why tokens move; the table comment of `flow` says which log is behind each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Deposit,
    Exit,
    Fee,
    Royalty,
    ProtocolFee,
    Release,
    Claim,
    Reward,
    RewardClaim,
    RoyaltyClaim,
    Slash,
    SlashCut,
    Collect,
    Burn,
    Stake,
    Thaw,
    Withdraw,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Exit => "exit",
            Self::Fee => "fee",
            Self::Royalty => "royalty",
            Self::ProtocolFee => "protocol_fee",
            Self::Release => "release",
            Self::Claim => "claim",
            Self::Reward => "reward",
            Self::RewardClaim => "reward_claim",
            Self::RoyaltyClaim => "royalty_claim",
            Self::Slash => "slash",
            Self::SlashCut => "slash_cut",
            Self::Collect => "collect",
            Self::Burn => "burn",
            Self::Stake => "stake",
            Self::Thaw => "thaw",
            Self::Withdraw => "withdraw",
        }
    }
}

/// Where tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Wallet(Address),
    Burned(Address),
    Escrow { payer: Address, operator: Address },
    EarningsLocked(Address),
    EarningsClaimable(Address),
    Royalties(B256),
    FeeCredit(Address),
    StakeActive(Address),
    StakeThawing(Address),
    StakeCredit(Address),
    Rewards(Address),
}

impl Place {
    /// Where a credit goes that is paid out to `account`.
    pub(crate) fn payee(account: Address) -> (Kind, Self) {
        if account == BURN_ADDRESS {
            (Kind::Burn, Self::Burned(account))
        } else {
            (Kind::Collect, Self::Wallet(account))
        }
    }

    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Wallet(_) => "wallet",
            Self::Burned(_) => "burned",
            Self::Escrow { .. } => "escrow",
            Self::EarningsLocked(_) => "earnings_locked",
            Self::EarningsClaimable(_) => "earnings_claimable",
            Self::Royalties(_) => "royalties",
            Self::FeeCredit(_) => "fee_credit",
            Self::StakeActive(_) => "stake_active",
            Self::StakeThawing(_) => "stake_thawing",
            Self::StakeCredit(_) => "stake_credit",
            Self::Rewards(_) => "rewards",
        }
    }
}

impl Field for Place {
    /// The account that names the place within its class.
    fn put(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Royalties(model_id) => model_id.put(out),
            Self::Escrow { payer, .. } => payer.put(out),
            Self::Wallet(account)
            | Self::Burned(account)
            | Self::EarningsLocked(account)
            | Self::EarningsClaimable(account)
            | Self::FeeCredit(account)
            | Self::StakeActive(account)
            | Self::StakeThawing(account)
            | Self::StakeCredit(account)
            | Self::Rewards(account) => account.put(out),
        }
    }
}

/// One movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Movement {
    pub(crate) kind: Kind,
    pub(crate) token: Token,
    pub(crate) from: Place,
    pub(crate) to: Place,
    /// Whose business caused it.
    pub(crate) operator: Option<Address>,
    pub(crate) amount: U256,
}

/// Movements of a penalty that took `first` and `second` from two places: `cut` goes to the beneficiary, out of the first
/// place as far as it goes, the rest to the account that penalties are credited to.
pub(crate) fn penalty(
    token: Token,
    operator: Address,
    sources: [(Place, U256); 2],
    cut: U256,
    [beneficiary, rest]: [Place; 2],
) -> [Movement; 4] {
    let [(first, from_first), (second, from_second)] = sources;
    let cut_of_first = cut.min(from_first);
    let cut_of_second = cut - cut_of_first;
    let movement = |kind, from, to, amount| Movement {
        kind,
        token,
        from,
        to,
        operator: Some(operator),
        amount,
    };
    [
        movement(Kind::SlashCut, first, beneficiary, cut_of_first),
        movement(Kind::SlashCut, second, beneficiary, cut_of_second),
        movement(Kind::Slash, first, rest, from_first - cut_of_first),
        movement(Kind::Slash, second, rest, from_second - cut_of_second),
    ]
}
