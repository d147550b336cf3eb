//! Whether endpoint, deployments file and database speak of the same contracts on the same chain.

use alloy::primitives::{Address, B256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use plumbline_protocol::TestToken;
use plumbline_protocol::deployment::Addresses;

use crate::chain::Chain;
use crate::error::{Halt, RpcFailureKind};
use crate::source::Source;

/// A chain as this endpoint shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) chain_id: u64,
    /// Zero where the endpoint does not keep block 0.
    pub(crate) genesis_hash: B256,
}

/// What a token says of itself.
#[derive(Debug, Clone)]
pub(crate) struct TokenInfo {
    pub(crate) token: Address,
    pub(crate) symbol: String,
    pub(crate) decimals: u8,
}

/// Which chain the endpoint serves; it must be the deployments file's.
pub(crate) async fn identify<S: Source>(chain: &Chain, source: &S) -> anyhow::Result<Identity> {
    let chain_id = chain.chain_id().await?;
    if chain_id != source.chain_id() {
        return Err(other_chain(format!(
            "the deployments file is for chain {}, but {} serves chain {chain_id}; give the file (--deployment) or the \
             RPC URL (--rpc-url) of the other",
            source.chain_id(),
            chain.endpoint()
        )));
    }
    let genesis = chain.insistently(async || {
        let none = || chain.failure("eth_getBlockByNumber", RpcFailureKind::Rejected, "no block 0".into());
        chain.header(0).await?.ok_or_else(none)
    });
    let genesis_hash = match genesis.await {
        Ok(genesis) => genesis.hash,
        Err(error) if error.kind == RpcFailureKind::Rejected => B256::ZERO,
        Err(error) => return Err(error.into()),
    };
    Ok(Identity { chain_id, genesis_hash })
}

/// Checks that the contracts were deployed to this very chain.
pub(crate) async fn check_deployment<S: Source>(chain: &Chain, source: &S) -> anyhow::Result<()> {
    check_first_block(chain, source).await?;
    check_contracts(chain, source).await
}

pub(crate) async fn check_first_block<S: Source>(chain: &Chain, source: &S) -> anyhow::Result<()> {
    let block = source.first_block();
    let Some(there) = chain.header(block.number).await? else {
        // A node that starts or synchronises gets there; one that was reset never does, and this says so meanwhile.
        let problem = format!(
            "no block {} yet, which was deployed in: it is behind, or was reset",
            block.number
        );
        return Err(chain.invalid("eth_getBlockByNumber", &problem).into());
    };
    if there.hash != block.hash {
        return Err(other_chain(format!(
            "the deployments file names block {} with hash {}, but {} has {} there: the chain was reset, or is another \
             with the same id; deploy to it with `plumbline deploy`, or give the RPC URL of the first",
            block.number,
            block.hash,
            chain.endpoint(),
            there.hash
        )));
    }
    Ok(())
}

pub(crate) async fn check_contracts<S: Source>(chain: &Chain, source: &S) -> anyhow::Result<()> {
    for (contract, address) in source.contracts() {
        if !chain.has_code(address).await? {
            return Err(other_chain(format!(
                "there is no {contract} at {address} on chain {}; check the deployments file, or deploy with \
                 `plumbline deploy`",
                source.chain_id()
            )));
        }
    }
    Ok(())
}

/// Symbol and decimals of the deployment's tokens.
pub(crate) async fn tokens(chain: &Chain, addresses: &Addresses) -> anyhow::Result<Vec<TokenInfo>> {
    let mut infos = Vec::new();
    for token in [addresses.fee_token, addresses.stake_token] {
        let decimals = call(chain, token, TestToken::decimalsCall {}).await?.ok_or_else(|| {
            Halt::Configuration(format!(
                "the token at {token} does not answer decimals(); check the deployments file"
            ))
        })?;
        // Some old tokens have a symbol of another type; their address will do.
        let symbol = call(chain, token, TestToken::symbolCall {})
            .await?
            .unwrap_or_else(|| token.to_string());
        infos.push(TokenInfo {
            token,
            symbol,
            decimals,
        });
    }
    infos.dedup_by_key(|info| info.token);
    Ok(infos)
}

/// The answer of a view function; nothing when it reverts or answers in another type.
async fn call<C: SolCall>(chain: &Chain, to: Address, call: C) -> anyhow::Result<Option<C::Return>> {
    let request = TransactionRequest::default().to(to).input(call.abi_encode().into());
    let ask = || chain.request("eth_call", chain.provider().call(request.clone()));
    match chain.insistently(ask).await {
        Ok(answer) => Ok(C::abi_decode_returns(&answer).ok()),
        Err(error) if error.kind == RpcFailureKind::Rejected => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn other_chain(problem: String) -> anyhow::Error {
    Halt::OtherChain(problem).into()
}
