-- Sums of the network against what they sum.
with account as (
    select * from network_account where block_number <= $1 order by block_number desc limit 1
), profile as (
    select count(*) as operators, count(*) filter (where status = 'active') as active,
           count(*) filter (where status = 'inactive') as inactive, count(*) filter (where status = 'jailed') as jailed, count(*) filter (where status = 'exiting') as exiting,
           count(*) filter (where status = 'tombstoned') as tombstoned
    from (select distinct on (operator) status from operator_profile where block_number <= $1
          order by operator, block_number desc) p
), model as (
    select count(*) as models, count(*) filter (where retired) as retired
    from (select distinct on (model_id) retired from model_account where block_number <= $1
          order by model_id, block_number desc) m
), operator as (
    select sum(batches) as batches, sum(batches_released) as batches_released, sum(receipts) as receipts,
           sum(vouchers) as vouchers, sum(units) as units, sum(fees) as fees, sum(slashed_stake) as slashed_stake,
           sum(slashed_earnings) as slashed_earnings, sum(refunded) as refunded, sum(faults) as faults,
           sum(audits) as audits, sum(challenges) as challenges, sum(cases_open) as cases_open,
           sum(cases_lost) as cases_lost, sum(uptime_rewards) as uptime_rewards, sum(open_risk) as open_risk
    from (select distinct on (operator) * from operator_account where block_number <= $1
          order by operator, block_number desc) o
), held as (
    select class, sum(amount) as amount from (
        select to_class as class, amount from flow where block_number <= $1
        union all select from_class, -amount from flow where block_number <= $1) f
    group by 1
)
select 'all' as "key!", v.field as "field!", v.found as "rows!", v.derived as "derived!"
from account a cross join profile cross join model cross join operator o
cross join lateral (
    select * from (values
        ('operators', a.operators::text, profile.operators::text),
        ('operators_active', a.operators_active::text, profile.active::text),
        ('operators_inactive', a.operators_inactive::text, profile.inactive::text),
        ('operators_jailed', a.operators_jailed::text, profile.jailed::text),
        ('operators_exiting', a.operators_exiting::text, profile.exiting::text),
        ('operators_tombstoned', a.operators_tombstoned::text, profile.tombstoned::text),
        ('models', a.models::text, model.models::text),
        ('models_retired', a.models_retired::text, model.retired::text),
        ('batches', a.batches::text, coalesce(o.batches, 0)::text),
        ('batches_released', a.batches_released::text, coalesce(o.batches_released, 0)::text),
        ('receipts', a.receipts::text, coalesce(o.receipts, 0)::text),
        ('vouchers', a.vouchers::text, coalesce(o.vouchers, 0)::text),
        ('units', a.units::text, coalesce(o.units, 0)::text),
        ('fees', a.fees::text, coalesce(o.fees, 0)::text),
        ('slashed_stake', a.slashed_stake::text, coalesce(o.slashed_stake, 0)::text),
        ('slashed_earnings', a.slashed_earnings::text, coalesce(o.slashed_earnings, 0)::text),
        ('refunded', a.refunded::text, coalesce(o.refunded, 0)::text),
        ('faults', a.faults::text, coalesce(o.faults, 0)::text),
        ('audits', a.audits::text, coalesce(o.audits, 0)::text),
        ('challenges', a.challenges::text, coalesce(o.challenges, 0)::text),
        ('cases_open', a.cases_open::text, coalesce(o.cases_open, 0)::text),
        ('cases_lost', a.cases_lost::text, coalesce(o.cases_lost, 0)::text),
        ('uptime_rewards', a.uptime_rewards::text, coalesce(o.uptime_rewards, 0)::text),
        ('open_risk', a.open_risk::text, coalesce(o.open_risk, 0)::text)
    ) sums (field, found, derived)
    union all
    select c.class, c.found::text, coalesce(h.amount, 0)::text
    from (values
        ('escrow', a.escrow), ('earnings_undrawn', a.earnings_undrawn), ('earnings_locked', a.earnings_locked),
        ('earnings_claimable', a.earnings_claimable), ('royalties', a.royalties), ('fee_credit', a.fee_credit),
        ('stake_active', a.stake_active), ('stake_thawing', a.stake_thawing), ('stake_credit', a.stake_credit),
        ('rewards', a.rewards), ('reserve_pending', a.reserve_pending), ('reserve', a.reserve),
        ('reward_owed', a.reward_owed), ('unburned', a.unburned), ('bond', a.bond), ('bond_credit', a.bond_credit)
    ) c (class, found) left join held h on h.class = c.class
) v
