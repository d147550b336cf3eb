-- A network that has settled for 30 days: {operators} operators, {blocks} blocks, {logs} settlements in each, in the schema of
-- the migrations. `make bench-api` replaces the names in braces. Keys between tables hold by construction, so that they need
-- not be checked row by row.
set session_replication_role = replica;
set synchronous_commit = off;

create function addr(n bigint) returns bytea language sql immutable return decode(lpad(lpad(to_hex(n), 8, '0'), 40, 'abcdef'), 'hex');
create function word(n bigint) returns bytea language sql immutable return decode(lpad(to_hex(n), 64, '0'), 'hex');
-- Unix seconds of a block.
create function at(b bigint) returns bigint language sql immutable return 1767225600 + 30 * b;

insert into deployment (chain_id, genesis_hash, start_block, model_registry, operator_registry, stake_vault, inference_settlement,
                        uptime_ledger, slasher, price_oracle, reward_reserve, block_randomness, verifier_registry, judge_committee,
                        stress_gauge, case_docket, audit_manager, challenge_manager)
values (31337, word(0), 1, addr(901), addr(902), addr(903), addr(904), addr(905), addr(906), addr(907), addr(908), addr(909),
        addr(910), addr(911), addr(912), addr(913), addr(914), addr(915));
insert into token values (addr(801), 'STK', 18), (addr(802), 'FEE', 6);
insert into block (number, hash, timestamp, empty) select b, word(b), at(b), false from generate_series(1::bigint, {blocks}) b;
insert into chain_head (number, finalized_number, observed_at) values ({blocks}, {blocks} - 1, now());

insert into operator_registry_configured values (1, 1, word(1), addr(901), addr(903), 86400);
insert into stake_vault_configured values
    (1, 2, word(1), addr(801), addr(802), addr(701), 100, 1, 1987200, 604800, 604800, 604800, 172800);
-- Periods of an hour, slots of five minutes.
insert into uptime_ledger_configured values (1, 3, word(1), addr(902), at(0), 300, 12, 300);
insert into inference_settlement_configured values
    (1, 4, word(1), addr(802), addr(902), addr(901), addr(903), addr(702), 500, 604800, 86400);
insert into slasher_configured values (1, 5, word(1), addr(905), addr(902), addr(903), addr(904), 604800, 259200, 0);
insert into downtime_penalty_changed values (1, 6, word(1), 0, 0, 0, 0, 0, 0, 1000, 100, 500, 3, 30, 3600);

insert into operator_registered select 2, n, word(2), addr(n), n - 1 from generate_series(1::bigint, {operators}) n;
insert into operator_profile
select 2, addr(n), n - 1, at(2), 'active', 0, addr(100000 + n), decode(repeat('00', 20), 'hex'), addr(n),
       decode(rpad(encode(convert_to('region-' || n % 7, 'UTF8'), 'hex'), 64, '0'), 'hex'), 'https://op' || n || '.example', 1000, 1000, 0
from generate_series(1::bigint, {operators}) n;
insert into key_rotated
select 2, 100000 + n, word(2), addr(n), decode(repeat('00', 20), 'hex'), addr(100000 + n) from generate_series(1::bigint, {operators}) n;

insert into model_registered select 3 + n / 50, 200000 + n, word(n), addr(500000 + n), word(n), word(n / 2), word(0) from generate_series(1::bigint, 200) n;
insert into version_published select 3 + n / 50, 300000 + n, word(n), word(n), 1, word(n), 'proof', 1, '' from generate_series(1::bigint, 200) n;
insert into offering select 10, addr(n), word(1 + (n + m) % 200), true, 1, 0, 100, at(10)
from generate_series(1::bigint, {operators}) n, generate_series(1::bigint, 5) m;

-- Indexes of the two large tables are made at the end, at once.
create temporary table index_of_large as
select indexname as name, indexdef as definition from pg_indexes
where tablename in ('fees_settled', 'flow') and indexname not like '%pkey';
do $$ declare index record; begin
    for index in select * from index_of_large loop execute format('drop index %I', index.name); end loop;
end $$;

