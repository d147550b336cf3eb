-- Totals of each edge against the movements along it.
with newest as (
    select distinct on (token, kind, from_class, to_class) * from flow_total where block_number <= $1
    order by token, kind, from_class, to_class, block_number desc
), moved as (
    select token, kind, from_class, to_class, sum(amount) as amount, count(*) as movements
    from flow where block_number <= $1 group by 1, 2, 3, 4
)
select concat_ws(' ', '0x' || encode(token, 'hex'), kind, from_class, to_class) as "key!", v.field as "field!",
       v.found as "rows!", v.derived as "derived!"
from newest n full join moved m using (token, kind, from_class, to_class)
cross join lateral (values
    ('amount', coalesce(n.amount, 0)::text, coalesce(m.amount, 0)::text),
    ('movements', coalesce(n.movements, 0)::text, coalesce(m.movements, 0)::text)
) v (field, found, derived)
