//! Evidence behind hashes on chain: receipts of batches and replies to probes, as JSON files when a folder is given.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use alloy::hex;
use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::sol_types::SolValue;
use anyhow::{Context, Result};
use plumbline_protocol::receipts::ReceiptTree;
use plumbline_protocol::typed_data::Receipt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::books::SignedVoucher;

/// Files of one run that are kept; older ones give way.
const MAX_FILES: usize = 20_000;
/// Receipts that are kept at hand; older ones are in files, if anywhere.
const MAX_RECEIPTS_KEPT: usize = 100_000;
/// Settlements take the number of receipts as a `uint32`; far fewer fit into one file that people open.
pub(crate) const MAX_RECEIPTS_OF_BATCH: usize = 5_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedReceipt {
    pub(crate) receipt: Receipt,
    pub(crate) signature: Vec<u8>,
}

/// What a settlement commits to.
pub(crate) struct Commitment {
    pub(crate) root: B256,
    pub(crate) count: u32,
    pub(crate) uri: String,
}

/// An operator's answer to a probe: its signature over a nonce that nobody knew before the slot.
#[derive(Debug, Clone)]
pub(crate) struct ProbeReply {
    pub(crate) slot: u32,
    pub(crate) nonce: B256,
    pub(crate) operator: Address,
    pub(crate) signature: Vec<u8>,
}

impl ProbeReply {
    /// Leaf of the tree behind a report's `evidenceRoot`.
    pub(crate) fn leaf(&self) -> B256 {
        let fields = (self.slot, self.nonce, self.operator, keccak256(&self.signature));
        keccak256(keccak256(fields.abi_encode()))
    }
}

pub(crate) struct Evidence {
    folder: Option<PathBuf>,
    written: VecDeque<PathBuf>,
    /// Receipts of batches by their root, for audits; in the order of time, and how many in all.
    kept: VecDeque<(B256, Vec<SignedReceipt>)>,
    kept_receipts: usize,
}

#[derive(Serialize)]
struct BatchFile<'a> {
    operator: Address,
    receipts_root: B256,
    receipts: Vec<ReceiptEntry>,
    vouchers: Vec<VoucherEntry<'a>>,
}

/// What of a batch's file is read again.
#[derive(Deserialize)]
struct StoredBatch {
    receipts: Vec<ReceiptEntry>,
}

/// Integers wider than 53 bits are decimal strings.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptEntry {
    request_id: B256,
    model_id: B256,
    version: u32,
    input_hash: B256,
    output_hash: B256,
    payer: Address,
    served_at: u64,
    latency_ms: u32,
    fee: String,
    signature: Bytes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VoucherEntry<'a> {
    payer: &'a Address,
    model_id: &'a B256,
    cumulative_fee: String,
    cumulative_units: u64,
    signature: Bytes,
}

#[derive(Serialize)]
struct ReplyEntry {
    slot: u32,
    nonce: B256,
    operator: Address,
    signature: Bytes,
}

#[derive(Serialize)]
struct ReplyFile {
    period: u64,
    member: Address,
    evidence_root: B256,
    replies: Vec<ReplyEntry>,
}

