-- What somebody may want to be woken for. Each alert belongs to the block that made it true and goes with it in a reorg. Its
-- id names what, where and on which fork: kind, block, log or period and subject, and the beginning of the block's hash.
--   slash     an operator was punished
--   drift     a detector of an operator crossed its threshold
--   incident  an operator's incident began in a closed period, or ended in one
--   network   a detector of the network crossed its threshold, or many operators failed together
create view alert as
with raised as (
    select 'slash' as kind, block_number, log_index, tx_hash, operator, period, log_index::text as subject,
           jsonb_build_object(
               'fault', 'downtime', 'observed_slots', observed_slots, 'missed_slots', missed_slots, 'strikes', strikes,
               'earnings_taken', earnings_taken::text, 'principal_taken', principal_taken::text,
               'jailed', jailed_until > 0, 'tombstoned', false) as detail
    from downtime_punished
    union all
    select 'slash', block_number, log_index, tx_hash, operator, null, log_index::text,
           jsonb_build_object(
               'fault', fault, 'earnings_taken', earnings_taken::text, 'principal_taken', principal_taken::text,
               'jailed', jailed_until > 0, 'tombstoned', tombstoned)
    from fault_punished
    -- Each source finds the period of a block by itself, so that a few blocks never cost a whole table.
    union all
    select 'drift', n.closed_by_block, null, null, operator, a.period,
           a.period || '-' || slot || ':' || channel || ':' || encode(operator, 'hex'),
           jsonb_build_object(
               'channel', channel, 'slot', slot, 'at', at, 'statistic', statistic, 'threshold', threshold,
               'baseline_rate', baseline_rate, 'alternative_rate', alternative_rate, 'renewed', renewed)
    from network_period n join drift_alarm a on a.period = n.period
    union all
    select 'incident', n.closed_by_block, null, null, operator, i.period,
           i.period || '-' || slot || ':began:' || encode(operator, 'hex'),
           jsonb_build_object('state', 'began', 'slot', slot, 'at', started_at, 'common_mode', common_mode)
    from network_period n join incident i on i.period = n.period
    union all
    select 'incident', n.closed_by_block, null, null, operator, ended_period,
           e.period || '-' || slot || ':ended:' || encode(operator, 'hex'),
           jsonb_build_object(
               'state', 'ended', 'slot', slot, 'at', ended_at, 'began_in_period', e.period, 'ended_slot', ended_slot,
               'missed', e.missed, 'common_missed', e.common_missed)
    from network_period n join incident_end e on e.ended_period = n.period
    union all
    select 'network', n.closed_by_block, null, null, null, a.period, a.period || '-' || ordinal || ':' || channel,
           jsonb_build_object(
               'channel', channel, 'direction', direction, 'at', at, 'slot', slot, 'domain', encode(domain, 'hex'),
               'value', value, 'statistic', statistic, 'threshold', threshold, 'renewed', renewed)
    from network_period n join network_alarm a on a.period = n.period
)
select kind || ':' || block_number || ':' || subject || ':' || left(encode(hash, 'hex'), 16) as id,
       kind, block_number, hash as block_hash, timestamp as block_time,
       log_index, -- null for what a closed period tells
       tx_hash,   -- likewise
       operator,  -- null when it is the network
       period,    -- null for a punishment of no period
       detail
from raised join block on number = block_number;
