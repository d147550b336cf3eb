//! An audit or a challenge: how far it is, and what is held for it.

use alloy::primitives::{Address, B256, U256};
use anyhow::Context;
use sqlx::PgConnection;

use super::Running;
use crate::rows::{Rows, row};
use crate::sql::{Uint, address, bytes32};

/// An enum of Solidity, whose values are numbers on chain and words in rows.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $default:ident = $first:literal, $($value:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub(crate) enum $name {
            #[default]
            $default,
            $($value),*
        }

        impl $name {
            const ALL: &[Self] = &[Self::$default, $(Self::$value),*];

            pub(crate) fn from_number(number: u8) -> Option<Self> {
                Self::ALL.get(usize::from(number)).copied()
            }

            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    Self::$default => $first,
                    $(Self::$value => $word),*
                }
            }

            fn parse(word: &str) -> anyhow::Result<Self> {
                let found = Self::ALL.iter().find(|value| value.as_str() == word).copied();
                found.with_context(|| format!("{word:?} is no {}", stringify!($name)))
            }
        }
    };
}

words! {
    /// `ICaseDocket.Stage`.
    Stage {
        None = "none", Seeding = "seeding", Answering = "answering", Proving = "proving", Judging = "judging",
        Decided = "decided", Closed = "closed",
    }
}
words! {
    /// `IVerdicts.Verdict`.
    Verdict {
        None = "none", Passed = "passed", Failed = "failed", Inconclusive = "inconclusive", Withheld = "withheld",
        Voided = "voided",
    }
}

impl Verdict {
    /// Whether the operator pays.
    pub(crate) fn is_lost(self) -> bool {
        [Self::Failed, Self::Withheld].contains(&self)
    }
}

#[derive(Default)]
pub(crate) struct Case {
    pub(crate) operator: Address,
    pub(crate) opened_at: i64,
    pub(crate) batch_id: Uint,
    pub(crate) challenger: Address,
    pub(crate) stage: Stage,
    pub(crate) verdict: Verdict,
    pub(crate) round: Uint,
    pub(crate) deadline: Uint,
    pub(crate) extensions: i16,
    pub(crate) verifier: Address,
    pub(crate) payer: Address,
    pub(crate) model_id: B256,
    pub(crate) offence: B256,
    pub(crate) principal_cap: Uint,
    pub(crate) bond: Uint,
    pub(crate) punished: bool,
}

impl Case {
    fn kind(&self) -> &'static str {
        if self.challenger.is_zero() {
            "audit"
        } else {
            "challenge"
        }
    }
}

impl Running for Case {
    type Key = U256;

    async fn load(db: &mut PgConnection, case_id: U256, until: i64) -> anyhow::Result<Option<Self>> {
        let row = sqlx::query!(
            r#"select operator, opened_at, batch_id as "batch_id: Uint", challenger, stage, verdict,
                      round as "round: Uint", deadline as "deadline: Uint", extensions, verifier, payer, model_id, offence,
                      principal_cap as "principal_cap: Uint", bond as "bond: Uint", punished
               from case_account where case_id = $1 and block_number <= $2
               order by block_number desc limit 1"#,
            Uint(case_id) as _,
            until,
        )
        .fetch_optional(db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            operator: address(&row.operator)?,
            opened_at: row.opened_at,
            batch_id: row.batch_id,
            challenger: address(&row.challenger)?,
            stage: Stage::parse(&row.stage)?,
            verdict: Verdict::parse(&row.verdict)?,
            round: row.round,
            deadline: row.deadline,
            extensions: row.extensions,
            verifier: address(&row.verifier)?,
            payer: address(&row.payer)?,
            model_id: bytes32(&row.model_id)?,
            offence: bytes32(&row.offence)?,
            principal_cap: row.principal_cap,
            bond: row.bond,
            punished: row.punished,
        }))
    }

    fn write(&self, case_id: U256, block_number: i64, rows: &mut Rows) {
        row! { rows, case_account {
            block_number, case_id, kind: self.kind(), operator: self.operator, opened_at: self.opened_at,
            batch_id: self.batch_id, challenger: self.challenger, stage: self.stage.as_str(),
            verdict: self.verdict.as_str(), round: self.round, deadline: self.deadline, extensions: self.extensions,
            verifier: self.verifier, payer: self.payer, model_id: self.model_id, offence: self.offence,
            principal_cap: self.principal_cap, bond: self.bond, punished: self.punished,
        } }
    }
}
