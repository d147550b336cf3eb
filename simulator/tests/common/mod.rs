//! A chain with the contracts on it, whose time the test moves.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeSet;
use std::time::Duration;

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, U256, address};
use alloy::providers::{DynProvider, Provider};
use plumbline_deploy::{Account, Options};
use plumbline_devnet::{Chain, ChainOptions};
use plumbline_protocol::{
    CaseDocket, ChallengeManager, Deployment, InferenceSettlement, RewardReserve, StakeVault, TestToken, rpc,
};
use plumbline_simulator::{Config, Report, Secrets, Simulation, Status};
use serde_json::json;
use tempfile::TempDir;

/// Long slots, so that the seconds a test takes are nothing to them.
pub const SLOT_SECONDS: u32 = 600;
pub const SLOTS_PER_PERIOD: u32 = 6;
/// Moves of the time within a slot.
const TICKS_PER_SLOT: u32 = 2;
/// Moves of the time within which what takes luck has happened: a hundred periods.
pub const MAX_MOVES: u32 = 100 * SLOTS_PER_PERIOD * TICKS_PER_SLOT;
/// `Stage` of the docket; the ABI carries its numbers only.
const CLOSED: u8 = 6;

pub struct World {
    pub chain: Chain,
    pub folder: TempDir,
    pub provider: DynProvider,
    pub deployment: Deployment,
}

impl World {
    pub async fn new() -> Self {
        Self::with(ChainOptions::default()).await
    }

    pub async fn with(options: ChainOptions) -> Self {
        let chain = Chain::start(&options).expect("anvil starts");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let provider = rpc::connect(&chain.http_url()).await.expect("anvil answers");
        let account = Account::from_key(&chain.keys()[0]).expect("anvil's key is valid");
        let mut config = plumbline_deploy::Config::dev();
        config.operators.commission_delay_seconds = 40_000;
        config.uptime.slot_seconds = SLOT_SECONDS;
        config.uptime.slots_per_period = SLOTS_PER_PERIOD;
        config.uptime.report_window_seconds = 1_800;
        config.vault.evidence_seconds = 10_800;
        config.vault.thaw_seconds = 40_000;
        config.settlement.exit_delay_seconds = 5_400;
        config.settlement.epoch_seconds = 1_800;
        config.slasher.jail_seconds = 7_200;
        config.faults.correlation_window_seconds = 14_400;
        config.faults.withheld.jail_seconds = 7_200;
        config.faults.wrong_output.jail_seconds = 10_800;
        if let Some(price) = &mut config.price {
            // Half of it is seen after three slots; a tick is two intervals.
            price.window_seconds = 3_600;
        }
        config.rewards.report_seconds = 1_200;
        config.rewards.claim_seconds = 14_400;
        config.audits.answer_seconds = 900;
        config.audits.grace_seconds = 6_000;
        config.audits.proof_seconds = 900;
        config.audits.commit_seconds = 1_200;
        config.audits.reveal_seconds = 1_200;
        config.audits.canary_seconds = 600;
        config.audits.dispute_seconds = 7_200;
        config.stress.step_seconds = 600;
        let options = Options {
            out: folder.path().join("deployments"),
            poll_interval: Duration::from_millis(20),
            ..Options::default()
        };
        let outcome = plumbline_deploy::run(&chain.http_url(), &account, &config, &options)
            .await
            .expect("the contracts deploy");
        Self {
            chain,
            folder,
            provider,
            deployment: outcome.deployment,
        }
    }

    /// A small network.
    pub fn config(&self) -> Config {
        Config {
            rpc_url: self.chain.http_url(),
            seed: 7,
            operators: 12,
            payers: 9,
            delegators: 3,
            requests_per_slot: 24,
            settle_slots: 2,
            max_tx_per_second: None,
            poll_interval_ms: 20,
            evidence_dir: Some(self.folder.path().join("evidence")),
            ..Config::default()
        }
    }

    pub async fn connect(&self, config: Config) -> Simulation {
        Simulation::connect(config, &Secrets::dev(), &self.deployment)
            .await
            .expect("the simulation connects")
    }

    /// Lets time pass: a part of a slot, in a few blocks, because a draw needs some.
    pub fn tick(&self) {
        self.chain
            .rpc("evm_increaseTime", &json!([SLOT_SECONDS / TICKS_PER_SLOT]))
            .expect("anvil answers");
        for _ in 0..3 {
            self.chain.rpc("evm_mine", &json!([])).expect("anvil answers");
        }
    }

    /// One move of the time, and what the simulation does then. The second step sees what the first has sent.
    pub async fn advance(&self, simulation: &mut Simulation) -> Status {
        self.tick();
        simulation.step().await.expect("a step succeeds");
        simulation.step().await.expect("a step succeeds")
    }

    /// Goes on to the beginning of a later period.
    pub async fn advance_to(&self, simulation: &mut Simulation, period: u64) -> Status {
        loop {
            let status = self.advance(simulation).await;
            if status.begun && status.period >= period {
                return status;
            }
        }
    }

    /// Goes on until something has happened that takes luck, such as a committee with enough members.
    pub async fn advance_until(&self, simulation: &mut Simulation, happened: impl Fn(&Report) -> bool) {
        for _ in 0..MAX_MOVES {
            if happened(&simulation.report()) {
                return;
            }
            self.advance(simulation).await;
        }
        panic!("after {MAX_MOVES} moves of the time: {:#?}", simulation.report());
    }

