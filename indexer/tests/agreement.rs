//! The rows agree with what the contracts say of themselves at the same block, to the base unit.

mod common;

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256, hex};
use alloy::providers::Provider as _;
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent as _;
use anyhow::Context as _;
use common::{Anyhow, Database, World};
use plumbline_protocol::{
    AuditManager, CaseDocket, ChallengeManager, InferenceSettlement, OperatorRegistry, RewardReserve, StakeVault,
    StressGauge, TestToken, UptimeLedger,
};

/// An account as a literal of PostgreSQL.
fn literal(bytes: impl AsRef<[u8]>) -> String {
    format!("'\\x{}'::bytea", hex::encode(bytes))
}

/// The newest row of a key, its columns as text; in an expression a tilde stands for a space.
async fn newest(database: &Database, table: &str, columns: &str, key: &str) -> Anyhow<Vec<String>> {
    let columns: Vec<String> = columns
        .split_whitespace()
        .map(|column| format!("({})::text", column.replace('~', " ")))
        .collect();
    let sql = format!(
        "select {} from {table} where {key} order by block_number desc limit 1",
        columns.join(", ")
    );
    database
        .rows(&sql)
        .await?
        .pop()
        .ok_or_else(|| anyhow::anyhow!("no row of {table} where {key}"))
}

