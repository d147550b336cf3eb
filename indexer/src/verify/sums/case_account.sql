-- What of a case no contract keeps: its kind, the bond still held, whether it was punished.
with account as (
    select distinct on (case_id) * from case_account where block_number <= $1 order by case_id, block_number desc
), held as (
    select account, sum(amount) as amount from (
        select to_account as account, amount from flow where block_number <= $1 and to_class = 'bond'
        union all select from_account, -amount from flow where block_number <= $1 and from_class = 'bond') f
    group by 1
)
select 'case ' || a.case_id as "key!", v.field as "field!", v.found as "rows!", v.derived as "derived!"
from account a
left join challenge_opened c on c.case_id = a.case_id and c.block_number <= $1
left join case_closed d on d.case_id = a.case_id and d.block_number <= $1
-- The account of a bond is the case's number as a word.
left join held h on substring(h.account from 1 for 24) = '\x000000000000000000000000000000000000000000000000'::bytea
    and a.case_id = ('x' || encode(substring(h.account from 25 for 8), 'hex'))::bit(64)::bigint
cross join lateral (values
    ('kind', a.kind, case when c.case_id is null then 'audit' else 'challenge' end),
    ('bond', a.bond::text, coalesce(h.amount, 0)::text),
    ('punished', a.punished::text, coalesce(d.punished, false)::text)
) v (field, found, derived)