-- One batch in each block; the operators take turns, and five payers each pay by turns.
insert into batch_settled
select b, 0, word(b), addr(1 + b % {operators}), b, word(b), {logs}, 1000 * {logs}, 1000 * {logs}, '' from generate_series(20::bigint, {blocks}) b;
insert into fees_settled
select b, l, word(b), addr(1 + b % {operators}), addr(1000000 + (b % {operators}) * 5 + l % 5), word(1 + (b + l) % 200), b, 10, 1000, 0, 0
from generate_series(20::bigint, {blocks}) b, generate_series(1::bigint, {logs}) l;
insert into flow (block_number, log_index, part, kind, token, from_class, from_account, to_class, to_account, operator, amount)
select b, l, 0, 'fee', addr(802), 'escrow', addr(1000000 + (b % {operators}) * 5 + l % 5), 'earnings_undrawn', addr(1 + b % {operators}),
       addr(1 + b % {operators}), 1000
from generate_series(20::bigint, {blocks}) b, generate_series(1::bigint, {logs}) l;
insert into flow_total
select b, addr(802), 'fee', 'escrow', 'earnings_undrawn', 1000 * {logs} * (b - 19), {logs} * (b - 19) from generate_series(20::bigint, {blocks}) b;
insert into batch_drawn
select b, 300, word(b), addr(1 + b % {operators}), b, b, b, word(b), 10000000000000000 from generate_series(20::bigint, {blocks}) b;
insert into batch_released select b, 301, word(b), addr(1 + b % {operators}), b, 0, 0 from generate_series(20::bigint, {blocks}) b;

-- What all this leaves of each account, at the block that changed it.
insert into operator_account (block_number, operator, stake_active, stake_own, stake_thawing, shares, own_shares, generation, rewards,
    earnings_undrawn, earnings_locked, earnings_claimable, open_risk, batches, batches_released, receipts, vouchers, units, fees,
    slashed_stake, slashed_earnings, refunded, faults, audits, challenges, cases_open, cases_lost, uptime_rewards)
select b, addr(n), n * 1e18, n * 5e17, 0, n * 1e24, n * 5e23, 0, 0, k * 1000 * {logs}, 0, 0, 0, k, k, k * {logs}, k * {logs}, k * 10 * {logs},
       k * 1000 * {logs}, 0, 0, 0, 0, 0, 0, 0, 0, 0
from (select b, 1 + b % {operators} as n, row_number() over (partition by b % {operators} order by b) as k
      from generate_series(20::bigint, {blocks}) b) turn;
insert into operator_account (block_number, operator, stake_active, stake_own, stake_thawing, shares, own_shares, generation, rewards,
    earnings_undrawn, earnings_locked, earnings_claimable, open_risk, batches, batches_released, receipts, vouchers, units, fees,
    slashed_stake, slashed_earnings, refunded, faults, audits, challenges, cases_open, cases_lost, uptime_rewards)
select 2, addr(n), n * 1e18, n * 5e17, 0, n * 1e24, n * 5e23, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
from generate_series(1::bigint, {operators}) n;
insert into channel_account
select max(block_number), payer, operator, 1000000000000, sum(fee), 0, 0, 0 from fees_settled group by payer, operator;
insert into model_account
select max(block_number), model_id, addr(5), decode(repeat('00', 20), 'hex'), 1, false, count(*), sum(units), sum(fee), 0, 0
from fees_settled group by model_id;

-- Every hundredth batch is audited and passes; every thousandth block an operator is punished.
insert into audit_opened
select b, 302, word(b), addr(1 + b % {operators}), b / 100, b, 0, 1000, 1 from generate_series(100::bigint, {blocks}, 100) b;
insert into leaf_requested
select b, 303, word(b), addr(1 + b % {operators}), b / 100, word(b), 0 from generate_series(100::bigint, {blocks}, 100) b;
insert into leaf_answered select b, 305, word(b), addr(1 + b % {operators}), b / 100, addr(5) from generate_series(100::bigint, {blocks}, 100) b;
insert into case_decided select b, 307, word(b), addr(1), b / 100, 'passed', 0 from generate_series(100::bigint, {blocks}, 100) b;
insert into case_closed
select b, 308, word(b), addr(1 + b % {operators}), b / 100, 'passed', true from generate_series(100::bigint, {blocks}, 100) b;
insert into case_account
select b, b / 100, 'audit', addr(1 + b % {operators}), at(b), b, addr(5), 'closed', 'passed', 0, 0, 0, addr(5),
       addr(1000000 + (b % {operators}) * 5), word(1), word(b), 1, 0, false
