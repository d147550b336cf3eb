//! Which enclaves there are, whose they are and whether they are in service.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use anyhow::Context;
use sqlx::PgConnection;

use super::Event;
use super::details::Details;
use crate::accounts::{Accounts, Status};
use crate::rows::{At, Rows, fact, row};
use crate::sql::{address, bytes32};

#[derive(Debug, Clone)]
struct Enclave {
    operator: Address,
    tee_type: u8,
    registered_at: i64,
    enabled: bool,
    changed_at: i64,
    revoked_pcr: Option<B256>,
    /// The code that it runs, where it is known.
    pcr_hash: Option<B256>,
}

/// All enclaves ever registered; whoever cannot commit what was changed here must drop it.
#[derive(Default)]
pub(crate) struct Enclaves {
    enclaves: BTreeMap<B256, Enclave>,
    changed: BTreeSet<B256>,
    /// Enabled enclaves of every owner.
    operators: BTreeMap<Address, usize>,
    /// Disabled in this transaction so far, each by itself or by the revocation that is told of next.
    disabled: (B256, Vec<B256>),
}

impl Enclaves {
    pub(super) async fn load(db: &mut PgConnection) -> anyhow::Result<Self> {
        let rows = sqlx::query!(
            "select distinct on (e.tee_id) e.tee_id, e.operator, e.tee_type, e.registered_at, e.enabled, e.changed_at,
                    e.revoked_pcr, d.pcr_hash as \"pcr_hash?\"
             from enclave e left join tee_details d on d.tee_id = e.tee_id
             order by e.tee_id, e.block_number desc"
        )
        .fetch_all(db)
        .await
        .context("read the enclaves")?;
        let mut enclaves = Self::default();
        for row in rows {
            let operator = address(&row.operator)?;
            *enclaves.operators.entry(operator).or_default() += usize::from(row.enabled);
            let enclave = Enclave {
                operator,
                tee_type: u8::try_from(row.tee_type)?,
                registered_at: row.registered_at,
                enabled: row.enabled,
                changed_at: row.changed_at,
                revoked_pcr: row.revoked_pcr.as_deref().map(bytes32).transpose()?,
                pcr_hash: row.pcr_hash.as_deref().map(bytes32).transpose()?,
            };
            enclaves.enclaves.insert(bytes32(&row.tee_id)?, enclave);
        }
        Ok(enclaves)
    }

    pub(super) async fn apply(
        &mut self,
        db: &mut PgConnection,
        rows: &mut Rows,
        accounts: &mut Accounts,
        event: &Event,
        at: At,
    ) -> anyhow::Result<()> {
        match event {
            Event::Registered {
                tee_id,
                owner,
                tee_type,
                details,
            } => {
                self.register(*tee_id, *owner, *tee_type, details, at)?;
                write_details(rows, *tee_id, details, at);
                self.introduce(db, rows, accounts, *owner, details, at).await
            }
            Event::Enabled(tee_id) => self.switch(db, accounts, *tee_id, true, at).await,
            Event::Disabled(tee_id) => {
                if self.disabled.0 != at.tx_hash {
                    self.disabled = (at.tx_hash, Vec::new());
                }
                self.disabled.1.push(*tee_id);
                self.switch(db, accounts, *tee_id, false, at).await
            }
            Event::Revoked { pcr_hash, tee_type } => {
                self.revoke(*pcr_hash, *tee_type, at);
                Ok(())
            }
        }
    }

    /// Adds the rows of all that changed since the last block.
    pub(super) fn write(&mut self, block_number: i64, rows: &mut Rows) {
        for tee_id in std::mem::take(&mut self.changed) {
            let Some(enclave) = self.enclaves.get(&tee_id) else {
                continue;
            };
            row! { rows, enclave {
                block_number, tee_id, operator: enclave.operator, tee_type: enclave.tee_type,
                registered_at: enclave.registered_at, enabled: enclave.enabled, changed_at: enclave.changed_at,
                revoked_pcr: enclave.revoked_pcr,
            } }
        }
    }

