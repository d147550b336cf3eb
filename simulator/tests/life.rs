//! The life of a simulated network on a real chain: fees, uptime, penalties, evidence.
// An unwrap in a helper of tests fails the test, as it should.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, Signature, U256};
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::{SolEvent, SolStruct};
use common::World;
use plumbline_protocol::receipts::ReceiptTree;
use plumbline_protocol::typed_data::{Receipt, settlement_domain};
use plumbline_protocol::{InferenceSettlement, OperatorRegistry, Slasher, UptimeLedger};
use plumbline_simulator::{Availability, CancellationToken, Report, Simulation};
use serde_json::Value;

/// Periods within which everything must have happened: most of it does within twenty, but who is drawn is luck.
const MAX_PERIODS: u64 = 300;
/// `Fault` and `Status` of the contracts; the ABI carries their numbers only.
const WITHHELD: u8 = 1;
const WRONG_OUTPUT: u8 = 2;
const EQUIVOCATION: u8 = 3;
const TOMBSTONED: u8 = 4;

fn everything_happened(report: &Report) -> bool {
    let counts = [
        report.batches,
        report.vouchers_skipped,
        report.keys_rotated.saturating_sub(report.operators_registered),
        report.exits_finished,
        report.thaws,
        report.withdrawals,
        report.reward_claims,
        report.earnings_claims,
        report.royalty_claims,
        report.collections,
        report.seizures,
        report.slashes,
        report.returns_from_jail,
        report.batches_released,
        report.leaves_answered,
        report.leaves_withheld,
        report.audits_passed,
        report.verdicts_revealed,
        report.challenges_won,
        report.challenges_lost,
        report.equivocations_proved,
        report.tombstones,
        report.rewards_claimed,
        report.stress_measured,
        report.verifiers_bound,
        report.proofs_asked,
        report.canaries_revealed,
    ];
    counts.iter().all(|count| *count > 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_settles_fees_reports_uptime_and_punishes_who_fails() {
    let world = World::new().await;
    let mut simulation = world.connect(world.config()).await;
    simulation.bootstrap(&CancellationToken::new()).await.unwrap();
    let ready = simulation.report();
    assert_eq!(
        (
            ready.operators_registered,
            ready.models_registered,
            ready.transactions_failed
        ),
        (12, 6, 0)
    );

    let mut period = 0;
    while !everything_happened(&simulation.report())
        || !the_worst_operator_was_jailed(&world, &simulation).await
        || periods_in_jail(&world).await == 0
    {
        period += 1;
        assert!(
            period < MAX_PERIODS,
            "after {MAX_PERIODS} periods: {:#?}",
            simulation.report()
        );
        world.advance_to(&mut simulation, period).await;
    }
    let report = simulation.report();

    let at = world.latest().await;
    world.assert_sums_hold(&simulation, at).await;
    assert_settled_fees_are_what_channels_paid(&world, &simulation, &report, at).await;
    assert_downtime_costs_who_was_down(&world, &simulation).await;
    assert_fraud_cost_who_did_it(&world).await;
    assert_receipts_can_be_proved(&world).await;
    assert_results_are_final_after_their_window(&world).await;
}

async fn assert_settled_fees_are_what_channels_paid(
    world: &World,
    simulation: &Simulation,
    report: &Report,
    at: BlockId,
) {
    let contract = InferenceSettlement::new(world.deployment.contracts.inference_settlement, &world.provider);
    let mut settled = U256::ZERO;
    for operator in simulation.operator_addresses() {
        for payer in simulation.payer_addresses() {
            let channel = contract.channel(payer, operator).block(at).call().await.unwrap();
            settled += U256::from(channel.settled);
        }
    }
    // What the last step sent is not in its report; it is little of the many periods before.
    assert!(!report.fees_settled.is_zero() && report.fees_settled <= settled);
    assert!(report.fees_settled * U256::from(2) > settled);
}

/// Who is down most of the time fails again and again.
async fn the_worst_operator_was_jailed(world: &World, simulation: &Simulation) -> bool {
    let specs = &simulation.population().operators;
    let worst = (0..specs.len()).max_by_key(|index| specs[*index].down_ppm).unwrap();
    let operator = simulation.operator_addresses()[worst];
    let faults = logs_of::<Slasher::DowntimePunished>(world, world.deployment.contracts.slasher).await;
    faults
        .iter()
        .any(|fault| fault.operator == operator && fault.strikes >= 2)
}

/// A first fault costs earnings, a repeated one stake and service, and none is found that was not.
async fn assert_downtime_costs_who_was_down(world: &World, simulation: &Simulation) {
    let faults = logs_of::<Slasher::DowntimePunished>(world, world.deployment.contracts.slasher).await;
    let (first, repeated): (Vec<_>, Vec<_>) = faults.iter().partition(|fault| fault.strikes == 1);
    assert!(
        first
            .iter()
            .all(|fault| fault.principalTaken.is_zero() && fault.jailedUntil == 0),
        "{first:#?}"
    );
    assert!(
        repeated
            .iter()
            .all(|fault| !fault.principalTaken.is_zero() && fault.jailedUntil > 0),
        "{repeated:#?}"
    );
    let mut availability = Availability::new(world.config().seed, simulation.population(), common::SLOTS_PER_PERIOD);
    let operators = simulation.operator_addresses();
    for fault in &faults {
        assert!(fault.missedSlots * 3 > fault.observedSlots);
        let index = operators
            .iter()
            .position(|operator| *operator == fault.operator)
            .unwrap();
        let slots = u64::from(common::SLOTS_PER_PERIOD);
        let down = (fault.period * slots..(fault.period + 1) * slots).filter(|slot| !availability.up(*slot)[index]);
        assert!(u64::from(fault.missedSlots) <= down.count() as u64, "{fault:#?}");
    }
}

/// Wrong outputs and contradictions are one operator's each, and the second is out for ever.
async fn assert_fraud_cost_who_did_it(world: &World) {
    let contracts = world.deployment.contracts;
    let faults = logs_of::<Slasher::FaultPunished>(world, contracts.slasher).await;
    let of = |fault: u8| faults.iter().filter(move |punished| punished.fault == fault);
    let liars: BTreeSet<Address> = of(WRONG_OUTPUT).map(|punished| punished.operator).collect();
    let forgers: BTreeSet<Address> = of(EQUIVOCATION).map(|punished| punished.operator).collect();
    assert_eq!((liars.len(), forgers.len()), (1, 1), "{faults:#?}");
    assert!(liars.is_disjoint(&forgers));
    // Fraud upon fraud may leave nothing to take.
    assert!([WRONG_OUTPUT, EQUIVOCATION].iter().all(|fault| {
        of(*fault)
            .next()
            .is_some_and(|punished| !punished.principalTaken.is_zero())
    }));
    assert!(of(EQUIVOCATION).all(|punished| punished.tombstoned && !punished.victim.is_zero()));
    assert!(of(WITHHELD).all(|punished| !punished.tombstoned));
    let registry = OperatorRegistry::new(contracts.operator_registry, &world.provider);
    for forger in forgers {
        assert_eq!(registry.operatorOf(forger).call().await.unwrap().status, TOMBSTONED);
    }
}

/// Results of periods that somebody was jailed for from beginning to end. An outage is what who is in service misses: a
/// committee leaves others unobserved.
async fn periods_in_jail(world: &World) -> u64 {
    let contracts = world.deployment.contracts;
    let registry = OperatorRegistry::new(contracts.operator_registry, &world.provider);
    let ledger = UptimeLedger::new(contracts.uptime_ledger, &world.provider);
    let reports = logs_of::<UptimeLedger::PeriodReported>(world, contracts.uptime_ledger).await;
    let mut looked_at = 0;
    for (time, jailed) in timed_logs_of::<OperatorRegistry::OperatorJailed>(world, contracts.operator_registry).await {
        let record = registry.operatorOf(jailed.operator).call().await.unwrap();
        for report in &reports {
            let stored = ledger.periodOf(report.period).call().await.unwrap();
            // The result that counts, of a period that lies in the jail term as a whole, the slot of the jailing aside.
            let starts = ledger.periodStart(report.period).call().await.unwrap();
            let ends = ledger.periodStart(report.period + 1).call().await.unwrap();
            if report.resultHash != stored.resultHash
                || record.index >= stored.operatorCount
                || starts < time + u64::from(common::SLOT_SECONDS)
                || ends > jailed.until
            {
                continue;
            }
            let tally = ledger.tally(report.period, record.index, report.observed.clone(), report.up.clone());
            assert_eq!(
                tally.call().await.unwrap().observedSlots,
                0,
                "{} in {}",
                jailed.operator,
                report.period
            );
            looked_at += 1;
        }
    }
    looked_at
}

/// Whoever has the file of a batch can check root, hash and signatures without asking anybody but the chain.
async fn assert_receipts_can_be_proved(world: &World) {
    let addresses = world.deployment.contracts;
    let domain = settlement_domain(world.deployment.chain_id, addresses.inference_settlement);
    let batches = logs_of::<InferenceSettlement::BatchSettled>(world, addresses.inference_settlement).await;
    assert!(!batches.is_empty());
    let registry = OperatorRegistry::new(addresses.operator_registry, &world.provider);
    let mut owners: BTreeMap<Address, Address> = BTreeMap::new();
    for batch in batches {
        let (path, _) = batch
            .evidenceURI
            .strip_prefix("file://")
            .unwrap()
            .split_once('#')
            .unwrap();
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let entries = file["receipts"].as_array().unwrap();
        let receipts: Vec<Receipt> = entries.iter().map(parse_receipt).collect();
        assert_eq!(receipts.len(), batch.receiptCount as usize);
        assert_eq!(ReceiptTree::new(&receipts).unwrap().root(), batch.receiptsRoot);
        let signature: Bytes = parse(&entries[0]["signature"]);
        let digest = receipts[0].eip712_signing_hash(&domain);
        let key = Signature::from_raw(&signature)
            .unwrap()
            .recover_address_from_prehash(&digest)
            .unwrap();
        if let std::collections::btree_map::Entry::Vacant(owner) = owners.entry(key) {
            owner.insert(registry.keyBinding(key).call().await.unwrap().operator);
        }
        assert_eq!(owners[&key], batch.operator);
    }
}

async fn assert_results_are_final_after_their_window(world: &World) {
    let contract = world.deployment.contracts.uptime_ledger;
    let ledger = UptimeLedger::new(contract, &world.provider);
    let window = world.deployment.parameters.uptime.report_window_seconds;
    let now = world.timestamp().await;
    for report in logs_of::<UptimeLedger::PeriodReported>(world, contract).await {
        let ends = ledger.periodStart(report.period + 1).call().await.unwrap();
        assert_eq!(
            ledger.isFinal(report.period).call().await.unwrap(),
            now >= ends + window,
            "period {}",
            report.period
        );
    }
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn parse_receipt(entry: &Value) -> Receipt {
    Receipt {
        requestId: parse::<B256>(&entry["requestId"]),
        modelId: parse(&entry["modelId"]),
        version: parse(&entry["version"]),
        inputHash: parse(&entry["inputHash"]),
        outputHash: parse(&entry["outputHash"]),
        payer: parse(&entry["payer"]),
        servedAt: parse(&entry["servedAt"]),
        latencyMs: parse(&entry["latencyMs"]),
        fee: entry["fee"].as_str().unwrap().parse().unwrap(),
    }
}

async fn timed_logs_of<E: SolEvent>(world: &World, contract: Address) -> Vec<(u64, E)> {
    let filter = Filter::new()
        .address(contract)
        .event_signature(E::SIGNATURE_HASH)
        .from_block(0);
    let mut timed = Vec::new();
    for log in world.provider.get_logs(&filter).await.unwrap() {
        let block = BlockId::number(log.block_number.unwrap());
        let block = world.provider.get_block(block).await.unwrap().unwrap();
        timed.push((block.header.timestamp, E::decode_log(&log.inner).unwrap().data));
    }
    timed
}

async fn logs_of<E: SolEvent>(world: &World, contract: Address) -> Vec<E> {
    let filter = Filter::new()
        .address(contract)
        .event_signature(E::SIGNATURE_HASH)
        .from_block(0);
    let logs = world.provider.get_logs(&filter).await.unwrap();
    logs.iter().map(|log| E::decode_log(&log.inner).unwrap().data).collect()
}
