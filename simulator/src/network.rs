//! The contracts as a client sees them: constants, and reads that end in time.

use std::future::IntoFuture;
use std::time::Duration;

use alloy::consensus::BlockHeader;
use alloy::eips::BlockNumberOrTag;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Filter, Log, TransactionRequest};
use alloy::sol_types::{Eip712Domain, SolCall, eip712_domain};
use alloy::transports::{RpcError, TransportError};
use anyhow::{Context, Result, anyhow, ensure};
use plumbline_protocol::deployment::{Addresses, AuditParameters};
use plumbline_protocol::rpc::{connect, redact};
use plumbline_protocol::typed_data::{operator_domain, settlement_domain, uptime_domain};
use plumbline_protocol::{Deployment, Slasher, TestToken, UptimeLedger, revert_reason};

/// Longest wait for an answer.
const RPC_TIMEOUT: Duration = Duration::from_secs(20);
/// Requests that are under way at the same time.
pub(crate) const CONCURRENCY: usize = 16;
/// Blocks that one request for logs covers, and requests that one search makes.
const LOG_RANGE_BLOCKS: u64 = 2_000;
const MAX_LOG_RANGES: u64 = 32;

/// When periods and slots are, as the ledger says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) genesis: u64,
    pub(crate) slot_seconds: u64,
    pub(crate) slots_per_period: u64,
    pub(crate) report_window: u64,
}

impl Schedule {
    pub(crate) fn period_seconds(&self) -> u64 {
        self.slot_seconds * self.slots_per_period
    }

    pub(crate) fn period_start(&self, period: u64) -> u64 {
        self.slot_start(period * self.slots_per_period)
    }

    pub(crate) fn slot_start(&self, slot: u64) -> u64 {
        self.genesis + slot * self.slot_seconds
    }

    /// Period of a time; the first for what was before genesis.
    pub(crate) fn period_at(&self, time: u64) -> u64 {
        time.saturating_sub(self.genesis) / self.period_seconds()
    }

    /// Where a block's time falls; before genesis, at the beginning.
    pub(crate) fn moment(&self, head: Head) -> Moment {
        let slot = head.timestamp.saturating_sub(self.genesis) / self.slot_seconds;
        Moment {
            head,
            begun: head.timestamp >= self.genesis,
            slot,
            period: slot / self.slots_per_period,
        }
    }
}

/// The block that the chain ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    pub(crate) timestamp: u64,
    /// The chain prices gas by EIP-1559.
    pub(crate) has_base_fee: bool,
}

/// A block, and where its time falls. Slots are counted from genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) head: Head,
    /// Genesis is over.
    pub(crate) begun: bool,
    pub(crate) slot: u64,
    pub(crate) period: u64,
}

/// Which contract takes what concerns a case, and tells of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Courts {
    /// Draws, answers, and the execution of audits.
    pub(crate) audits: Address,
    /// What audits and challenges share: proofs and conclusions.
    pub(crate) docket: Address,
    pub(crate) challenges: Address,
    /// Committees of judges.
    pub(crate) judges: Address,
}

impl Courts {
    fn new(addresses: &Addresses) -> Self {
        Self {
            audits: addresses.audit_manager,
            docket: addresses.case_docket,
            challenges: addresses.challenge_manager,
            judges: addresses.judge_committee,
        }
    }

    pub(crate) fn all(&self) -> Vec<Address> {
        vec![self.audits, self.docket, self.challenges, self.judges]
    }
}

/// Which block seeds what was committed, and for how long it can be proved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) delay: u64,
    pub(crate) window: u64,
}

/// An ERC-20 that the contracts use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) address: Address,
    /// Anybody may mint it; otherwise the faucet hands it out.
    pub(crate) mintable: bool,
}

pub(crate) struct Network {
    url: String,
    pub(crate) provider: DynProvider,
    pub(crate) chain_id: u64,
    pub(crate) addresses: Addresses,
    pub(crate) courts: Courts,
    pub(crate) rounds: Rounds,
    pub(crate) deployed_at: u64,
    pub(crate) schedule: Schedule,
    pub(crate) own_stake_floor: U256,
    pub(crate) min_deposit: U256,
    pub(crate) evidence_window: u64,
    pub(crate) exit_delay: u64,
    pub(crate) audit_parameters: AuditParameters,
    /// Account that hands out coins, and tokens that nobody can mint.
    pub(crate) faucet: Address,
    pub(crate) stake_token: Token,
    pub(crate) fee_token: Token,
    /// Base units of one fee token.
    pub(crate) fee_unit: u128,
    /// Domain under which the fee token takes permits and authorisations; none when it takes neither.
    pub(crate) fee_token_domain: Option<Eip712Domain>,
    pub(crate) settlement_domain: Eip712Domain,
    pub(crate) operator_domain: Eip712Domain,
    pub(crate) uptime_domain: Eip712Domain,
}

