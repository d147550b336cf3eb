//! A proof system for models whose outputs are proved: publishers bind its verifier, operators show proofs.

use alloy::primitives::{Address, B256, Bytes, address, hex, keccak256};
use alloy::providers::Provider;
use alloy::sol_types::SolValue;
use anyhow::Result;

use crate::network::Network;
use crate::outbox::Call;

/// Deploys what it is given to an address that depends on nothing else; on most chains, and on development chains.
const FACTORY: Address = address!("0x4e59b44847b379578588920cA78FbF26c0B4956C");
/// Creation code of a contract with one function, `IReceiptVerifier.verify`. It puts the receipt's output hash, the signer
/// and the weights' digest one after the other and says whether their Keccak hash is the evidence. What stands for a proof
/// here convinces by the same calls as a real one does.
const VERIFIER: [u8; 43] =
    hex!("60228060095f395ff36084355f52610124356020526101443560405260605f206101a435145f5260205ff3");

/// Where the verifier is, once it is deployed.
pub(crate) fn verifier() -> Address {
    FACTORY.create2_from_code(B256::ZERO, VERIFIER)
}

pub(crate) async fn has_code(network: &Network, account: Address) -> Result<bool> {
    let code = network.rpc("read code", network.provider.get_code_at(account)).await?;
    Ok(!code.is_empty())
}

/// Puts the verifier on chain; none where nothing can, and models are judged by committees.
pub(crate) async fn deployment(network: &Network, from: Address) -> Result<Option<Call>> {
    let input = [B256::ZERO.as_slice(), &VERIFIER].concat();
    Ok(has_code(network, FACTORY)
        .await?
        .then(|| Call::raw(from, FACTORY, "deploy a verifier", input.into())))
}

/// What the verifier takes for a proof.
pub(crate) fn proof(output: B256, signer: Address, weights_digest: B256) -> Bytes {
    keccak256((output, signer, weights_digest).abi_encode()).to_vec().into()
}