impl Evidence {
    pub(crate) fn new(folder: Option<&Path>) -> Result<Self> {
        let folder = folder
            .map(std::path::absolute)
            .transpose()
            .context("find the evidence folder")?;
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        }
        Ok(Self {
            folder,
            written: VecDeque::new(),
            kept: VecDeque::new(),
            kept_receipts: 0,
        })
    }

    /// Commits to receipts, after writing them down.
    pub(crate) async fn commit(
        &mut self,
        operator: Address,
        receipts: &[SignedReceipt],
        vouchers: &[SignedVoucher],
    ) -> Result<Commitment> {
        let leaves: Vec<Receipt> = receipts.iter().map(|signed| signed.receipt.clone()).collect();
        let root = ReceiptTree::new(&leaves).context("build the receipts tree")?.root();
        let file = BatchFile {
            operator,
            receipts_root: root,
            receipts: receipts.iter().map(receipt_entry).collect(),
            vouchers: vouchers.iter().map(voucher_entry).collect(),
        };
        let uri = self.write(&batch_file(root), &file).await?;
        let count = u32::try_from(receipts.len()).context("count receipts")?;
        self.keep(root, receipts);
        Ok(Commitment { root, count, uri })
    }

    fn keep(&mut self, root: B256, receipts: &[SignedReceipt]) {
        self.kept_receipts += receipts.len();
        self.kept.push_back((root, receipts.to_vec()));
        while self.kept_receipts > MAX_RECEIPTS_KEPT
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            self.kept_receipts -= oldest.len();
        }
    }

    /// The receipts under a root; none when they are lost, which ends in a penalty should one of them be asked for.
    pub(crate) async fn receipts(&self, root: B256) -> Result<Option<Vec<SignedReceipt>>> {
        if let Some((_, receipts)) = self.kept.iter().rev().find(|(kept, _)| *kept == root) {
            return Ok(Some(receipts.clone()));
        }
        let Some(folder) = &self.folder else { return Ok(None) };
        let path = folder.join(batch_file(root));
        let bytes = match tokio::fs::read(&path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        let file: StoredBatch =
            serde_json::from_slice(&bytes).with_context(|| format!("understand {}", path.display()))?;
        file.receipts
            .into_iter()
            .map(signed_receipt)
            .collect::<Result<_>>()
            .map(Some)
    }

    /// Root over the replies that a committee member got in a period; zero when it got none.
    pub(crate) async fn commit_replies(
        &mut self,
        period: u64,
        member: Address,
        replies: &[&ProbeReply],
    ) -> Result<B256> {
        let root = merkle_root(replies.iter().map(|reply| reply.leaf()).collect());
        if self.folder.is_some() {
            let entry = |reply: &&ProbeReply| ReplyEntry {
                slot: reply.slot,
                nonce: reply.nonce,
                operator: reply.operator,
                signature: reply.signature.clone().into(),
            };
            let replies = replies.iter().map(entry).collect();
            let file = ReplyFile {
                period,
                member,
                evidence_root: root,
                replies,
            };
            self.write(&format!("probes-{period}-{member}.json"), &file).await?;
        }
        Ok(root)
    }

    /// Writes a file where there is a folder, and says where it is and what its hash is.
    async fn write(&mut self, name: &str, content: &impl Serialize) -> Result<String> {
        let bytes = serde_json::to_vec(content).context("write evidence as JSON")?;
        let digest = hex::encode(Sha256::digest(&bytes));
        let Some(folder) = &self.folder else {
            return Ok(format!("sha256:{digest}"));
        };
        let path = folder.join(name);
        tokio::fs::write(&path, bytes)
            .await
            .with_context(|| format!("write {}", path.display()))?;
        let uri = format!("file://{}#sha256={digest}", path.display());
        self.written.push_back(path);
        if self.written.len() > MAX_FILES
            && let Some(oldest) = self.written.pop_front()
        {
            tokio::fs::remove_file(&oldest)
                .await
                .with_context(|| format!("remove {}", oldest.display()))?;
        }
        Ok(uri)
    }
}

fn batch_file(root: B256) -> String {
    format!("batch-{root}.json")
}

fn signed_receipt(entry: ReceiptEntry) -> Result<SignedReceipt> {
    let receipt = Receipt {
        requestId: entry.request_id,
        modelId: entry.model_id,
        version: entry.version,
        inputHash: entry.input_hash,
        outputHash: entry.output_hash,
        payer: entry.payer,
        servedAt: entry.served_at,
        latencyMs: entry.latency_ms,
        fee: entry.fee.parse().context("a fee is no number")?,
    };
    let signature = entry.signature.to_vec();
    Ok(SignedReceipt { receipt, signature })
}

