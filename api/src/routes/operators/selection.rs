//! Operators as rows: which of them, in which order, with what is known of them.

use super::{
    Announcement, Commission, DriftState, Keys, Operator, Reliability, Served, Sort, Stake, Status, Totals, Uptime,
    Verification,
};
use crate::error::Result;
use crate::extract::Order;
use crate::routes::tokens::Tokens;
use crate::value::{Address, Amount, Hash, Share, Timestamp};
use crate::view::View;
use crate::window::Periods;

/// Which operators, in which order, from where on.
pub(crate) struct Selection {
    pub(super) one: Option<Address>,
    pub(super) status: Option<Status>,
    pub(super) domain: Option<Hash>,
    pub(super) drift: Option<DriftState>,
    pub(super) model: Option<Hash>,
    pub(super) sort: Sort,
    pub(super) order: Order,
    pub(super) after: Option<(Option<String>, Address)>,
    pub(super) limit: i64,
}

impl Selection {
    pub(crate) fn one(id: Address) -> Self {
        let (sort, order) = (Sort::Registered, Order::Asc);
        Self {
            one: Some(id),
            status: None,
            domain: None,
            drift: None,
            model: None,
            sort,
            order,
            after: None,
            limit: 1,
        }
    }
}

pub(crate) struct Row {
    pub(super) id: Address,
    index: i64,
    status: Status,
    jailed_until: Timestamp,
    registered_at: Timestamp,
    domain: Hash,
    endpoint: String,
    commission_bps: i32,
    announced_bps: i32,
    announced_at: Timestamp,
    signing_key: Address,
    settler_key: Address,
    payout: Address,
    stake_active: Amount,
    stake_own: Amount,
    stake_thawing: Amount,
    earnings_undrawn: Amount,
    earnings_locked: Amount,
    earnings_claimable: Amount,
    open_risk: Amount,
    batches: i64,
    batches_released: i64,
    receipts: Amount,
    total_units: Amount,
    total_fees: Amount,
    slashed_stake: Amount,
    slashed_earnings: Amount,
    refunded: Amount,
    uptime_rewards: Amount,
    faults: i64,
    audits: i64,
    challenges: i64,
    cases_open: i64,
    cases_lost: i64,
    expected: i64,
    observed: i64,
    hit: i64,
    units: Amount,
    fees: Amount,
    pub(super) sort_key: Option<String>,
}

impl Row {
    pub(crate) fn into_operator(
        self,
        reliability: Reliability,
        tokens: &Tokens,
        network_units: &Amount,
        now: Timestamp,
    ) -> Operator {
        let announced = (self.announced_at > now).then_some(Announcement {
            bps: self.announced_bps,
            effective_at: self.announced_at,
        });
        let bps = if announced.is_some() {
            self.commission_bps
        } else {
            self.announced_bps
        };
        Operator {
            id: self.id,
            index: self.index,
            status: self.status,
            jailed_until: (self.status == Status::Jailed).then_some(self.jailed_until),
            registered_at: self.registered_at,
            domain: self.domain.label(),
            endpoint: self.endpoint,
            commission: Commission { bps, announced },
            keys: Keys {
                signing: self.signing_key,
                settler: self.settler_key.nonzero(),
                payout: self.payout,
            },
            stake: Stake {
                delegated: &self.stake_active - &self.stake_own,
                own: self.stake_own,
                active: self.stake_active,
                thawing: self.stake_thawing,
                token: tokens.stake.clone(),
            },
            uptime: Uptime::new(self.expected, self.observed, self.hit),
            reliability,
            served: Served {
                units_share: Share::new(self.units.clone(), network_units.clone()),
                units: self.units,
                fees: tokens.in_fees(self.fees),
            },
            total: Totals {
                units: self.total_units,
                fees: tokens.in_fees(self.total_fees),
                batches: self.batches,
                receipts: self.receipts,
                earnings_undrawn: tokens.in_fees(self.earnings_undrawn),
                earnings_locked: tokens.in_fees(self.earnings_locked),
                earnings_claimable: tokens.in_fees(self.earnings_claimable),
                uptime_rewards: tokens.in_fees(self.uptime_rewards),
                faults: self.faults,
                slashed_stake: tokens.in_stake(self.slashed_stake),
                slashed_earnings: tokens.in_fees(self.slashed_earnings),
                refunded: tokens.in_fees(self.refunded),
            },
            verification: Verification {
                open_risk: tokens.in_fees(self.open_risk),
                batches_open: self.batches - self.batches_released,
                audits: self.audits,
                challenges: self.challenges,
                cases_open: self.cases_open,
                cases_lost: self.cases_lost,
            },
        }
    }
}