    /// The latest block, once all transactions are mined: while anvil makes a block, it answers from the one before.
    pub async fn latest(&self) -> BlockId {
        self.wait_until_all_is_mined().await;
        BlockId::number(self.provider.get_block_number().await.expect("anvil answers"))
    }

    pub async fn wait_until_all_is_mined(&self) {
        while self.chain.rpc("txpool_status", &json!([])).expect("anvil answers")["pending"] != "0x0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn hash(&self, block: u64) -> B256 {
        let block = self
            .provider
            .get_block(BlockId::number(block))
            .await
            .expect("anvil answers");
        block.expect("a block").header.hash
    }

    /// Time of the latest block.
    pub async fn timestamp(&self) -> u64 {
        let block = self.provider.get_block(BlockId::latest()).await.expect("anvil answers");
        block.expect("a latest block").header.timestamp
    }

    /// Every token that the contracts hold at a block is somebody's.
    pub async fn assert_sums_hold(&self, simulation: &Simulation, at: BlockId) {
        let contracts = self.deployment.contracts;
        let fees = contracts.fee_token;
        let escrowed = self.balance(fees, contracts.inference_settlement, at).await;
        assert_eq!(escrowed, self.owed_by_settlement(simulation, at).await, "escrow");
        let staked = self.balance(contracts.stake_token, contracts.stake_vault, at).await;
        assert_eq!(staked, self.owed_by_vault(simulation, at).await, "stake");
        let bonds = self.balance(fees, contracts.challenge_manager, at).await;
        assert_eq!(bonds, self.owed_by_challenges(simulation, at).await, "bonds");
        let reserve = RewardReserve::new(contracts.reward_reserve, &self.provider);
        let booked = reserve.funds().block(at).call().await.expect("funds")
            + reserve.owed().block(at).call().await.expect("what is owed")
            + reserve.unburned().block(at).call().await.expect("what waits");
        assert!(booked > U256::ZERO && booked <= self.balance(fees, contracts.reward_reserve, at).await);
    }

    /// Everybody to whom something can be credited.
    fn creditors(&self, simulation: &Simulation) -> BTreeSet<Address> {
        let contracts = self.deployment.contracts;
        let mut accounts = BTreeSet::from([
            self.deployment.parameters.vault.sink,
            contracts.reward_reserve,
            address!("0x000000000000000000000000000000000000dEaD"),
        ]);
        accounts.extend(simulation.keeper_addresses());
        accounts.extend(simulation.operator_addresses());
        accounts.extend(simulation.payer_addresses());
        accounts
    }

    /// Bonds of open challenges, and what became of others.
    async fn owed_by_challenges(&self, simulation: &Simulation, at: BlockId) -> U256 {
        let contracts = self.deployment.contracts;
        let docket = CaseDocket::new(contracts.case_docket, &self.provider);
        let manager = ChallengeManager::new(contracts.challenge_manager, &self.provider);
        let cases = docket.caseCount().block(at).call().await.expect("a count").to::<u64>();
        let mut owed = U256::ZERO;
        for id in 1..=cases {
            let case = docket.caseOf(U256::from(id)).block(at).call().await.expect("a case");
            if case.stage != CLOSED {
                owed += U256::from(case.bond);
            }
        }
        for account in self.creditors(simulation) {
            owed += manager.credited(account).block(at).call().await.expect("credits");
        }
        owed
    }

    async fn balance(&self, token: Address, account: Address, at: BlockId) -> U256 {
        let token = TestToken::new(token, &self.provider);
        token.balanceOf(account).block(at).call().await.expect("a balance")
    }

    /// What the settlement contract owes to everybody the simulation knows, read from its views.
    async fn owed_by_settlement(&self, simulation: &Simulation, at: BlockId) -> U256 {
        let contract = InferenceSettlement::new(self.deployment.contracts.inference_settlement, &self.provider);
        let mut owed = U256::ZERO;
        for operator in simulation.operator_addresses() {
            let earnings = contract.earnings(operator).block(at).call().await.expect("earnings");
            owed += earnings.locked + earnings.claimable + earnings.undrawn;
            for payer in simulation.payer_addresses() {
                let channel = contract
                    .channel(payer, operator)
                    .block(at)
                    .call()
                    .await
                    .expect("a channel");
                assert!(channel.settled <= channel.balance);
                owed += U256::from(channel.balance - channel.settled);
            }
        }
        for (_, id) in simulation.models() {
            owed += contract.royalties(id).block(at).call().await.expect("royalties");
        }
        for account in self.creditors(simulation) {
            owed += contract.credited(account).block(at).call().await.expect("credits");
        }
        owed
    }

    /// What the vault owes to stakers and to whom slashed stake was credited.
    async fn owed_by_vault(&self, simulation: &Simulation, at: BlockId) -> U256 {
        let contract = StakeVault::new(self.deployment.contracts.stake_vault, &self.provider);
        let mut owed = U256::ZERO;
        for operator in simulation.operator_addresses() {
            owed += contract.slashable(operator).block(at).call().await.expect("a pool");
        }
        for account in self.creditors(simulation) {
            owed += contract.credited(account).block(at).call().await.expect("credits");
        }
        owed
    }
}
