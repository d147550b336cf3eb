-- Totals of operators against the facts that they sum; balances against the flows in and out of them.
with account as (
    select distinct on (operator) * from operator_account where block_number <= $1 order by operator, block_number desc
), batch as (
    select operator, count(*) as batches, sum(receipt_count) as receipts from batch_settled where block_number <= $1 group by 1
), released as (
    select operator, count(*) as batches from batch_released where block_number <= $1 group by 1
), fee as (
    select operator, count(*) as vouchers, sum(units) as units, sum(fee) as fees
    from fees_settled where block_number <= $1 group by 1
), fault as (
    select operator, count(*) as faults from (
        select operator from downtime_punished where block_number <= $1
        union all select operator from fault_punished where block_number <= $1) f group by 1
), opened as (
    select operator, count(*) filter (where kind = 'audit') as audits, count(*) filter (where kind = 'challenge') as challenges,
           count(*) filter (where stage <> 'closed') as cases_open,
           count(*) filter (where stage = 'closed' and verdict in ('failed', 'withheld')) as cases_lost
    from (select distinct on (case_id) * from case_account where block_number <= $1 order by case_id, block_number desc) c
    group by 1
), reward as (
    select operator, sum(paid + distributed) as rewards from reward_claimed where block_number <= $1 group by 1
), moved as (
    select operator,
           sum(amount) filter (where from_class like 'stake\_%' and kind like 'slash%') as slashed_stake,
           sum(amount) filter (where from_class like 'earnings\_%' and (kind like 'slash%' or kind = 'refund'))
               as slashed_earnings,
           sum(amount) filter (where kind = 'refund') as refunded
    from flow where block_number <= $1 group by 1
), held as (
    select account, class, sum(amount) as amount from (
        select to_account as account, to_class as class, amount from flow where block_number <= $1
        union all select from_account, from_class, -amount from flow where block_number <= $1) f
    where class in ('stake_active', 'stake_thawing', 'rewards', 'earnings_undrawn', 'earnings_locked', 'earnings_claimable')
    group by 1, 2
), balance as (
    select account, max(amount) filter (where class = 'stake_active') as stake_active,
           max(amount) filter (where class = 'stake_thawing') as stake_thawing,
           max(amount) filter (where class = 'rewards') as rewards,
           max(amount) filter (where class = 'earnings_undrawn') as earnings_undrawn,
           max(amount) filter (where class = 'earnings_locked') as earnings_locked,
           max(amount) filter (where class = 'earnings_claimable') as earnings_claimable
    from held group by 1
)
select '0x' || encode(a.operator, 'hex') as "key!", v.field as "field!", v.found as "rows!",
       v.derived as "derived!"
from account a
left join batch on batch.operator = a.operator
left join released on released.operator = a.operator
left join fee on fee.operator = a.operator
left join fault on fault.operator = a.operator
left join opened on opened.operator = a.operator
left join reward on reward.operator = a.operator
left join moved on moved.operator = a.operator
left join balance on balance.account = a.operator
cross join lateral (values
    ('batches', a.batches::text, coalesce(batch.batches, 0)::text),
    ('receipts', a.receipts::text, coalesce(batch.receipts, 0)::text),
    ('batches_released', a.batches_released::text, coalesce(released.batches, 0)::text),
    ('vouchers', a.vouchers::text, coalesce(fee.vouchers, 0)::text),
    ('units', a.units::text, coalesce(fee.units, 0)::text),
    ('fees', a.fees::text, coalesce(fee.fees, 0)::text),
    ('faults', a.faults::text, coalesce(fault.faults, 0)::text),
    ('audits', a.audits::text, coalesce(opened.audits, 0)::text),
    ('challenges', a.challenges::text, coalesce(opened.challenges, 0)::text),
    ('cases_open', a.cases_open::text, coalesce(opened.cases_open, 0)::text),
    ('cases_lost', a.cases_lost::text, coalesce(opened.cases_lost, 0)::text),
    ('uptime_rewards', a.uptime_rewards::text, coalesce(reward.rewards, 0)::text),
    ('slashed_stake', a.slashed_stake::text, coalesce(moved.slashed_stake, 0)::text),
    ('slashed_earnings', a.slashed_earnings::text, coalesce(moved.slashed_earnings, 0)::text),
    ('refunded', a.refunded::text, coalesce(moved.refunded, 0)::text),
    ('stake_active', a.stake_active::text, coalesce(balance.stake_active, 0)::text),
    ('stake_thawing', a.stake_thawing::text, coalesce(balance.stake_thawing, 0)::text),
    ('rewards', a.rewards::text, coalesce(balance.rewards, 0)::text),
    ('earnings_undrawn', a.earnings_undrawn::text, coalesce(balance.earnings_undrawn, 0)::text),
    ('earnings_locked', a.earnings_locked::text, coalesce(balance.earnings_locked, 0)::text),
    ('earnings_claimable', a.earnings_claimable::text, coalesce(balance.earnings_claimable, 0)::text)
) v (field, found, derived)
