//! Reads what happened in a period, in the order of the chain: who was alive, who settled, and what does not add up.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use anyhow::{Context, bail};
use plumbline_drift::heartbeats::{self, Beat, Member, Relay, Rules, Seen, Watch};
use sqlx::PgConnection;

use super::findings::{Findings, Kind};
use super::heard::Heard;
use super::lines::{self, BATCH, BLOCK, DISABLED, ENABLED, HEARTBEAT, Line, REGISTERED, SETTLEMENT, Span};
use crate::copied;
use crate::fold::Frame;
use crate::sql::{address, bytes32};

/// Heartbeats of an enclave in the period.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beats {
    /// Whether it has anything to tell, if only its registration.
    touched: bool,
    pub(super) counted: i32,
    pub(super) replayed: i32,
    pub(super) stale: i32,
}

struct Enclave {
    tee_id: B256,
    /// Position of its owner.
    owner: usize,
    beats: Beats,
}

/// An operator's receipts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Served {
    /// Settled for the first time in the period.
    pub(super) in_period: u64,
    /// The same with those from before the first period, which are read with it.
    pub(super) total: u64,
}

/// Everything between two closings, read once from the first block to the last.
pub(super) struct Reader {
    watch: Watch,
    starts_at: u64,
    now: u64,
    enclaves: Vec<Enclave>,
    positions: BTreeMap<B256, usize>,
    operators: Vec<Address>,
    owners: BTreeMap<Address, usize>,
    pub(super) served: Vec<Served>,
    /// Of enclaves that nobody registered.
    pub(super) unattributed: u64,
    pub(super) batches: i64,
    pub(super) findings: Findings,
}

/// An enclave with something to tell.
pub(super) struct Told {
    pub(super) tee_id: B256,
    pub(super) operator: Address,
    pub(super) beats: Beats,
    pub(super) alive_at: u64,
    pub(super) signed_at: Option<u64>,
}

impl Reader {
    pub(super) async fn open(db: &mut PgConnection, rules: Rules, frame: &Frame, span: Span) -> anyhow::Result<Self> {
        let starts_at = u64::try_from(frame.starts_at)?;
        let slots = u32::try_from(frame.slots)?;
        let slot_seconds = (u64::try_from(frame.ends_at)? - starts_at) / u64::from(slots);
        let mut reader = Self {
            watch: Watch::new(
                rules,
                heartbeats::Frame {
                    starts_at,
                    slot_seconds,
                    slots,
                },
                relay_before(db, frame.period).await?,
            ),
            starts_at,
            now: 0,
            enclaves: Vec::new(),
            positions: BTreeMap::new(),
            operators: Vec::new(),
            owners: BTreeMap::new(),
            served: Vec::new(),
            unattributed: 0,
            batches: 0,
            findings: Findings::default(),
        };
        reader.recall(db, frame.period, span.after).await?;
        Ok(reader)
    }

    /// Takes up the enclaves as they were before.
    async fn recall(&mut self, db: &mut PgConnection, period: i64, block_number: i64) -> anyhow::Result<()> {
        let rows = sqlx::query!(
            r#"select e.tee_id as "tee_id!", e.operator as "operator!", e.enabled as "enabled!",
                      coalesce(p.alive_at, e.registered_at) as "alive_at!", p.signed_at as "signed_at?"
               from (select distinct on (tee_id) tee_id, operator, enabled, registered_at from enclave
                     where block_number <= $1 order by tee_id, block_number desc) e
               left join lateral (select alive_at, signed_at from enclave_period
                                  where tee_id = e.tee_id and period < $2 order by period desc limit 1) p on true"#,
            block_number,
            period,
        )
        .fetch_all(db)
        .await
        .context("read the enclaves before the period")?;
        for row in rows {
            let owner = self.owner(address(&row.operator)?);
            let member = Member {
                owner,
                enabled: row.enabled,
                alive_at: u64::try_from(row.alive_at)?,
                signed_at: row.signed_at.map(u64::try_from).transpose()?,
            };
            self.add(bytes32(&row.tee_id)?, member);
        }
        Ok(())
    }

    fn owner(&mut self, operator: Address) -> usize {
        *self.owners.entry(operator).or_insert_with(|| {
            self.operators.push(operator);
            self.served.push(Served::default());
            self.watch.add_owner()
        })
    }

    fn add(&mut self, tee_id: B256, member: Member) -> usize {
        let position = self.watch.add_member(member);
        self.positions.insert(tee_id, position);
        self.enclaves.push(Enclave {
            tee_id,
            owner: member.owner,
            beats: Beats::default(),
        });
        position
    }

    /// Reads the span from the database, but for the heartbeats that were heard.
    pub(super) async fn read(&mut self, db: &mut PgConnection, span: Span, heard: &Heard) -> anyhow::Result<()> {
        let heard = heard.within(span);
        let query = lines::query(span, heard.is_none());
        let mut heard = heard.into_iter().flatten().peekable();
        copied::each(db, &query, |fields| {
            let line = Line::read(fields)?;
            while let Some(earlier) = heard.next_if(|beat| beat.place() < line.place()) {
                self.take(&earlier)?;
            }
            self.take(&line)
        })
        .await
        .context("read what happened in the period")?;
        heard.try_for_each(|beat| self.take(&beat))
    }