fn texts<const N: usize>(values: [&dyn ToString; N]) -> Vec<String> {
    values.iter().map(|value| value.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn stakes_earnings_and_profiles_of_operators_agree() -> Anyhow {
    let (world, database) = World::lived().await?;
    let contracts = world.deployment.contracts;
    let vault = StakeVault::new(contracts.stake_vault, &world.provider);
    let settlement = InferenceSettlement::new(contracts.inference_settlement, &world.provider);
    let registry = OperatorRegistry::new(contracts.operator_registry, &world.provider);
    for operator in world.operators.iter().map(|operator| operator.address) {
        let key = format!("operator = {}", literal(operator));
        let pool = vault.pool(operator).call().await?;
        let own = vault.stakeOf(operator, operator).call().await?;
        let columns = "stake_active stake_thawing shares generation stake_own";
        let expected = texts([&pool.assets, &pool.thawAssets, &pool.shares, &pool.generation, &own]);
        assert_eq!(newest(&database, "operator_account", columns, &key).await?, expected);

        let open_risk = settlement.coverage(operator).call().await?.openRisk;
        assert_eq!(
            newest(&database, "operator_account", "open_risk", &key).await?,
            texts([&open_risk])
        );

        // The contract counts matured buckets as claimable before it says so; the sum is the same.
        let earnings = settlement.earnings(operator).call().await?;
        let columns = "earnings_undrawn earnings_locked+earnings_claimable";
        let expected = texts([&earnings.undrawn, &(earnings.locked + earnings.claimable)]);
        assert_eq!(newest(&database, "operator_account", columns, &key).await?, expected);

        let record = registry.operatorOf(operator).call().await?;
        let status = ["none", "active", "jailed", "exiting", "tombstoned"][usize::from(record.status)];
        let in_force = registry.commissionOf(operator).call().await?;
        let now = world.head().await?.1;
        let commission = format!("case when announced_at <= {now} then announced_bps else commission_bps end");
        let sql = format!(
            "select status, operator_index::text, jailed_until::text,
                                  encode(signing_key, 'hex'), encode(settler_key, 'hex'), encode(payout, 'hex'),
                                  encode(domain, 'hex'), ({commission})::text
                           from operator_profile where {key} order by block_number desc limit 1"
        );
        let expected = texts([
            &status,
            &record.index,
            &record.jailedUntil,
            &hex::encode(record.signingKey),
            &hex::encode(record.settlerKey),
            &hex::encode(record.payout),
            &hex::encode(record.domain),
            &in_force,
        ]);
        assert_eq!(database.rows(&sql).await?, [expected]);

        let offering = registry.offering(operator, world.model_id).call().await?;
        let key = format!("{key} and model_id = {}", literal(world.model_id));
        let expected = texts([
            &offering.active,
            &offering.version,
            &offering.royaltyBps,
            &offering.pricePerUnit,
        ]);
        assert_eq!(
            newest(&database, "offering", "active version royalty_bps price_per_unit", &key).await?,
            expected
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_royalties_and_credits_agree() -> Anyhow {
    let (world, database) = World::lived().await?;
    let contracts = world.deployment.contracts;
    let settlement = InferenceSettlement::new(contracts.inference_settlement, &world.provider);
    let vault = StakeVault::new(contracts.stake_vault, &world.provider);
    let challenges = ChallengeManager::new(contracts.challenge_manager, &world.provider);
    let paused = settlement.pausedSeconds().call().await?;
    let clock = newest(&database, "pause_clock", "before+ends_at-started_at", "true").await?;
    assert_eq!(clock, texts([&paused]), "the only pause is over");
    assert_ne!(paused, 0);
    let channels = "select distinct encode(payer, 'hex'), encode(operator, 'hex') from channel_account";
    let channels = database.rows(channels).await?;
    assert!(channels.len() > 3);
    for row in channels {
        let (payer, operator): (Address, Address) = (row[0].parse()?, row[1].parse()?);
        let channel = settlement.channel(payer, operator).call().await?;
        let key = format!("payer = {} and operator = {}", literal(payer), literal(operator));
        // Deadlines of payers stood still in the pause, those from before it and those from after it.
        let exit_at = format!("case~when~exit_at=0~then~0~else~exit_running+{paused}~end");
        let columns = format!("deposited-returned settled {}", exit_at);
        let found = newest(&database, "channel_account", &columns, &key).await?;
        assert_eq!(found, texts([&channel.balance, &channel.settled, &channel.exitAt]));
    }
    let under_way = "select count(distinct (exit_at = exit_running)) from channel_account where exit_at <> 0";
    assert_eq!(
        database.number(under_way).await?,
        2,
        "one exit began before the pause, one after it"
    );
    for row in database
        .rows("select distinct encode(model_id, 'hex') from model_account")
        .await?
    {
        let model_id: B256 = row[0].parse()?;
        let key = format!("model_id = {}", literal(model_id));
        let found = newest(&database, "model_account", "royalties", &key).await?;
        assert_eq!(found, texts([&settlement.royalties(model_id).call().await?]));
    }
    let credits = database
        .rows("select distinct class, encode(account, 'hex') from credit_account")
        .await?;
    for class in ["fee_credit", "stake_credit", "bond_credit"] {
        assert!(credits.iter().any(|row| row[0] == class), "nobody has any {class}");
    }
    for row in credits {
        let account: Address = row[1].parse()?;
        let owed = match row[0].as_str() {
            "fee_credit" => settlement.credited(account).call().await?,
            "stake_credit" => vault.credited(account).call().await?,
            _ => challenges.credited(account).call().await?,
        };
        let key = format!("class = '{}' and account = {}", row[0], literal(account));
        assert_eq!(
            newest(&database, "credit_account", "balance", &key).await?,
            texts([&owed])
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_balance_to_the_base_unit_of_what_the_contracts_hold() -> Anyhow {
    let (world, database) = World::lived().await?;
    let contracts = world.deployment.contracts;
    let settlement = "'escrow','earnings_undrawn','earnings_locked','earnings_claimable','royalties','fee_credit'";
    for (holder, token, classes) in [
        (contracts.inference_settlement, contracts.fee_token, settlement),
        (
            contracts.stake_vault,
            contracts.stake_token,
            "'stake_active','stake_thawing','stake_credit'",
        ),
        (contracts.stake_vault, contracts.fee_token, "'rewards'"),
        (
            contracts.reward_reserve,
            contracts.fee_token,
            "'reserve_pending','reserve','reward_owed','unburned'",
        ),
        (contracts.challenge_manager, contracts.fee_token, "'bond','bond_credit'"),
    ] {
        let held: U256 = TestToken::new(token, &world.provider).balanceOf(holder).call().await?;
        assert!(!held.is_zero());
        let token = literal(token);
        let journal = format!(
            "select (coalesce(sum(amount) filter (where to_class in ({classes})), 0)
                     - coalesce(sum(amount) filter (where from_class in ({classes})), 0))::text
             from flow where token = {token}"
        );
        assert_eq!(database.text(&journal).await?, held.to_string(), "{classes}");
        let totals = journal.replace(
            "from flow",
            "from (select distinct on (token, kind, from_class, to_class) * from flow_total
             order by token, kind, from_class, to_class, block_number desc) newest",
        );
        assert_eq!(database.text(&totals).await?, held.to_string(), "{classes}");
        let sums = classes.replace('\'', "").replace(',', "+");
        assert_eq!(
            newest(&database, "network_account", &sums, "true").await?,
            texts([&held])
        );
    }

    // No class is ever overdrawn, and totals count each movement once.
    let edges = "select count(*) from (select token, kind, from_class, to_class, sum(amount), count(*) from flow group by 1, 2, 3, 4
                 except select token, kind, from_class, to_class, amount, movements from
                 (select distinct on (token, kind, from_class, to_class) * from flow_total
                  order by token, kind, from_class, to_class, block_number desc) newest) differing";
    assert_eq!(database.number(edges).await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_of_the_reserve_agree_and_its_rewards_are_what_was_claimed() -> Anyhow {
    let (world, database) = World::lived().await?;
    let contracts = world.deployment.contracts;
    let reserve = RewardReserve::new(contracts.reward_reserve, &world.provider);
    let (funds, owed, unburned) = (
        reserve.funds().call().await?,
        reserve.owed().call().await?,
        reserve.unburned().call().await?,
    );
    let found = newest(&database, "network_account", "reserve reward_owed unburned", "true").await?;
    assert_eq!(found, texts([&funds, &owed, &unburned]));
    let pending = "select reserve_pending::bigint from network_account order by block_number desc limit 1";
    assert_ne!(database.number(pending).await?, 0, "collected and not yet in the books");

    // Each way into and out of the reserve was taken.
    for (kind, from, to) in [
        ("collect", "fee_credit", "reserve_pending"),
        ("receive", "reserve_pending", "reserve"),
        ("gift", "wallet", "reserve"),
        ("reward_release", "reserve", "reward_owed"),
        ("claim", "reward_owed", "wallet"),
        ("reward", "reward_owed", "rewards"),
        ("expire", "reward_owed", "reserve"),
        ("surplus", "reserve", "unburned"),
        ("burn", "unburned", "burned"),
    ] {
        let taken =
            format!("select count(*) from flow where kind = '{kind}' and from_class = '{from}' and to_class = '{to}'");
        assert_ne!(database.number(&taken).await?, 0, "{kind} from {from} to {to}");
    }
    let rewards =
        "select count(*) from (select operator, sum(paid + distributed) as amount from reward_claimed group by 1) c
                   join (select distinct on (operator) operator, uptime_rewards from operator_account
                         order by operator, block_number desc) a using (operator) where amount = uptime_rewards";
    assert_eq!(database.number(rewards).await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_agree_with_the_docket() -> Anyhow {
    let (world, database) = World::lived().await?;
    let contracts = world.deployment.contracts;
    let docket = CaseDocket::new(contracts.case_docket, &world.provider);
    let audits = AuditManager::new(contracts.audit_manager, &world.provider);
    let stages = [
        "none",
        "seeding",
        "answering",
        "proving",
        "judging",
        "decided",
        "closed",
    ];
    let verdicts = ["none", "passed", "failed", "inconclusive", "withheld", "voided"];
    let count = docket.caseCount().call().await?.to::<u64>();
    assert_eq!(
        database
            .number("select count(distinct case_id) from case_account")
            .await?,
        count as i64
    );
    for case_id in 1..=count {
        let id = U256::from(case_id);
        let (case, audit) = (docket.caseOf(id).call().await?, audits.audit(id).call().await?);
        let columns = "stage verdict opened_at deadline principal_cap batch_id round extensions
                       encode(operator,'hex') encode(challenger,'hex') encode(verifier,'hex') encode(payer,'hex')
                       encode(model_id,'hex')";
        let expected = texts([
            &stages[usize::from(case.stage)],
            &verdicts[usize::from(case.verdict)],
            &case.openedAt,
            &case.deadline,
            &case.principalCap,
            &audit.batchId,
            &audit.round,
            &audit.extensions,
            &hex::encode(case.operator),
            &hex::encode(case.challenger),
            &hex::encode(case.verifier),
            &hex::encode(case.payer),
            &hex::encode(case.modelId),
        ]);
        let found = newest(&database, "case_account", columns, &format!("case_id = {case_id}")).await?;
        assert_eq!(found, expected, "case {case_id}");
    }
    let gauge = StressGauge::new(contracts.stress_gauge, &world.provider);
    let open = newest(&database, "network_account", "cases_open", "true").await?;
    assert_eq!(open, texts([&gauge.openCases().call().await?]));
    let ends = "select string_agg(distinct verdict, ' ' order by verdict) from case_closed";
    assert_eq!(database.text(ends).await?, "failed passed voided withheld");
    let faults = "select string_agg(distinct fault, ' ' order by fault) from fault_punished";
    assert_eq!(
        database.text(faults).await?,
        "equivocation false_report unrevealed withheld wrong_output"
    );
    // What is said of each fault is what moved.
    let differing = "select count(*) from fault_punished p
                     left join (select tx_hash, sum(from_claimable + from_locked + from_undrawn) as taken
                                from earnings_seized group by 1) s using (tx_hash)
                     where earnings_taken <> coalesce(taken, 0)";
    assert_eq!(database.number(differing).await?, 0);
    let refund = "select refunded::bigint from network_account order by block_number desc limit 1";
    assert_eq!(
        database.number(refund).await?,
        5_000,
        "the fee of the one receipt that was found wrong"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audited_units_of_a_model_are_those_of_the_batches_that_were_audited() -> Anyhow {
    let (world, database) = World::lived().await?;
    let contracts = world.deployment.contracts;
    let last = database.number("select max(period) from network_period").await?;
    let ended = world.period_start(last as u64 + 1);
    let mut by_model: BTreeMap<B256, U256> = BTreeMap::new();
    let opened = Filter::new()
        .address(contracts.audit_manager)
        .event_signature(AuditManager::AuditOpened::SIGNATURE_HASH);
    for audit in world.provider.get_logs(&opened.from_block(0)).await? {
        if audit.block_timestamp.context("no timestamp")? >= ended {
            continue;
        }
        let batch = audit.log_decode::<AuditManager::AuditOpened>()?.inner.batchId;
        let paid = Filter::new()
            .address(contracts.inference_settlement)
            .event_signature(InferenceSettlement::FeesSettled::SIGNATURE_HASH);
        for log in world.provider.get_logs(&paid.from_block(0)).await? {
            let paid = log.log_decode::<InferenceSettlement::FeesSettled>()?.inner.data;
            if paid.batchId == batch {
                *by_model.entry(paid.modelId).or_default() += U256::from(paid.units);
            }
        }
    }
    assert!(!by_model.is_empty());
    let told = "select distinct on (model_id) encode(model_id, 'hex'), audited_units_total::text
                from model_verification order by model_id, period desc";
    let expected: Vec<Vec<String>> = by_model
        .iter()
        .map(|(model, units)| vec![hex::encode(model), units.to_string()])
        .collect();
    assert_eq!(database.rows(told).await?, expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn uptime_agrees_with_the_ledger_and_with_what_was_punished() -> Anyhow {
    let (world, database) = World::lived().await?;
    let ledger = UptimeLedger::new(world.deployment.contracts.uptime_ledger, &world.provider);
    let results = "select distinct on (period) period::text, encode(observed, 'hex'), encode(up, 'hex')
                   from period_reported order by period, block_number desc, log_index desc";
    let results = database.rows(results).await?;
    assert_eq!(results.len(), 5);
    for row in &results {
        let period: u64 = row[0].parse()?;
        let words =
            |text: &str| -> Anyhow<Vec<U256>> { Ok(hex::decode(text)?.chunks(32).map(U256::from_be_slice).collect()) };
        let (observed, up) = (words(&row[1])?, words(&row[2])?);
        for (index, operator) in world.operators.iter().enumerate() {
            let tally = ledger
                .tally(period, index as u32, observed.clone(), up.clone())
                .call()
                .await?;
            let key = format!("operator = {} and period = {period}", literal(operator.address));
            let found = database
                .rows(&format!(
                    "select expected::text, observed::text, missed::text,
                length(observed_slots)::text, (uptime is null)::text from operator_period where {key}"
                ))
                .await?;
            // An operator out of service is watched still, but expected no longer; it has a row for its stake.
            let exited = found[0][0] == "0";
            let expected = if exited {
                (0, 0)
            } else {
                (tally.observedSlots, tally.missedSlots)
            };
            assert_eq!(
                found[0][1..3],
                texts([&expected.0, &expected.1]),
                "operator {index} in period {period}"
            );
            assert_eq!(found[0][3], found[0][0]);
            assert_eq!(found[0][4], exited.to_string());
        }
    }
    let exited = "select count(*) from operator_period where expected = 0";
    assert_ne!(
        database.number(exited).await?,
        0,
        "one operator left before the last period"
    );
    let differing = "select count(*) from downtime_punished d join operator_period p using (operator, period)
                     where d.observed_slots <> p.observed or d.missed_slots <> p.missed";
    assert_eq!(database.number(differing).await?, 0);
    assert_eq!(database.count("downtime_punished").await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_without_a_report_are_unobserved_and_sums_add_up() -> Anyhow {
    let (_world, database) = World::lived().await?;
    let silent = "select count(*) from network_period where reports = 0 and operators > 0
                  and (observed <> 0 or uptime is not null or coverage <> 0)";
    assert_eq!(database.number(silent).await?, 0);
    let any = "select count(*) from network_period where reports = 0 and operators > 0";
    assert_ne!(database.number(any).await?, 0);
    let gaps = "select count(*) from (select period - lag(period) over (order by period) as step from network_period) s where step <> 1";
    assert_eq!(
        database.number(gaps).await?,
        0,
        "every period since the deployment has its row"
    );
    let sums = "select count(*) from network_period n join (select period, sum(expected) e, sum(observed) o, sum(hit) h,
                  sum(units) u, sum(fees) f, sum(stake_own + stake_delegated) s from operator_period group by 1) p using (period)
                where (n.expected, n.observed, n.hit, n.units, n.fees, n.stake) is distinct from (p.e, p.o, p.h, p.u, p.f, p.s)";
    assert_eq!(database.number(sums).await?, 0);
    let running =
        "select count(*) from (select units_total, fees_total, hit_total, sum(units) over w u, sum(fees) over w f,
                     sum(hit) over w h from network_period window w as (order by period)) r
                   where (units_total, fees_total, hit_total) is distinct from (u, f, h)";
    assert_eq!(database.number(running).await?, 0);
    let running = running.replace(
        "from network_period window w as (order",
        "from operator_period window w as (partition by operator order",
    );
    assert_eq!(database.number(&running).await?, 0);
    Ok(())
}
