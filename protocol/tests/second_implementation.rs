//! Hashes and proofs equal those of OpenZeppelin's merkle-tree and ethers (`data/vectors.mjs`).

use std::sync::LazyLock;

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::{Eip712Domain, SolStruct};
use plumbline_protocol::receipts::{ReceiptTree, ReceiptTreeError, verify_proof};
use plumbline_protocol::typed_data::{
    KeyBinding, Receipt, SignerBinding, UptimeReport, Voucher, operator_domain, settlement_domain, uptime_domain,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/vectors.json")).expect("vectors.json is valid"));

fn field<T: DeserializeOwned>(object: &Value, name: &str) -> T {
    serde_json::from_value(object[name].clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn number<T: std::str::FromStr>(object: &Value, name: &str) -> T {
    object[name]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{name} is no decimal string"))
}

fn receipt(value: &Value) -> Receipt {
    Receipt {
        requestId: field(value, "requestId"),
        modelId: field(value, "modelId"),
        version: field(value, "version"),
        inputHash: field(value, "inputHash"),
        outputHash: field(value, "outputHash"),
        payer: field(value, "payer"),
        servedAt: number(value, "servedAt"),
        latencyMs: field(value, "latencyMs"),
        fee: number(value, "fee"),
    }
}

fn trees() -> impl Iterator<Item = (Vec<Receipt>, B256, Vec<Vec<B256>>)> {
    let trees = VECTORS["trees"].as_array().expect("trees is a list");
    trees.iter().map(|tree| {
        let receipts = tree["receipts"]
            .as_array()
            .expect("receipts is a list")
            .iter()
            .map(receipt)
            .collect();
        (receipts, field(tree, "root"), field(tree, "proofs"))
    })
}

fn contract(name: &str) -> Address {
    field(&VECTORS, name)
}

fn assert_signed<T: SolStruct>(name: &str, message: &T, domain: &Eip712Domain) {
    assert_eq!(
        T::eip712_encode_type(),
        VECTORS[name]["type"].as_str().expect("type is a string")
    );
    assert_eq!(
        message.eip712_signing_hash(domain),
        field::<B256>(&VECTORS[name], "digest"),
        "digest of {name}"
    );
}

#[test]
fn roots_equal_openzeppelins() {
    for (receipts, root, _) in trees() {
        assert_eq!(
            ReceiptTree::new(&receipts).unwrap().root(),
            root,
            "{} receipts",
            receipts.len()
        );
    }
}

#[test]
fn proofs_equal_openzeppelins_and_verify() {
    for (receipts, root, proofs) in trees() {
        let tree = ReceiptTree::new(&receipts).unwrap();
        for (index, receipt) in receipts.iter().enumerate() {
            let proof = tree.proof(index).unwrap();
            assert_eq!(proof, proofs[index]);
            assert!(verify_proof(root, receipt, &proof));
        }
        assert_eq!(tree.proof(receipts.len()), None);
    }
}

#[test]
fn a_proof_fails_for_a_changed_receipt() {
    let (receipts, root, proofs) = trees().last().unwrap();
    let changed = Receipt {
        fee: receipts[5].fee + 1,
        ..receipts[5].clone()
    };
    assert!(!verify_proof(root, &changed, &proofs[5]));
    assert!(!verify_proof(root, &receipts[5], &proofs[6]));
}

#[test]
fn the_order_of_receipts_does_not_change_the_root() {
    let (mut receipts, root, _) = trees().last().unwrap();
    receipts.reverse();
    assert_eq!(ReceiptTree::new(&receipts).unwrap().root(), root);
}

#[test]
fn a_tree_without_receipts_is_refused() {
    assert_eq!(ReceiptTree::new(&[]).unwrap_err(), ReceiptTreeError::Empty);
}

#[test]
fn equal_receipts_each_have_a_proof() {
    let (receipts, _, _) = trees().nth(2).unwrap();
    let twice = [receipts[0].clone(), receipts[0].clone(), receipts[1].clone()];
    let tree = ReceiptTree::new(&twice).unwrap();
    for (index, receipt) in twice.iter().enumerate() {
        assert!(verify_proof(tree.root(), receipt, &tree.proof(index).unwrap()));
    }
}

#[test]
fn receipts_vouchers_and_signer_bindings_hash_as_in_ethers() {
    let domain = settlement_domain(31_337, contract("settlement"));
    assert_signed("receipt", &receipt(&VECTORS["receipt"]["message"]), &domain);

    let message = &VECTORS["voucher"]["message"];
    let voucher = Voucher {
        payer: field(message, "payer"),
        operator: field(message, "operator"),
        modelId: field(message, "modelId"),
        cumulativeFee: number(message, "cumulativeFee"),
        cumulativeUnits: number(message, "cumulativeUnits"),
    };
    assert_signed("voucher", &voucher, &domain);

    let message = &VECTORS["signerBinding"]["message"];
    let binding = SignerBinding {
        payer: field(message, "payer"),
        signer: field(message, "signer"),
    };
    assert_signed("signerBinding", &binding, &domain);
}

#[test]
fn key_bindings_hash_as_in_ethers() {
    let message = &VECTORS["keyBinding"]["message"];
    let binding = KeyBinding {
        operator: field(message, "operator"),
        key: field(message, "key"),
    };
    assert_signed("keyBinding", &binding, &operator_domain(31_337, contract("registry")));
}

#[test]
fn uptime_reports_hash_as_in_ethers() {
    let message = &VECTORS["uptimeReport"]["message"];
    let report = UptimeReport {
        period: number(message, "period"),
        observed: field::<Vec<U256>>(message, "observed"),
        up: field::<Vec<U256>>(message, "up"),
        evidenceRoot: field(message, "evidenceRoot"),
    };
    assert_signed("uptimeReport", &report, &uptime_domain(31_337, contract("ledger")));
}