    fn take(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        match line.kind {
            BLOCK => {
                self.now = u64::try_from(line.time)?;
                self.watch.pass(self.now);
            }
            REGISTERED => {
                let owner = self.owner(address(line.subject)?);
                let (alive_at, enabled, signed_at) = (self.now, true, None);
                let member = Member {
                    owner,
                    enabled,
                    alive_at,
                    signed_at,
                };
                let position = self.add(bytes32(line.id)?, member);
                self.enclaves[position].beats.touched = true;
            }
            ENABLED | DISABLED => {
                if let Some(position) = self.positions.get(&bytes32(line.id)?) {
                    self.watch.set_enabled(*position, line.kind == ENABLED);
                }
            }
            HEARTBEAT => self.beat(line)?,
            SETTLEMENT => self.settle(line)?,
            BATCH => {
                self.batches += 1;
                if line.is_repeated() {
                    self.findings
                        .add(Kind::RepeatedRoot, line, None, Some(bytes32(line.subject)?), None);
                }
            }
            other => bail!("a line of kind {other}"),
        }
        Ok(())
    }

    /// The registry takes heartbeats of enclaves that it knows alone; others would be nobody's.
    fn beat(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        let Some(position) = self.positions.get(&bytes32(line.id)?).copied() else {
            return Ok(());
        };
        let alive_at = self.watch.member(position).alive_at;
        let beat = self.watch.beat(position, u64::try_from(line.time)?, self.now);
        let Enclave { beats, owner, tee_id } = &mut self.enclaves[position];
        beats.touched = true;
        let kind = match beat {
            Beat::Counted => {
                beats.counted += 1;
                return Ok(());
            }
            Beat::Replayed => {
                beats.replayed += 1;
                Kind::ReplayedHeartbeat
            }
            Beat::Stale => {
                beats.stale += 1;
                Kind::StaleHeartbeat
            }
        };
        let whose = Some((*tee_id, Some(self.operators[*owner])));
        self.findings.add(kind, line, whose, None, Some(alive_at));
        Ok(())
    }

    fn settle(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        let (tee_id, receipt) = (bytes32(line.id)?, Some(bytes32(line.subject)?));
        let position = self.positions.get(&tee_id).copied();
        let owner = position.map(|position| self.enclaves[position].owner);
        let operator = owner.map(|owner| self.operators[owner]);
        let alive_at = position.map(|position| self.watch.member(position).alive_at);
        let whose = Some((tee_id, operator));
        let standing = match position {
            None => Some(Kind::UnknownEnclave),
            Some(position) if !self.watch.member(position).enabled => Some(Kind::DisabledEnclave),
            Some(position) if self.watch.is_silent(position, self.now) => Some(Kind::SilentEnclave),
            Some(_) => None,
        };
        if let Some(kind) = standing {
            self.findings.add(kind, line, whose, receipt, alive_at);
        }
        if line.is_repeated() {
            self.findings.add(Kind::RepeatedReceipt, line, whose, receipt, alive_at);
            return Ok(());
        }
        match owner {
            Some(owner) => {
                let served = &mut self.served[owner];
                served.total += 1;
                served.in_period += u64::from(self.now >= self.starts_at);
            }
            None => self.unattributed += 1,
        }
        Ok(())
    }

    pub(super) fn operators(&self) -> &[Address] {
        &self.operators
    }

    /// Enclaves that were registered or sent heartbeats.
    pub(super) fn told(&self) -> impl Iterator<Item = Told> {
        let touched = self
            .enclaves
            .iter()
            .enumerate()
            .filter(|(_, enclave)| enclave.beats.touched);
        touched.map(|(position, enclave)| {
            let member = self.watch.member(position);
            Told {
                tee_id: enclave.tee_id,
                operator: self.operators[enclave.owner],
                beats: enclave.beats,
                alive_at: member.alive_at,
                signed_at: member.signed_at,
            }
        })
    }

    pub(super) fn relay(&self) -> Relay {
        self.watch.relay()
    }

    /// Slots that were observed, and what was seen of each operator in the order of [`Reader::operators`].
    pub(super) fn seen(&self, next_heartbeat: Option<u64>) -> (Vec<bool>, Vec<Seen>) {
        self.watch.clone().finish(next_heartbeat)
    }
}

async fn relay_before(db: &mut PgConnection, period: i64) -> anyhow::Result<Relay> {
    let row = sqlx::query!(
        "select received_at, resumed_at from relay_period where period < $1 order by period desc limit 1",
        period
    )
    .fetch_optional(db)
    .await
    .context("read the relay before the period")?;
    Ok(match row {
        None => Relay::default(),
        Some(row) => Relay {
            received_at: row.received_at.map(u64::try_from).transpose()?,
            resumed_at: row.resumed_at.map(u64::try_from).transpose()?,
        },
    })
}