impl Network {
    /// Connects, and makes sure that the deployment is the one of this chain.
    pub(crate) async fn connect(url: &str, deployment: &Deployment, faucet: Address) -> Result<Self> {
        let provider = connect(url).await?;
        let addresses = deployment.contracts;
        let tokens = &deployment.parameters.tokens;
        let one_token = addresses.stake_token == addresses.fee_token;
        let fee_mintable = if one_token {
            tokens.stake.is_some()
        } else {
            tokens.fee.is_some()
        };
        let (chain_id, settlement) = (deployment.chain_id, addresses.inference_settlement);
        let mut network = Self {
            url: url.trim_end_matches('/').to_owned(),
            provider,
            chain_id,
            addresses,
            courts: Courts::new(&addresses),
            rounds: Rounds {
                delay: deployment.parameters.randomness.delay_blocks,
                window: deployment.parameters.randomness.window_blocks,
            },
            audit_parameters: deployment.parameters.audits.clone(),
            deployed_at: deployment.block.number,
            schedule: Schedule {
                genesis: 0,
                slot_seconds: 1,
                slots_per_period: 1,
                report_window: 0,
            },
            own_stake_floor: deployment.parameters.vault.own_stake_floor,
            min_deposit: deployment.parameters.vault.min_deposit,
            evidence_window: 0,
            exit_delay: deployment.parameters.settlement.exit_delay_seconds,
            faucet,
            stake_token: Token {
                address: addresses.stake_token,
                mintable: tokens.stake.is_some(),
            },
            fee_token: Token {
                address: addresses.fee_token,
                mintable: fee_mintable,
            },
            fee_unit: 1,
            fee_token_domain: None,
            settlement_domain: settlement_domain(chain_id, settlement),
            operator_domain: operator_domain(chain_id, addresses.operator_registry),
            uptime_domain: uptime_domain(chain_id, addresses.uptime_ledger),
        };
        network.check_chain().await?;
        network.read_constants().await?;
        Ok(network)
    }

    async fn check_chain(&self) -> Result<()> {
        let at = redact(&self.url);
        let served = self
            .rpc("read the chain id", self.provider.get_chain_id())
            .await
            .with_context(|| {
                format!(
                    "the RPC endpoint {at} does not answer; start the chain (`plumbline dev`) or give another --rpc-url"
                )
            })?;
        ensure!(
            served == self.chain_id,
            "the deployment is for chain {}, but {at} serves chain {served}; give the deployments file or the RPC URL of \
             the other",
            self.chain_id
        );
        let ledger = self.addresses.uptime_ledger;
        let code = self
            .rpc("read the ledger's code", self.provider.get_code_at(ledger))
            .await?;
        ensure!(
            !code.is_empty(),
            "there is no contract at {ledger}, where the deployment has its uptime ledger: the chain was reset; deploy \
             again with `plumbline deploy`"
        );
        Ok(())
    }

    async fn read_constants(&mut self) -> Result<()> {
        let schedule = self
            .read(self.addresses.uptime_ledger, UptimeLedger::scheduleCall {})
            .await?;
        self.schedule = Schedule {
            genesis: schedule.genesis,
            slot_seconds: u64::from(schedule.slotSeconds),
            slots_per_period: u64::from(schedule.slotsPerPeriod),
            report_window: schedule.reportWindow,
        };
        self.evidence_window = self
            .read(self.addresses.slasher, Slasher::EVIDENCE_WINDOWCall {})
            .await?;
        let token = self.addresses.fee_token;
        let decimals = self.read(token, TestToken::decimalsCall {}).await?;
        self.fee_unit = 10_u128
            .checked_pow(u32::from(decimals))
            .context("the fee token has too many decimals")?;
        let domain = self.read_unless_reverted(token, TestToken::eip712DomainCall {}).await?;
        self.fee_token_domain = domain.map(|domain| {
            eip712_domain! {
                name: domain.name,
                version: domain.version,
                chain_id: self.chain_id,
                verifying_contract: token,
            }
        });
        Ok(())
    }

