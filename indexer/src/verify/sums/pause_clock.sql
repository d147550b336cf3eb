-- When the newest pause began and was to end, or ended.
select 'the settlement''s' as "key!", v.field as "field!", v.found as "rows!", v.derived as "derived!"
from (select * from pause_clock where block_number <= $1 order by block_number desc limit 1) c
left join lateral (select b.timestamp, p.until, p.block_number from paused p join block b on b.number = p.block_number
                   where p.block_number <= $1 order by p.block_number desc limit 1) p on true
left join lateral (select b.timestamp from unpaused u join block b on b.number = u.block_number
                   where u.block_number <= $1 and u.block_number > p.block_number
                   order by u.block_number desc limit 1) u on true
cross join lateral (values
    ('started_at', c.started_at::text, p.timestamp::text),
    ('ends_at', c.ends_at::text, coalesce(u.timestamp::numeric, p.until)::text)
) v (field, found, derived)
