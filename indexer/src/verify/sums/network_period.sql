-- Closed periods against the schedule, the ledger's facts and their operators.
with period as (
    select * from network_period where closed_by_block <= $1
), member as (
    select period, count(*) filter (where expected <> 0) as operators, sum(expected) as expected,
           sum(observed) as observed, sum(hit) as hit, sum(missed) as missed, sum(units) as units, sum(fees) as fees,
           sum(stake_own + stake_delegated) as stake
    from operator_period group by 1
), summed as (
    select period, sum(expected) over w as expected, sum(observed) over w as observed, sum(hit) over w as hit,
           sum(units) over w as units, sum(fees) over w as fees,
           lag(period) over w as previous
    from period window w as (order by period)
), schedule as (
    select genesis, slot_seconds * slots_per_period as seconds, slots_per_period, report_window
    from uptime_ledger_configured where block_number <= $1 limit 1
)
select 'period ' || p.period as "key!", v.field as "field!", v.found as "rows!", v.derived as "derived!"
from period p join summed s using (period) left join member m using (period) cross join schedule c
left join committee_drawn d on d.period = p.period and d.block_number <= p.closed_by_block
left join lateral (select length(replace(seats::int::bit(16)::text, '0', '')) as reports from period_reported r
                   where r.period = p.period and r.block_number <= p.closed_by_block
                   order by block_number desc, log_index desc limit 1) r on true
cross join lateral (values
    ('period', p.period::text, coalesce(s.previous + 1, p.period)::text),
    ('starts_at', p.starts_at::text, (c.genesis + p.period * c.seconds)::text),
    ('ends_at', p.ends_at::text, (c.genesis + (p.period + 1) * c.seconds)::text),
    ('slots', p.slots::text, c.slots_per_period::text),
    ('drawn', p.drawn::text, (d.period is not null)::text),
    ('reports', p.reports::text, coalesce(r.reports, 0)::text),
    ('closed_by_block', p.closed_by_block::text,
        coalesce((select number from block
                  where timestamp >= c.genesis + (p.period + 1) * c.seconds + c.report_window
                  order by number limit 1), -1)::text),
    ('operators', p.operators::text, coalesce(m.operators, 0)::text),
    ('expected', p.expected::text, coalesce(m.expected, 0)::text),
    ('observed', p.observed::text, coalesce(m.observed, 0)::text),
    ('hit', p.hit::text, coalesce(m.hit, 0)::text),
    ('missed', p.missed::text, coalesce(m.missed, 0)::text),
    ('units', p.units::text, coalesce(m.units, 0)::text),
    ('fees', p.fees::text, coalesce(m.fees, 0)::text),
    ('stake', p.stake::text, coalesce(m.stake, 0)::text),
    ('uptime', coalesce(p.uptime::text, 'null'),
        coalesce((p.hit::double precision / nullif(p.observed, 0))::text, 'null')),
    ('coverage', coalesce(p.coverage::text, 'null'),
        coalesce((p.observed::double precision / nullif(p.expected, 0))::text, 'null')),
    ('expected_total', p.expected_total::text, s.expected::text),
    ('observed_total', p.observed_total::text, s.observed::text),
    ('hit_total', p.hit_total::text, s.hit::text),
    ('units_total', p.units_total::text, s.units::text),
    ('fees_total', p.fees_total::text, s.fees::text)
) v (field, found, derived)