from generate_series(100::bigint, {blocks}, 100) b;
insert into downtime_punished
select b, 310, word(b), addr(1 + (b / 7) % {operators}), b / 120, addr(5), 12, 12, 1, 7, 0, 0 from generate_series(1000::bigint, {blocks}, 1000) b;
insert into outage_weighed select b, 309, word(b), b / 120, 100, 100, 10000 from generate_series(1000::bigint, {blocks}, 1000) b;
insert into flow (block_number, log_index, part, kind, token, from_class, from_account, to_class, to_account, operator, amount)
select b, 310, 0, 'slash', addr(801), 'stake_active', addr(1 + (b / 7) % {operators}), 'stake_credit', addr(701),
       addr(1 + (b / 7) % {operators}), 7
from generate_series(1000::bigint, {blocks}, 1000) b;
insert into flow_total
select b, addr(801), 'slash', 'stake_active', 'stake_credit', 7 * (b / 1000), b / 1000 from generate_series(1000::bigint, {blocks}, 1000) b;

insert into network_account
select b, {operators}, {operators}, 0, 0, 0, 200, 0, b - 19, b - 19, (b - 19) * {logs}, (b - 19) * {logs}, (b - 19) * 10 * {logs},
       (b - 19) * 1000 * {logs}, 7 * (b / 1000), 0, 0, b / 1000, b / 100, 0, 0, 0, 0, 0, 5000000000000000, (b - 19) * 1000 * {logs}, 0, 0, 0, 0,
       {operators} * 5e20, 0, 7 * (b / 1000), 0, 0, 0, 0, 0, 0, 0
from generate_series(20::bigint, {blocks}) b;

-- Periods: now and then an operator misses its last slot.
insert into operator_period
select p, addr(n), 12, 12, 12 - miss, miss, 0, b'111111111111', case miss when 0 then b'111111111111' else b'111111111110' end,
       (12 - miss) / 12.0, 0.6, 1, 10 * settled, 1000 * settled, n * 5e17, n * 5e17, 0, 12 * (p + 1), 12 * (p + 1),
       12 * (p + 1) - sum(miss) over run, sum(10 * settled) over run, sum(1000 * settled) over run
from (select p, n, ((31 * p + 17 * n) % 40 = 0)::int as miss, {logs} * 120 / {operators} as settled
      from generate_series(0::bigint, {periods} - 1) p, generate_series(1::bigint, {operators}) n) seen
window run as (partition by n order by p);
insert into network_period
select period, 20 + 120 * (period + 1), at(120 * period), at(120 * (period + 1)), 12, true, 7, count(*), sum(expected), sum(observed), sum(hit),
       sum(missed), sum(hit)::float8 / sum(observed), 1, sum(units), sum(fees), sum(stake_own + stake_delegated), sum(expected_total),
       sum(observed_total), sum(hit_total), sum(units_total), sum(fees_total)
from operator_period group by period;
insert into network_concentration (period, basis, total, top1_share, top3_share, hhi, effective_operators, gini, nakamoto_third,
    nakamoto_half, nakamoto_two_thirds)
select p, basis, 1000000, 0.002, 0.006, 0.0013, 750, 0.33, 184, 293, 423
from generate_series(0::bigint, {periods} - 1) p, unnest('{stake,units,fees}'::text[]) basis;
insert into committee_drawn select 120 * p + 3, 400, word(p), p, word(p), {operators}, '{1,2,3,4,5,6,7}' from generate_series(0::bigint, {periods} - 1) p;
insert into period_reported select 120 * (p + 1) + 5, 401, word(p), p, addr(5), 127, word(p), '', '', '' from generate_series(0::bigint, {periods} - 1) p;
insert into multiplier_updated select b, 402, word(b), 1, 10000, 1, 1, 1, 1, 1, 1, 1 from generate_series(120::bigint, {blocks}, 120) b;

