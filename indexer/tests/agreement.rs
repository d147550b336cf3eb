//! The rows agree with what the contracts say of themselves at the same block, to the base unit.

mod common;

use alloy::primitives::{Address, B256, U256, hex};
use common::{Anyhow, Database, Indexer, World};
use plumbline_protocol::{InferenceSettlement, OperatorRegistry, StakeVault, TestToken, UptimeLedger};

/// A world in which everything has happened, and its rows.
async fn lived() -> Anyhow<(World, Database)> {
    let world = World::new().await?;
    world.lifecycle().await?;
    world.traffic(3, 0).await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    indexer.stop().await?;
    Ok((world, database))
}

/// An account as a literal of PostgreSQL.
fn literal(bytes: impl AsRef<[u8]>) -> String {
    format!("'\\x{}'::bytea", hex::encode(bytes))
}

/// The newest row of a key, its columns as text.
async fn newest(database: &Database, table: &str, columns: &str, key: &str) -> Anyhow<Vec<String>> {
    let columns: Vec<String> = columns
        .split_whitespace()
        .map(|column| format!("({column})::text"))
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
    let (world, database) = lived().await?;
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

        // The contract counts matured buckets as claimable before it says so; the sum is the same.
        let earnings = settlement.earnings(operator).call().await?;
        let sum = format!(
            "select (earnings_locked + earnings_claimable)::text from operator_account
                           where {key} order by block_number desc limit 1"
        );
        assert_eq!(
            database.text(&sum).await?,
            (earnings.locked + earnings.claimable).to_string()
        );

        let record = registry.operatorOf(operator).call().await?;
        let status = ["none", "active", "jailed", "exiting"][usize::from(record.status)];
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
    let (world, database) = lived().await?;
    let contracts = world.deployment.contracts;
    let settlement = InferenceSettlement::new(contracts.inference_settlement, &world.provider);
    let vault = StakeVault::new(contracts.stake_vault, &world.provider);
    let channels = "select distinct encode(payer, 'hex'), encode(operator, 'hex') from channel_account";
    let channels = database.rows(channels).await?;
    assert!(channels.len() > 3);
    for row in channels {
        let (payer, operator): (Address, Address) = (row[0].parse()?, row[1].parse()?);
        let channel = settlement.channel(payer, operator).call().await?;
        let key = format!("payer = {} and operator = {}", literal(payer), literal(operator));
        let found = newest(&database, "channel_account", "deposited-returned settled exit_at", &key).await?;
        assert_eq!(found, texts([&channel.balance, &channel.settled, &channel.exitAt]));
    }
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
    assert_eq!(credits.len(), 3, "fees and stake of the deployer, and what was burned");
    for row in credits {
        let account: Address = row[1].parse()?;
        let owed = match row[0].as_str() {
            "fee_credit" => settlement.credited(account).call().await?,
            _ => vault.credited(account).call().await?,
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
    let (world, database) = lived().await?;
    let contracts = world.deployment.contracts;
    let settlement = "'escrow','earnings_locked','earnings_claimable','royalties','fee_credit'";
    for (holder, token, classes) in [
        (contracts.inference_settlement, contracts.fee_token, settlement),
        (
            contracts.stake_vault,
            contracts.stake_token,
            "'stake_active','stake_thawing','stake_credit'",
        ),
        (contracts.stake_vault, contracts.fee_token, "'rewards'"),
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
async fn uptime_agrees_with_the_ledger_and_with_what_was_punished() -> Anyhow {
    let (world, database) = lived().await?;
    let ledger = UptimeLedger::new(world.deployment.contracts.uptime_ledger, &world.provider);
    let results = "select distinct on (period) period::text, encode(observed, 'hex'), encode(up, 'hex')
                   from period_reported order by period, block_number desc, log_index desc";
    let results = database.rows(results).await?;
    assert_eq!(results.len(), 3);
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
            // An operator that has left is watched still, but expected no longer; it has a row for its stake.
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
    let (_world, database) = lived().await?;
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
