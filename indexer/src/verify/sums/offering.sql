-- Since when an operator serves a model: the first time that it was served after it last was not.
with account as (
    select distinct on (operator, model_id) * from offering where block_number <= $1
    order by operator, model_id, block_number desc
)
select '0x' || encode(a.operator, 'hex') || ' 0x' || encode(a.model_id, 'hex') as "key!", 'since' as "field!",
       a.since::text as "rows!", coalesce(s.timestamp::text, 'none') as "derived!"
from account a
left join lateral (
    select b.timestamp from model_served s join block b on b.number = s.block_number
    where s.operator = a.operator and s.model_id = a.model_id and s.block_number <= $1
      and not exists (
        -- An earlier one, with no end between the two.
        select from model_served e where e.operator = a.operator and e.model_id = a.model_id
          and (e.block_number, e.log_index) < (s.block_number, s.log_index)
          and not exists (
            select from model_unserved u where u.operator = a.operator and u.model_id = a.model_id
              and (u.block_number, u.log_index) > (e.block_number, e.log_index)
              and (u.block_number, u.log_index) < (s.block_number, s.log_index)))
    order by s.block_number desc, s.log_index desc limit 1) s on true
