-- Totals of models against the facts that they sum.
with account as (
    select distinct on (model_id) * from model_account where block_number <= $1 order by model_id, block_number desc
), fee as (
    select model_id, count(*) as vouchers, sum(units) as units, sum(fee) as fees
    from fees_settled where block_number <= $1 group by 1
), claimed as (
    select model_id, sum(amount) as amount from royalties_claimed where block_number <= $1 group by 1
), held as (
    select account, sum(amount) as amount from (
        select to_account as account, amount from flow where block_number <= $1 and to_class = 'royalties'
        union all select from_account, -amount from flow where block_number <= $1 and from_class = 'royalties') f
    group by 1
)
select '0x' || encode(a.model_id, 'hex') as "key!", v.field as "field!", v.found as "rows!",
       v.derived as "derived!"
from account a
left join fee on fee.model_id = a.model_id
left join claimed on claimed.model_id = a.model_id
left join held on held.account = a.model_id
cross join lateral (values
    ('vouchers', a.vouchers::text, coalesce(fee.vouchers, 0)::text),
    ('units', a.units::text, coalesce(fee.units, 0)::text),
    ('fees', a.fees::text, coalesce(fee.fees, 0)::text),
    ('royalties', a.royalties::text, coalesce(held.amount, 0)::text),
    ('royalties_claimed', a.royalties_claimed::text, coalesce(claimed.amount, 0)::text)
) v (field, found, derived)
