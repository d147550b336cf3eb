-- What went through each channel's escrow, by the flows; and the deadlines as announced.
with account as (
    select distinct on (payer, operator) * from channel_account where block_number <= $1
    order by payer, operator, block_number desc
), moved as (
    select payer, operator, sum(deposited) as deposited, sum(settled) as settled, sum(returned) as returned from (
        select to_account as payer, operator, amount as deposited, 0 as settled, 0 as returned
        from flow where block_number <= $1 and to_class = 'escrow'
        union all
        select from_account, operator, 0, case when kind = 'exit' then 0 else amount end,
               case when kind = 'exit' then amount else 0 end
        from flow where block_number <= $1 and from_class = 'escrow') f
    group by 1, 2
), ended as (
    select payer, operator, block_number, log_index, 0 as exit_at from exit_cancelled where block_number <= $1
    union all select payer, operator, block_number, log_index, 0 from exit_finished where block_number <= $1
    union all select payer, operator, block_number, log_index, exit_at from exit_started where block_number <= $1
)
select '0x' || encode(a.payer, 'hex') || ' 0x' || encode(a.operator, 'hex') as "key!", v.field as "field!",
       v.found as "rows!", v.derived as "derived!"
from account a
left join moved m on m.payer = a.payer and m.operator = a.operator
left join lateral (select exit_at from ended e where e.payer = a.payer and e.operator = a.operator
                   order by block_number desc, log_index desc limit 1) e on true
cross join lateral (values
    ('deposited', a.deposited::text, coalesce(m.deposited, 0)::text),
    ('settled', a.settled::text, coalesce(m.settled, 0)::text),
    ('returned', a.returned::text, coalesce(m.returned, 0)::text),
    ('exit_at', a.exit_at::text, coalesce(e.exit_at, 0)::text)
) v (field, found, derived)
