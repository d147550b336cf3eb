-- What was credited and collected, by the flows.
with account as (
    select distinct on (class, account) * from credit_account where block_number <= $1
    order by class, account, block_number desc
), moved as (
    select class, account, sum(credited) as credited, sum(collected) as collected from (
        select to_class as class, to_account as account, amount as credited, 0 as collected
        from flow where block_number <= $1 and to_class in ('fee_credit', 'stake_credit', 'bond_credit')
        union all
        select from_class, from_account, 0, amount
        from flow where block_number <= $1 and from_class in ('fee_credit', 'stake_credit', 'bond_credit')) f
    group by 1, 2
)
select a.class || ' ' || '0x' || encode(a.account, 'hex') as "key!", v.field as "field!", v.found as "rows!",
       v.derived as "derived!"
from account a
left join moved m on m.class = a.class and m.account = a.account
cross join lateral (values
    ('balance', a.balance::text, (coalesce(m.credited, 0) - coalesce(m.collected, 0))::text),
    ('collected', a.collected::text, coalesce(m.collected, 0)::text)
) v (field, found, derived)
