//! What the simulation computes beside the contracts is what they compute.
// An unwrap in a helper of tests fails the test, as it should.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use alloy::primitives::{B256, U256, keccak256};
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use common::{MAX_MOVES, World};
use plumbline_protocol::bindings::audit_manager::IReceipts;
use plumbline_protocol::receipts::ReceiptTree;
use plumbline_protocol::typed_data::Receipt;
use plumbline_protocol::{AuditManager, CaseDocket, InferenceSettlement};
use plumbline_simulator::{Availability, CancellationToken};

fn on_chain(receipt: &Receipt) -> IReceipts::Receipt {
    IReceipts::Receipt {
        requestId: receipt.requestId,
        modelId: receipt.modelId,
        version: receipt.version,
        inputHash: receipt.inputHash,
        outputHash: receipt.outputHash,
        payer: receipt.payer,
        servedAt: receipt.servedAt,
        latencyMs: receipt.latencyMs,
        fee: receipt.fee,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_ends_where_the_contract_says_it_ends() {
    let world = World::new().await;
    let manager = AuditManager::new(world.deployment.contracts.audit_manager, &world.provider);
    for count in [1_u64, 2, 3, 5, 8, 13, 33] {
        let receipts: Vec<Receipt> = (0..count)
            .map(|serial| Receipt {
                servedAt: serial,
                ..Receipt::default()
            })
            .collect();
        let tree = ReceiptTree::new(&receipts).unwrap();
        let mut reached = BTreeSet::new();
        for walk in 0..4_u64 {
            let path = keccak256([count.to_be_bytes(), walk.to_be_bytes()].concat());
            let end = tree.walk(path);
            reached.insert(end);
            let other = (end + 1) % receipts.len();
            for (leaf, expected) in [(end, true), (other, other == end)] {
                let is_there = manager.isLeafAt(
                    tree.root(),
                    u32::try_from(count).unwrap(),
                    path,
                    on_chain(&receipts[leaf]),
                    tree.proof(leaf).unwrap(),
                );
                assert_eq!(is_there.call().await.unwrap(), expected, "leaf {leaf} of {count}");
            }
        }
        assert!(count < 8 || reached.len() > 1, "walks differ");
    }
    // Every bit of the path beyond the depth is without effect.
    let one = ReceiptTree::new(&[Receipt::default()]).unwrap();
    assert_eq!(one.walk(B256::repeat_byte(0xff)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn audits_go_on_after_a_restart() {
    let world = World::new().await;
    let mut first = world.connect(world.config()).await;
    first.bootstrap(&CancellationToken::new()).await.unwrap();
    let contracts = world.deployment.contracts;
    let docket = CaseDocket::new(contracts.case_docket, &world.provider);
    // Up to an audit that waits for its leaf, of an honest operator that is there to show it.
    let mut availability = Availability::new(world.config().seed, first.population(), common::SLOTS_PER_PERIOD);
    let operators = first.operator_addresses();
    let (case, asked_of) = 'found: {
        for _ in 0..MAX_MOVES {
            let status = world.advance(&mut first).await;
            // The liar lies in the sixth of twelve periods, and audits opened in the seventh of ten may go unanswered.
            if [5, 6].contains(&(status.period % 12)) || status.period % 10 == 6 {
                continue;
            }
            let cases = docket.caseCount().call().await.unwrap().to::<u64>();
            for case in (1..=cases).map(U256::from) {
                let record = docket.caseOf(case).call().await.unwrap();
                let asked = operators
                    .iter()
                    .position(|operator| *operator == record.operator)
                    .unwrap();
                let stays = (status.slot..status.slot + 6).all(|slot| availability.up(slot)[asked]);
                if record.stage == ANSWERING && stays {
                    break 'found (case, record.operator);
                }
            }
        }
        panic!("no audit in {MAX_MOVES} moves of the time");
    };
    drop(first);

    let mut second = world.connect(world.config()).await;
    second.bootstrap(&CancellationToken::new()).await.unwrap();
    let settlement = InferenceSettlement::new(contracts.inference_settlement, &world.provider);
    let settled = settlement.batchCount().call().await.unwrap();
    // The batches that the first run left undrawn are drawn, too.
    while docket.caseOf(case).call().await.unwrap().stage != CLOSED || drawn(&world, settled).await < settled {
        world.advance(&mut second).await;
    }
    let closed = docket.caseOf(case).call().await.unwrap();
    assert_eq!(closed.operator, asked_of);
    // A network this small has not always three judges for a model; who has them is convinced.
    assert!([PASSED, INCONCLUSIVE].contains(&closed.verdict), "{}", closed.verdict);
    let answered = Filter::new()
        .address(contracts.audit_manager)
        .event_signature(AuditManager::LeafAnswered::SIGNATURE_HASH)
        .topic2(B256::from(case))
        .from_block(0);
    let answers = world.provider.get_logs(&answered).await.unwrap();
    assert_eq!(answers.len(), 1, "the evidence of the first run answers");
}

/// How many of the first batches were drawn.
async fn drawn(world: &World, batches: U256) -> U256 {
    let filter = Filter::new()
        .address(world.deployment.contracts.audit_manager)
        .event_signature(AuditManager::BatchDrawn::SIGNATURE_HASH)
        .from_block(0);
    let logs = world.provider.get_logs(&filter).await.unwrap();
    let ids = logs
        .iter()
        .map(|log| AuditManager::BatchDrawn::decode_log(&log.inner).unwrap().batchId);
    let ids: BTreeSet<U256> = ids.filter(|batch| *batch <= batches).collect();
    U256::from(ids.len())
}

/// `Stage` and `Verdict`; the ABI carries their numbers only.
const ANSWERING: u8 = 2;
const CLOSED: u8 = 6;
const PASSED: u8 = 1;
const INCONCLUSIVE: u8 = 3;