/// The state of an operator is the newest row at or below the block; a window is the difference of two totals. Every
/// operator is touched once by index for the key that it is sorted by, and only those of the page for the rest: conditions on
/// the key stand inside, where the database tests them before it looks anything up. Periods are looked up by the pair, so that
/// no plan can walk through a period's other operators.
pub(crate) async fn select<P>(view: &mut View<P>, periods: &Periods, selection: &Selection) -> Result<Vec<Row>> {
    let (after_key, after_id) = selection.after.clone().unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"with candidate as (
               select r.operator, $9::int * (case $8
                   when 'stake' then coalesce((
                       select stake_active from operator_account where operator = r.operator and block_number <= $1
                       order by block_number desc limit 1), 0)
                   when 'slashed' then coalesce((
                       select slashed_stake from operator_account where operator = r.operator and block_number <= $1
                       order by block_number desc limit 1), 0)
                   when 'reliability' then reliable.score_low::numeric
                   when 'incidents' then coalesce(reliable.incidents_total, 0)
                   when 'uptime' then served.hit::numeric / nullif(served.observed, 0)
                   when 'units' then coalesce(served.units, 0)
                   when 'fees' then coalesce(served.fees, 0)
                   when 'registered' then r.operator_index
               end) as sort_key
               from operator_registered r
               left join lateral (
                   select e.hit_total - coalesce(b.hit_total, 0) as hit,
                          e.observed_total - coalesce(b.observed_total, 0) as observed,
                          e.units_total - coalesce(b.units_total, 0) as units,
                          e.fees_total - coalesce(b.fees_total, 0) as fees
                   from (select where $8 in ('uptime', 'units', 'fees')) asked
                   left join lateral (
                       select * from operator_period where (operator, period) < (r.operator, $2)
                       order by operator desc, period desc limit 1
                   ) e on e.operator = r.operator
                   left join lateral (
                       select * from operator_period where (operator, period) < (r.operator, $3)
                       order by operator desc, period desc limit 1
                   ) b on b.operator = r.operator
               ) served on true
               left join lateral (
                   select score_low, incidents_total from operator_reliability q
                   where $8 in ('reliability', 'incidents')
                     and (q.operator, q.period) <= (r.operator, $13) and q.operator >= r.operator
                   order by q.operator desc, q.period desc limit 1
               ) reliable on true
               where r.block_number <= $1
                 and ($4::bytea is null or r.operator = $4)
                 and ($5::text is null or $5 = (
                     select status from operator_profile p where p.operator = r.operator and p.block_number <= $1
                     order by p.block_number desc limit 1
                 ))
                 and ($6::bytea is null or $6 = (
                     select domain from operator_profile p where p.operator = r.operator and p.block_number <= $1
                     order by p.block_number desc limit 1
                 ))
                 and ($14::text is null or $14 = (
                     select case when bool_or(d.state = 'alarmed') then 'alarmed'
                                 when bool_or(d.state = 'watching') then 'watching' else 'warming_up' end
                     from (values ('onset'), ('duration')) c(channel)
                     cross join lateral (
                         select state from operator_drift d
                         where d.operator = r.operator and d.channel = c.channel and d.period <= $13
                         order by d.period desc limit 1
                     ) d
                 ))
                 and ($7::bytea is null or (
                     select active from offering o
                     where o.operator = r.operator and o.model_id = $7 and o.block_number <= $1
                     order by o.block_number desc limit 1
                 ))
           ), page as (
               select operator, sort_key from candidate
               where $11::bytea is null
                  or case when $10::text is null then sort_key is null and operator > $11
                          else sort_key > $10::text::numeric
                               or (sort_key = $10::text::numeric and operator > $11) or sort_key is null end
               order by sort_key nulls last, operator
               limit $12
           )
           select page.operator as "id!: Address", p.operator_index as "index!", p.status as "status!: Status",
                  least(p.jailed_until, 253402300799)::bigint as "jailed_until!: Timestamp",
                  p.registered_at as "registered_at!: Timestamp", p.domain as "domain!: Hash",
                  p.endpoint as "endpoint!", p.commission_bps as "commission_bps!",
                  p.announced_bps as "announced_bps!",
                  least(p.announced_at, 253402300799)::bigint as "announced_at!: Timestamp",
                  p.signing_key as "signing_key!: Address", p.settler_key as "settler_key!: Address",
                  p.payout as "payout!: Address", coalesce(a.stake_active, 0) as "stake_active!: Amount",
                  coalesce(a.stake_own, 0) as "stake_own!: Amount",
                  coalesce(a.stake_thawing, 0) as "stake_thawing!: Amount",
                  coalesce(a.earnings_undrawn, 0) as "earnings_undrawn!: Amount",
                  coalesce(a.earnings_locked, 0) as "earnings_locked!: Amount",
                  coalesce(a.earnings_claimable, 0) as "earnings_claimable!: Amount",
                  coalesce(a.open_risk, 0) as "open_risk!: Amount", coalesce(a.batches, 0) as "batches!",
                  coalesce(a.batches_released, 0) as "batches_released!", coalesce(a.receipts, 0) as "receipts!: Amount",
                  coalesce(a.units, 0) as "total_units!: Amount", coalesce(a.fees, 0) as "total_fees!: Amount",
                  coalesce(a.slashed_stake, 0) as "slashed_stake!: Amount",
                  coalesce(a.slashed_earnings, 0) as "slashed_earnings!: Amount",
                  coalesce(a.refunded, 0) as "refunded!: Amount",
                  coalesce(a.uptime_rewards, 0) as "uptime_rewards!: Amount", coalesce(a.faults, 0) as "faults!",
                  coalesce(a.audits, 0) as "audits!", coalesce(a.challenges, 0) as "challenges!",
                  coalesce(a.cases_open, 0) as "cases_open!", coalesce(a.cases_lost, 0) as "cases_lost!",
                  coalesce(e.expected_total, 0) - coalesce(b.expected_total, 0) as "expected!",
                  coalesce(e.observed_total, 0) - coalesce(b.observed_total, 0) as "observed!",
                  coalesce(e.hit_total, 0) - coalesce(b.hit_total, 0) as "hit!",
                  coalesce(e.units_total, 0) - coalesce(b.units_total, 0) as "units!: Amount",
                  coalesce(e.fees_total, 0) - coalesce(b.fees_total, 0) as "fees!: Amount",
                  page.sort_key::text as sort_key
           from page
           cross join lateral (
               select * from operator_profile where operator = page.operator and block_number <= $1
               order by block_number desc limit 1
           ) p
           left join lateral (
               select * from operator_account where operator = page.operator and block_number <= $1
               order by block_number desc limit 1
           ) a on true
           left join lateral (
               select * from operator_period where (operator, period) < (page.operator, $2)
               order by operator desc, period desc limit 1
           ) e on e.operator = page.operator
           left join lateral (
               select * from operator_period where (operator, period) < (page.operator, $3)
               order by operator desc, period desc limit 1
           ) b on b.operator = page.operator
           order by page.sort_key nulls last, page.operator"#,
        view.at.block(),
        periods.end,
        periods.first,
        selection.one.as_ref().map(Address::as_bytes),
        selection.status.map(Status::name),
        selection.domain.as_ref().map(Hash::as_bytes),
        selection.model.as_ref().map(Hash::as_bytes),
        selection.sort.name(),
        match selection.order {
            Order::Asc => 1,
            Order::Desc => -1,
        },
        after_key.flatten(),
        after_id.as_ref().map(Address::as_bytes),
        selection.limit,
        view.at.period.unwrap_or(-1),
        selection.drift.map(DriftState::name),
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(rows)
}
