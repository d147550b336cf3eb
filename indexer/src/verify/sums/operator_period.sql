-- What operators settled in each closed period and held at its end, and sums over all periods until then.
with period as (
    select p.*, n.starts_at, n.ends_at from operator_period p join network_period n using (period)
    where n.closed_by_block <= $1
), summed as (
    select period, operator, sum(expected) over w as expected, sum(observed) over w as observed, sum(hit) over w as hit,
           sum(units) over w as units, sum(fees) over w as fees
    from period window w as (partition by operator order by period)
), fee as (
    select n.period, f.operator, sum(f.units) as units, sum(f.fee) as fees
    from fees_settled f join block b on b.number = f.block_number
    join network_period n on b.timestamp >= n.starts_at and b.timestamp < n.ends_at
    where f.block_number <= $1 group by 1, 2
)
select '0x' || encode(p.operator, 'hex') || ' in period ' || p.period as "key!", v.field as "field!",
       v.found as "rows!", v.derived as "derived!"
from period p
join summed s using (period, operator)
left join fee f using (period, operator)
left join lateral (select stake_own, stake_active - stake_own as stake_delegated, stake_thawing
                   from operator_account a
                   where a.operator = p.operator and a.block_number <=
                     (select number from block where timestamp < p.ends_at order by timestamp desc, number desc limit 1)
                   order by a.block_number desc limit 1) a on true
cross join lateral (values
    ('unobserved', p.unobserved::text, (p.expected - p.observed)::text),
    ('units', p.units::text, coalesce(f.units, 0)::text),
    ('fees', p.fees::text, coalesce(f.fees, 0)::text),
    ('stake_own', p.stake_own::text, coalesce(a.stake_own, 0)::text),
    ('stake_delegated', p.stake_delegated::text, coalesce(a.stake_delegated, 0)::text),
    ('stake_thawing', p.stake_thawing::text, coalesce(a.stake_thawing, 0)::text),
    ('expected_total', p.expected_total::text, s.expected::text),
    ('observed_total', p.observed_total::text, s.observed::text),
    ('hit_total', p.hit_total::text, s.hit::text),
    ('units_total', p.units_total::text, s.units::text),
    ('fees_total', p.fees_total::text, s.fees::text)
) v (field, found, derived)
