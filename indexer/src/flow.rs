//! Movements of tokens: a journal in double entry, where each base unit leaves one place and enters another.

use alloy::primitives::{Address, B256, U256, address};

use crate::sql::Field;

/// Nobody has its key: what is paid to it is burned.
pub(crate) const BURN_ADDRESS: Address = address!("000000000000000000000000000000000000dEaD");

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
    BatchRelease,
    Release,
    Claim,
    Reward,
    RewardClaim,
    RoyaltyClaim,
    Refund,
    Slash,
    SlashCut,
    SlashBurn,
    Collect,
    Burn,
    Receive,
    Gift,
    RewardRelease,
    Surplus,
    Expire,
    Bond,
    BondCredit,
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
            Self::BatchRelease => "batch_release",
            Self::Release => "release",
            Self::Claim => "claim",
            Self::Reward => "reward",
            Self::RewardClaim => "reward_claim",
            Self::RoyaltyClaim => "royalty_claim",
            Self::Refund => "refund",
            Self::Slash => "slash",
            Self::SlashCut => "slash_cut",
            Self::SlashBurn => "slash_burn",
            Self::Collect => "collect",
            Self::Burn => "burn",
            Self::Receive => "receive",
            Self::Gift => "gift",
            Self::RewardRelease => "reward_release",
            Self::Surplus => "surplus",
            Self::Expire => "expire",
            Self::Bond => "bond",
            Self::BondCredit => "bond_credit",
            Self::Stake => "stake",
            Self::Thaw => "thaw",
            Self::Withdraw => "withdraw",
        }
    }

    /// Whether an operator pays by it for a fault.
    pub(crate) fn is_penalty(self) -> bool {
        [Self::Refund, Self::Slash, Self::SlashCut, Self::SlashBurn].contains(&self)
    }
}

/// Where tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Wallet(Address),
    Burned(Address),
    Escrow {
        payer: Address,
        operator: Address,
    },
    EarningsUndrawn(Address),
    EarningsLocked(Address),
    EarningsClaimable(Address),
    Royalties(B256),
    FeeCredit(Address),
    StakeActive(Address),
    StakeThawing(Address),
    StakeCredit(Address),
    Rewards(Address),
    /// Came to the reserve and is not in its books yet.
    ReservePending(Address),
    Reserve(Address),
    RewardOwed(Address),
    Unburned(Address),
    /// Of a case, by its number.
    Bond(U256),
    BondCredit(Address),
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
            Self::EarningsUndrawn(_) => "earnings_undrawn",
            Self::EarningsLocked(_) => "earnings_locked",
            Self::EarningsClaimable(_) => "earnings_claimable",
            Self::Royalties(_) => "royalties",
            Self::FeeCredit(_) => "fee_credit",
            Self::StakeActive(_) => "stake_active",
            Self::StakeThawing(_) => "stake_thawing",
            Self::StakeCredit(_) => "stake_credit",
            Self::Rewards(_) => "rewards",
            Self::ReservePending(_) => "reserve_pending",
            Self::Reserve(_) => "reserve",
            Self::RewardOwed(_) => "reward_owed",
            Self::Unburned(_) => "unburned",
            Self::Bond(_) => "bond",
            Self::BondCredit(_) => "bond_credit",
        }
    }
}

impl Field for Place {
    /// The account that names the place within its class.
    fn put(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Royalties(model_id) => model_id.put(out),
            Self::Bond(case_id) => B256::from(*case_id).put(out),
            Self::Escrow { payer, .. } => payer.put(out),
            Self::Wallet(account)
            | Self::Burned(account)
            | Self::EarningsUndrawn(account)
            | Self::EarningsLocked(account)
            | Self::EarningsClaimable(account)
            | Self::FeeCredit(account)
            | Self::StakeActive(account)
            | Self::StakeThawing(account)
            | Self::StakeCredit(account)
            | Self::Rewards(account)
            | Self::ReservePending(account)
            | Self::Reserve(account)
            | Self::RewardOwed(account)
            | Self::Unburned(account)
            | Self::BondCredit(account) => account.put(out),
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

impl Movement {
    /// Of fee tokens, by nobody's business in particular.
    pub(crate) fn fees(kind: Kind, from: Place, to: Place, amount: U256) -> Self {
        Self::new(Token::Fee, kind, from, to, amount)
    }

    /// Of stake tokens, likewise.
    pub(crate) fn stake(kind: Kind, from: Place, to: Place, amount: U256) -> Self {
        Self::new(Token::Stake, kind, from, to, amount)
    }

    /// The same movement, caused by the operator's business.
    pub(crate) fn of(self, operator: Address) -> Self {
        Self {
            operator: Some(operator),
            ..self
        }
    }

    fn new(token: Token, kind: Kind, from: Place, to: Place, amount: U256) -> Self {
        Self {
            kind,
            token,
            from,
            to,
            operator: None,
            amount,
        }
    }
}

/// Movements that share out what a penalty took: each part is filled from the sources in their order. Nothing when the parts
/// do not come to what was taken.
pub(crate) fn penalty(
    token: Token,
    operator: Address,
    sources: &[(Place, U256)],
    parts: &[(Kind, Place, U256)],
) -> Option<Vec<Movement>> {
    let mut sources = sources.to_vec();
    let mut movements = Vec::new();
    for &(kind, to, part) in parts {
        let mut missing = part;
        for (from, left) in &mut sources {
            let amount = missing.min(*left);
            *left -= amount;
            missing -= amount;
            movements.push(Movement::new(token, kind, *from, to, amount).of(operator));
        }
        if !missing.is_zero() {
            return None;
        }
    }
    sources.iter().all(|(_, left)| left.is_zero()).then_some(movements)
}