fn receipt_entry(signed: &SignedReceipt) -> ReceiptEntry {
    let Receipt {
        requestId,
        modelId,
        version,
        inputHash,
        outputHash,
        payer,
        servedAt,
        latencyMs,
        fee,
    } = signed.receipt;
    ReceiptEntry {
        request_id: requestId,
        model_id: modelId,
        version,
        input_hash: inputHash,
        output_hash: outputHash,
        payer,
        served_at: servedAt,
        latency_ms: latencyMs,
        fee: fee.to_string(),
        signature: signed.signature.clone().into(),
    }
}

fn voucher_entry(signed: &SignedVoucher) -> VoucherEntry<'_> {
    VoucherEntry {
        payer: &signed.voucher.payer,
        model_id: &signed.voucher.modelId,
        cumulative_fee: signed.voucher.cumulativeFee.to_string(),
        cumulative_units: signed.voucher.cumulativeUnits,
        signature: signed.signature.clone().into(),
    }
}

/// Root of a Merkle tree shaped as OpenZeppelin's `StandardMerkleTree`; zero for no leaves.
fn merkle_root(mut leaves: Vec<B256>) -> B256 {
    leaves.sort_unstable();
    // Leaves stand at the end of the tree in reverse order; node i has the children 2i + 1 and 2i + 2.
    let inner = leaves.len().saturating_sub(1);
    let mut nodes = vec![B256::ZERO; inner];
    nodes.extend(leaves.into_iter().rev());
    for node in (0..inner).rev() {
        let (left, right) = (nodes[2 * node + 1], nodes[2 * node + 2]);
        nodes[node] = keccak256([left.min(right), left.max(right)].concat());
    }
    nodes.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(serial: u8) -> Receipt {
        Receipt {
            requestId: B256::repeat_byte(serial),
            ..Receipt::default()
        }
    }

    #[test]
    fn trees_over_replies_and_over_receipts_are_the_same_trees() -> Result<()> {
        for count in 1..=9 {
            let receipts: Vec<Receipt> = (0..count).map(receipt).collect();
            let leaves = receipts.iter().map(plumbline_protocol::receipts::leaf_hash).collect();
            assert_eq!(merkle_root(leaves), ReceiptTree::new(&receipts)?.root());
        }
        assert_eq!(merkle_root(Vec::new()), B256::ZERO);
        Ok(())
    }

    #[tokio::test]
    async fn the_uri_of_evidence_leads_to_a_file_with_the_hash_it_names() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut evidence = Evidence::new(Some(folder.path()))?;
        let receipts = [SignedReceipt {
            receipt: receipt(1),
            signature: vec![7; 65],
        }];
        let commitment = evidence.commit(Address::ZERO, &receipts, &[]).await?;
        let rest = commitment.uri.strip_prefix("file://").context("a file URI")?;
        let (path, digest) = rest.split_once("#sha256=").context("a hash")?;
        let bytes = std::fs::read(path)?;
        assert_eq!(hex::encode(Sha256::digest(&bytes)), digest);
        let file: serde_json::Value = serde_json::from_slice(&bytes)?;
        assert_eq!(file["receipts_root"], commitment.root.to_string());
        assert_eq!(file["receipts"][0]["requestId"], B256::repeat_byte(1).to_string());
        Ok(())
    }

    #[tokio::test]
    async fn receipts_are_found_again_after_a_restart_where_there_is_a_folder() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let receipts: Vec<SignedReceipt> = (1..4)
            .map(|serial| SignedReceipt {
                receipt: Receipt {
                    fee: u128::MAX,
                    ..receipt(serial)
                },
                signature: vec![serial; 65],
            })
            .collect();
        let mut first = Evidence::new(Some(folder.path()))?;
        let root = first.commit(Address::ZERO, &receipts, &[]).await?.root;
        assert_eq!(first.receipts(root).await?.as_ref(), Some(&receipts));
        let second = Evidence::new(Some(folder.path()))?;
        assert_eq!(second.receipts(root).await?, Some(receipts));
        assert_eq!(second.receipts(B256::ZERO).await?, None);
        assert_eq!(Evidence::new(None)?.receipts(root).await?, None);
        Ok(())
    }
}