    /// Waits for an answer, but not for ever.
    pub(crate) async fn rpc<T>(
        &self,
        what: &str,
        request: impl IntoFuture<Output = Result<T, TransportError>>,
    ) -> Result<T> {
        match self.attempt(what, request).await? {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.describe(what, &error)),
        }
    }

    /// The latest block.
    pub(crate) async fn head(&self) -> Result<Head> {
        self.block(BlockNumberOrTag::Latest)
            .await?
            .context("the RPC endpoint has no latest block")
    }

    pub(crate) async fn block(&self, number: BlockNumberOrTag) -> Result<Option<Head>> {
        let block = self
            .rpc("read a block", self.provider.get_block_by_number(number))
            .await?;
        Ok(block.map(|block| Head {
            number: block.header.number,
            hash: block.header.hash,
            timestamp: block.header.timestamp,
            has_base_fee: block.header.base_fee_per_gas().is_some(),
        }))
    }

    /// A block's header as its hash is of it; none when the endpoint does not give all of it.
    pub(crate) async fn header(&self, number: u64) -> Result<Option<Bytes>> {
        let block = self
            .rpc("read a header", self.provider.get_block_by_number(number.into()))
            .await?;
        Ok(block.and_then(|block| {
            let encoded: Bytes = alloy::rlp::encode(&block.header.inner).into();
            (keccak256(&encoded) == block.header.hash).then_some(encoded)
        }))
    }

    pub(crate) async fn read<C: SolCall>(&self, contract: Address, call: C) -> Result<C::Return> {
        let request = self.provider.call(request(contract, &call));
        let answer = self.rpc(C::SIGNATURE, request).await?;
        decode::<C>(&answer)
    }

    /// Like `read`, for functions that revert when there is nothing to tell.
    pub(crate) async fn read_unless_reverted<C: SolCall>(
        &self,
        contract: Address,
        call: C,
    ) -> Result<Option<C::Return>> {
        let request = self.provider.call(request(contract, &call));
        match self.attempt(C::SIGNATURE, request).await? {
            Ok(answer) => decode::<C>(&answer).map(Some),
            Err(RpcError::ErrorResp(error)) if error.message.contains("revert") => Ok(None),
            Err(error) => Err(self.describe(C::SIGNATURE, &error)),
        }
    }

    /// Logs from a block on, oldest first, in bounded requests; the search ends at `to`, or after its last request.
    pub(crate) async fn logs(&self, filter: &Filter, from: u64, to: u64) -> Result<Vec<Log>> {
        let mut logs = Vec::new();
        let mut start = from;
        for _ in 0..MAX_LOG_RANGES {
            if start > to {
                break;
            }
            let end = to.min(start + LOG_RANGE_BLOCKS - 1);
            let filter = filter.clone().from_block(start).to_block(end);
            logs.extend(self.rpc("read logs", self.provider.get_logs(&filter)).await?);
            start = end + 1;
        }
        Ok(logs)
    }

    /// First block of a search that ends at the head and covers as much as one search can.
    pub(crate) fn search_start(&self, head: u64) -> u64 {
        head.saturating_sub(LOG_RANGE_BLOCKS * MAX_LOG_RANGES - 1)
            .max(self.deployed_at)
    }

    pub(crate) async fn attempt<T>(
        &self,
        what: &str,
        request: impl IntoFuture<Output = Result<T, TransportError>>,
    ) -> Result<Result<T, TransportError>> {
        tokio::time::timeout(RPC_TIMEOUT, request.into_future())
            .await
            .map_err(|_| anyhow!("{what}: no answer within {} s", RPC_TIMEOUT.as_secs()))
    }

    /// An error as text without the URL, which may hold an API key.
    pub(crate) fn describe(&self, what: &str, error: &TransportError) -> anyhow::Error {
        let reason = match error.as_error_resp() {
            Some(response) => revert_reason(error).unwrap_or_else(|| response.message.to_string()),
            None => error.to_string(),
        };
        anyhow!("{what}: {}", reason.replace(&self.url, &redact(&self.url)))
    }
}

/// A call as a request that is not sent yet.
pub(crate) fn request<C: SolCall>(contract: Address, call: &C) -> TransactionRequest {
    TransactionRequest::default()
        .with_to(contract)
        .with_input(Bytes::from(call.abi_encode()))
}

fn decode<C: SolCall>(answer: &Bytes) -> Result<C::Return> {
    C::abi_decode_returns(answer).with_context(|| format!("decode the answer to {}", C::SIGNATURE))
}