-- What is derived when a period closes: reliability, service, detectors, dependency, core, incentives.
insert into operator_reliability
select p.period, p.operator, 0, p.missed = 0, p.missed, sum(p.missed) over run, sum(p.missed) over run, 0,
       case when sum(p.missed) over run > 0 then 1 end, case when p.missed > 0 then p.period end, case when p.missed > 0 then 11 end,
       p.missed, 0, p.hit_total, sum(p.missed) over run, sum(p.missed) over run, sum(p.missed) over run, p.hit_total,
       sum(p.missed) over run, 0.998, 0.99, p.operator <> addr(13)
from operator_period p window run as (partition by operator order by period);
insert into operator_service
select period, operator, operator, null, stake_own + stake_delegated, stake_own + stake_delegated,
       (stake_own + stake_delegated) * (period + 1), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
from operator_period;
insert into operator_drift
select period, operator, channel, case when period < 168 then 'warming_up' else 'watching' end, case when period < 168 then 0 else 168 end,
       0.5, 15.97, case when period >= 168 then 0.002 end, case when period >= 168 then 0.01 end, hit_total, period / 40, null
from operator_period, unnest('{onset,duration}'::text[]) channel;
insert into operator_latency
select period, operator, array_fill(1::bigint, array[40]) from operator_period where period % 24 = 23;
insert into incident
select operator, period, 11, at(120 * period + 110), null, false from operator_period where missed > 0;
insert into incident_end
select operator, period, 11, period + 1, 0, at(120 * (period + 1)), 1, 0
from operator_period where missed > 0 and period < {periods} - 1;
insert into drift_alarm
select p, 11, addr(1 + p * 7 % {operators}), 'onset', at(120 * (p + 1)), 16, 15.97, 0.002, 0.01, false
from generate_series(200::bigint, {periods} - 1, 24) p;
insert into network_reliability
select period, 1, sum(incidents), sum(incidents_total), sum(open_missed), sum(missed_total), 0, 1, 0, 0, sum(onset_steps_total),
       sum(onsets_total), sum(recovery_steps_total), sum(recoveries_total), 12 * (period + 1), sum(missed_total), 1,
       case when period < 168 then count(*) else 0 end, case when period < 168 then 0 else count(*) end, 0, 0, 0, 0
from operator_reliability group by period;
insert into network_dependency
select p, greatest(p - 167, 0), 750, 749, 990, -0.27, 0.001, -0.28, {operators}, {operators} - 1, 0.999, 749, null, 300,
       '{1,0.998,0.996,0.994,0.992,0.99,0.988,0.986,0.984,0.982,0.98}', 1, null, null
from generate_series(0::bigint, {periods} - 1) p;
insert into network_core select p, {operators} / 2, 0.501, 0, 0, 1, 1, p from generate_series(0::bigint, {periods} - 1) p;
insert into core_member
select p, addr(n), n, 100000, 0.001, 0 from generate_series(0::bigint, {periods} - 1) p, generate_series(1::bigint, {operators} / 2) n;
insert into network_incentive
select p, 1000000, 1000, 500, 500, 400, 1000 * (p + 1), 500 * (p + 1), 500 * (p + 1), 400 * (p + 1), null, 0.5, {operators}, 0, 0, 0, 0, 0,
       1000000, 0, 0, 0, -0.1, 0.1
from generate_series(0::bigint, {periods} - 1) p;
insert into network_verification
select p, mode, 30000, 30000 * (p + 1), 3000000 * (p + 1), 1, p + 1, 7, 7 * (p + 1), 0, 0, 0.03, 0.2
from generate_series(0::bigint, {periods} - 1) p, unnest('{reexecution,tolerance,attested,proof,unknown}'::text[]) mode;
reset session_replication_role;

do $$ declare index record; begin
    for index in select * from index_of_large loop execute index.definition; end loop;
end $$;