    fn register(
        &mut self,
        tee_id: B256,
        owner: Address,
        tee_type: u8,
        details: &Details,
        at: At,
    ) -> anyhow::Result<()> {
        let Entry::Vacant(place) = self.enclaves.entry(tee_id) else {
            return Err(at.inconsistent(format!("enclave {tee_id} is registered a second time")));
        };
        let now = i64::try_from(at.timestamp)?;
        place.insert(Enclave {
            operator: owner,
            tee_type,
            registered_at: now,
            enabled: true,
            changed_at: now,
            revoked_pcr: None,
            pcr_hash: details.pcr_hash(),
        });
        self.changed.insert(tee_id);
        Ok(())
    }

    /// Counts the enclave for its owner, who is an operator from the first one on and is reached where the newest one is.
    async fn introduce(
        &mut self,
        db: &mut PgConnection,
        rows: &mut Rows,
        accounts: &mut Accounts,
        owner: Address,
        details: &Details,
        at: At,
    ) -> anyhow::Result<()> {
        let operator_index = i64::try_from(self.operators.len())?;
        let enabled = self.operators.get(&owner).copied();
        self.operators.insert(owner, enabled.unwrap_or_default() + 1);
        let profile = accounts.profile(db, owner).await?;
        if let Some((payment_address, endpoint)) = details.contact() {
            profile.payout = payment_address;
            profile.endpoint = endpoint.to_owned();
        }
        match enabled {
            Some(0) => return set_status(db, accounts, owner, Status::Active).await,
            Some(_) => return Ok(()),
            None => {}
        }
        profile.operator_index = operator_index;
        profile.registered_at = i64::try_from(at.timestamp)?;
        let network = accounts.network(db).await?;
        network.operators += 1;
        *network.with_status(Status::Active) += 1;
        fact! { rows, at, operator_registered { operator: owner, operator_index } }
        Ok(())
    }

    /// Enables or disables an enclave, and its owner with the first or the last.
    async fn switch(
        &mut self,
        db: &mut PgConnection,
        accounts: &mut Accounts,
        tee_id: B256,
        enabled: bool,
        at: At,
    ) -> anyhow::Result<()> {
        let Some(enclave) = self.enclaves.get_mut(&tee_id) else {
            let what = "was never registered: the deployments file's `block` is later than the registry's first";
            return Err(at.inconsistent(format!("enclave {tee_id} {what}")));
        };
        let was_enabled = std::mem::replace(&mut enclave.enabled, enabled);
        enclave.changed_at = i64::try_from(at.timestamp)?;
        enclave.revoked_pcr = None;
        self.changed.insert(tee_id);
        let operator = enclave.operator;
        let count = self.operators.entry(operator).or_default();
        match (was_enabled, enabled) {
            (false, true) => {
                *count += 1;
                if *count == 1 {
                    set_status(db, accounts, operator, Status::Active).await?;
                }
            }
            (true, false) => {
                *count -= 1;
                if *count == 0 {
                    set_status(db, accounts, operator, Status::Inactive).await?;
                }
            }
            (true, true) | (false, false) => {}
        }
        Ok(())
    }

    /// A revocation is told of after the enclaves that it disabled, in the same transaction. They ran that code.
    fn revoke(&mut self, pcr_hash: B256, tee_type: u8, at: At) {
        let (tx_hash, disabled) = &mut self.disabled;
        if *tx_hash != at.tx_hash {
            return;
        }
        for tee_id in disabled.drain(..) {
            let Some(enclave) = self.enclaves.get_mut(&tee_id) else {
                continue;
            };
            let ran_it = enclave.pcr_hash.is_none_or(|known| known == pcr_hash);
            if ran_it && enclave.tee_type == tee_type && !enclave.enabled {
                enclave.revoked_pcr = Some(pcr_hash);
                self.changed.insert(tee_id);
            }
        }
    }
}

async fn set_status(
    db: &mut PgConnection,
    accounts: &mut Accounts,
    operator: Address,
    status: Status,
) -> anyhow::Result<()> {
    let previous = std::mem::replace(&mut accounts.profile(db, operator).await?.status, status);
    let network = accounts.network(db).await?;
    *network.with_status(previous) -= 1;
    *network.with_status(status) += 1;
    Ok(())
}

fn write_details(rows: &mut Rows, tee_id: B256, details: &Details, at: At) {
    let (payment_address, endpoint) = details.contact().unzip();
    row! { rows, tee_details {
        block_number: at.block_number, log_index: at.log_index, tee_id, found_in: details.found_in(), payment_address,
        endpoint: endpoint.map(str::to_owned), pcr_hash: details.pcr_hash(),
    } }
}
