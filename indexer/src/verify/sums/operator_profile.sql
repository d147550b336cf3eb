-- What of an operator's profile no contract can be asked for.
with profile as (
    select distinct on (operator) * from operator_profile where block_number <= $1 order by operator, block_number desc
)
select '0x' || encode(p.operator, 'hex') as "key!", v.field as "field!", v.found as "rows!",
       v.derived as "derived!"
from profile p
left join lateral (select timestamp from operator_registered r join block b on b.number = r.block_number
                   where r.operator = p.operator and r.block_number <= $1) registered on true
left join lateral (select endpoint from endpoint_changed e where e.operator = p.operator and block_number <= $1
                   order by block_number desc, log_index desc limit 1) moved on true
left join lateral (select commission_bps, effective_at from commission_announced c
                   where c.operator = p.operator and block_number <= $1
                   order by block_number desc, log_index desc limit 1) announced on true
-- An announcement is the commission once it binds, at once or by when the next is made.
left join lateral (select commission_bps
                   from (select c.block_number, c.log_index, c.commission_bps, c.effective_at,
                                lead(b.timestamp, 1, b.timestamp) over (order by c.block_number, c.log_index) as next_at
                         from commission_announced c join block b on b.number = c.block_number
                         where c.operator = p.operator and c.block_number <= $1) c
                   where effective_at <= next_at
                   order by block_number desc, log_index desc limit 1) before on true
cross join lateral (values
    ('registered_at', p.registered_at::text, coalesce(registered.timestamp::text, 'none')),
    ('endpoint', p.endpoint, coalesce(moved.endpoint, '')),
    ('commission_bps', p.commission_bps::text, coalesce(before.commission_bps, 0)::text),
    ('announced_bps', p.announced_bps::text, coalesce(announced.commission_bps, 0)::text),
    ('announced_at', p.announced_at::text, coalesce(announced.effective_at, 0)::text)
) v (field, found, derived)
