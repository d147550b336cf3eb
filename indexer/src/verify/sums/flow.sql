-- Each movement belongs to a log of ours that is in the facts, and to the operator whose account it touches.
with log as (
    select block_number, log_index, operator, amount from deposited
    union all select block_number, log_index, operator, amount from exit_finished
    union all select block_number, log_index, operator, fee from fees_settled
    union all select block_number, log_index, operator, locked from batch_released
    union all select block_number, log_index, operator, amount from earnings_released
    union all select block_number, log_index, operator, paid from earnings_claimed
    union all select block_number, log_index, operator, amount from fees_distributed
    union all select block_number, log_index, operator, amount from rewards_claimed
    union all select block_number, log_index, null, amount from royalties_claimed
    union all select block_number, log_index, operator, refund + cut + burned + reserved from earnings_seized
    union all select block_number, log_index, operator, from_active + from_thawing from slashed
    union all select block_number, log_index, operator, dust from pool_reset
    union all select block_number, log_index, null, amount from credit_collected
    union all select block_number, log_index, null, amount from slashed_stake_collected
    union all select block_number, log_index, null, amount from bond_collected
    union all select block_number, log_index, null, received + release + burned from period_closed
    union all select block_number, log_index, operator, paid from reward_claimed
    union all select block_number, log_index, null, amount from rewards_expired
    union all select block_number, log_index, null, amount from surplus_burned
    union all select block_number, log_index, operator, bond from challenge_opened
    union all select b.block_number, b.log_index, c.operator, b.amount from bond_credited b
              join challenge_opened c using (case_id)
    union all select block_number, log_index, operator, assets from staked
    union all select block_number, log_index, operator, assets from thawed
    union all select block_number, log_index, operator, assets from withdrawn
), moved as (
    select block_number, log_index, sum(amount) as amount, count(*) as parts, max(part) + 1 as last_part,
           min(coalesce(encode(operator, 'hex'), 'none')) as operator, count(distinct operator) as operators
    from flow where block_number <= $1 group by 1, 2
), told as (
    select block_number, log_index, amount, coalesce(encode(operator, 'hex'), 'none') as operator
    from log where block_number <= $1 and amount > 0
)
select concat_ws(' ', 'block', block_number, 'log', log_index) as "key!", v.field as "field!", v.found as "rows!",
       v.derived as "derived!"
from moved m full join told t using (block_number, log_index)
cross join lateral (values
    ('amount', coalesce(m.amount, 0)::text, coalesce(t.amount, 0)::text),
    ('operator', coalesce(m.operator, 'none'), coalesce(t.operator, 'none')),
    ('part', coalesce(m.parts, 0)::text, coalesce(m.last_part, 0)::text)
) v (field, found, derived)
